from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from gpu_catalog.offering import Offering
from schemas.cross_row_rules import cross_row_findings
from tests.schemas.examples import CPU, H100


def found(*offerings: Offering) -> dict[str, list[int]]:
    """Rows by rule; the first offering is row 0."""
    rows: dict[str, list[int]] = {}
    for finding in cross_row_findings(dict(enumerate(offerings))):
        assert finding.row is not None
        rows.setdefault(finding.rule, []).append(finding.row)
    return rows


def in_region(offering: Offering, region: str, zone: str | None = None) -> Offering:
    return replace(offering, region=region, zone=zone)


def priced(**price_by_count: str) -> list[Offering]:
    """One offering per count: `n1="2.49", n8="19.92"`."""
    return [
        replace(
            H100,
            instance_type=f"{name[1:]}x_H100_SECURE",
            accelerator_count=float(name[1:]),
            price_usd_per_hour=Decimal(price),
        )
        for name, price in price_by_count.items()
    ]


def test_consistent_rows_pass() -> None:
    assert found() == {}
    assert found(*priced(n1="2.49", n2="4.98", n8="19.92"), CPU, in_region(CPU, "us-west-1")) == {}


def test_the_minority_is_at_fault() -> None:
    a, b, c = (in_region(H100, region) for region in "abc")

    assert found(a, b, replace(c, vcpus=52.0)) == {"one-vcpus-per-type": [2]}
    assert found(replace(a, memory_gib=1.0), b, c) == {"one-memory-per-type": [0]}
    assert found(a, replace(b, accelerator_name="A100"), c) == {"one-accelerator-per-type": [1]}
    assert found(a, replace(b, accelerator_count=2.0), c) == {"one-accelerator-per-type": [1]}


def test_without_majority_all_are_at_fault() -> None:
    a, b = in_region(H100, "a"), replace(H100, region="b", vcpus=52.0)

    assert found(a, b) == {"one-vcpus-per-type": [0, 1]}


def test_one_price_per_type_and_region_whatever_the_zone() -> None:
    zones = [in_region(H100, "US", f"US-{n}") for n in range(3)]
    dearer = replace(zones[2], price_usd_per_hour=Decimal("2.5"))

    assert found(*zones) == {}
    assert found(*zones[:2], dearer) == {"one-price-per-region": [2]}
    assert found(zones[0], replace(dearer, region="CA", zone="CA-1")) == {}


def test_a_zone_lies_in_one_region() -> None:
    rows = [
        replace(H100, region=region, zone="EU-SE-1", instance_type=f"{n}x")
        for n, region in enumerate(["SE", "SE", "NO"])
    ]

    assert found(*rows) == {"zone-in-one-region": [2]}


def test_price_must_rise_with_the_count() -> None:
    assert found(*priced(n1="2.49", n2="4.98", n4="4.00", n8="19.92")) == {"price-rises-with-count": [2]}
    assert found(*priced(n1="20", n2="4.98", n4="9.96", n8="19.92")) == {"price-rises-with-count": [0]}
    assert found(*priced(n1="2.49", n8="2.49")) == {"price-rises-with-count": [1]}, "a price per GPU"
    assert found(*priced(n1="2.49", n2="2.49", n4="2.49", n8="19.92")) == {"price-rises-with-count": [1, 2]}
    assert found(*priced(n2="4.98", n8="2.49")) == {"price-rises-with-count": [1]}, "a tie falls to the low count"


def test_a_name_has_one_spelling() -> None:
    rows = [replace(in_region(H100, "US", f"US-{n}"), instance_type=f"t{n}") for n in range(3)]

    assert found(*rows[:2], replace(rows[2], region="us")) == {"one-spelling": [2]}
    assert found(*rows[:2], replace(rows[2], accelerator_name="h100")) == {"one-spelling": [2]}
    assert found(*rows[:2], replace(rows[2], instance_type="T0")) == {"one-spelling": [0, 2]}
    assert found(*rows[:2], replace(rows[2], zone="us-0")) == {"one-spelling": [0, 2]}


def test_prices_are_compared_within_one_site_and_cloud_type() -> None:
    (eight,) = priced(n8="2.00")

    assert found(H100, in_region(eight, "us-west-1")) == {}
    assert found(H100, replace(eight, instance_type="8x_H100_COMMUNITY")) == {}
    assert found(H100, replace(eight, accelerator_name="A100", instance_type="8x_A100_SECURE")) == {}
    for pool in ("SECURE", "COMMUNITY"):
        one = replace(H100, instance_type="1x_H100")
        assert found(one, replace(eight, instance_type=f"8x_H100_{pool}")) == {}
        assert len(found(replace(one, instance_type=f"1x_{pool}"), replace(eight, instance_type=f"8x_{pool}"))) == 1


def test_only_the_cheapest_of_a_count_is_compared() -> None:
    dear = replace(H100, instance_type="1x_H100_big_SECURE", price_usd_per_hour=Decimal("30"))

    assert found(dear, *priced(n1="2.49", n8="19.92")) == {}


def test_a_finding_says_what_the_others_say() -> None:
    a, b, c = (in_region(H100, region) for region in "abc")
    (finding,) = cross_row_findings({2: a, 3: b, 4: replace(c, vcpus=52.0)})

    assert str(finding) == (
        "row 4, vCPUs '52.0': one-vcpus-per-type: All rows of an instance type have the same vCPUs. "
        "Here 52.0, in 1 of 3 rows. (1x_H100_SECURE c)"
    )


def test_a_finding_names_the_column_and_the_value() -> None:
    a, b, c = (in_region(H100, region, f"{region}-1") for region in "abc")
    wrong = {
        "AcceleratorName": (replace(c, accelerator_name="A100"), "1.0 A100"),
        "Price": (replace(b, price_usd_per_hour=Decimal("1e1")), "10.0"),
        "Region": (replace(b, zone="a-1", instance_type="x"), "b"),
        "InstanceType": (replace(b, instance_type="1X_h100_secure"), "1X_h100_secure"),
        "AvailabilityZone": (replace(b, zone="B-1", instance_type="x"), "B-1"),
    }
    for column, (row, value) in wrong.items():
        findings = cross_row_findings(dict(enumerate([a, b, b, c, row])))
        assert (column, value) in {(finding.column, finding.value) for finding in findings}, column
    (spelled,) = cross_row_findings({0: a, 1: b, 2: b, 3: replace(b, region="B", zone="b-2")})
    assert (spelled.rule, spelled.column, spelled.value) == ("one-spelling", "Region", "B")
