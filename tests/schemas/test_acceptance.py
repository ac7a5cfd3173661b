from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from gpu_catalog.offering import Offering, Skipped
from schemas import (
    SCHEMA_VERSIONS,
    Accepted,
    RefusedFetch,
    accept,
    default_limits,
    validate_catalog,
    vms_csv,
)
from tests.schemas.examples import CPU, H100, RTX5090, TABLE, h100s, skip

CHEAP = Decimal("0.001")
"""A price outside every band."""


def accepted(offerings: list[Offering], skipped: list[Skipped] | None = None, **options: Any) -> Accepted:
    return accept("somecloud", offerings, skipped or [], table=TABLE, **options)


def test_good_offerings_become_files_that_pass() -> None:
    offerings = [H100, CPU, RTX5090]

    result = accepted(offerings)

    assert set(result.offerings) == set(offerings)
    assert result.skipped == ()
    assert set(result.files) == set(SCHEMA_VERSIONS)
    for version, content in result.files.items():
        assert content == vms_csv(offerings, version)
        assert validate_catalog(content, "somecloud", version, TABLE).ok
    assert b"1x_RTX5090_SECURE" in result.files["v7"]


def test_what_only_the_newest_version_forbids_is_skipped_from_all() -> None:
    result = accepted([H100, CPU, replace(RTX5090, arch="mips")])
    assert set(result.offerings) == {H100, CPU}
    assert [skipped.rule for skipped in result.skipped] == ["arch"]
    assert all(b"RTX5090" not in content for content in result.files.values())


def test_a_bad_row_is_skipped_from_every_version_with_its_rule() -> None:
    bad = replace(RTX5090, region="us-central-2", price_usd_per_hour=CHEAP)

    result = accepted([H100, RTX5090, bad])

    assert set(result.offerings) == {H100, RTX5090}
    assert all(b"us-central-2" not in content for content in result.files.values())
    (skipped,) = result.skipped
    assert (skipped.listing, skipped.rule, skipped.broken, skipped.rows) == (
        bad.instance_type,
        "price-in-band",
        True,
        1,
    )
    assert skipped.accelerator == "RTX5090"
    assert "'0.001'" in skipped.reason


def test_skipped_rows_of_one_type_and_rule_are_one_entry() -> None:
    bad = [
        replace(H100, instance_type="bad", listing="gpu 7", region=f"r{n}", price_usd_per_hour=CHEAP)
        for n in range(3)
    ]

    result = accepted([*h100s(60), *bad])

    assert [(skipped.listing, skipped.rows) for skipped in result.skipped] == [("gpu 7", 3)]


def test_what_the_fetcher_skipped_stays_listed() -> None:
    earlier = skip("GPU 9", broken=False)

    assert accepted([H100], [earlier]).skipped == (earlier,)


def test_leaving_out_a_row_may_uncover_the_next() -> None:
    """Of the 2x types the cheapest is at fault; without it, the next one falls below 1x as well."""
    two = [
        replace(
            H100,
            instance_type=f"2x_H100_{name}_SECURE",
            accelerator_count=2.0,
            price_usd_per_hour=Decimal(price),
        )
        for name, price in (("a", "2.0"), ("b", "2.1"), ("c", "4.98"))
    ]

    result = accepted([H100, *two, *h100s(60)])

    assert [(skipped.rule, skipped.listing) for skipped in result.skipped] == [
        ("price-rises-with-count", "2x_H100_a_SECURE"),
        ("price-rises-with-count", "2x_H100_b_SECURE"),
    ]


def test_the_repeat_of_a_row_is_skipped_the_row_stays() -> None:
    result = accepted([H100, replace(H100, source="another page"), *h100s(30)])

    assert len(result.offerings) == 31
    assert [skipped.rule for skipped in result.skipped] == ["duplicate-row"]


def test_a_name_with_a_line_break_costs_its_row_only() -> None:
    result = accepted([H100, replace(H100, region="us\neast"), replace(H100, region="us\r\neast")])

    assert result.offerings == (H100,)
    assert {skipped.rule for skipped in result.skipped} == {"one-line-rows"}


def test_a_row_without_its_zone_is_skipped() -> None:
    zoned = [replace(offering, zone="z-" + offering.region) for offering in h100s(30)]

    result = accepted([*zoned, H100])

    assert [skipped.rule for skipped in result.skipped] == ["zone-filled"]


def test_contradictory_offers_refuse_the_fetch() -> None:
    with pytest.raises(RefusedFetch, match=r"contradictory-offer") as refusal:
        accepted([H100, replace(H100, price_usd_per_hour=Decimal("3")), *h100s(99)])

    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("offerings", "skipped", "message"),
    [
        ([], [], "nothing is left to publish; nothing was broken"),
        ([], [skip("gpu 1")], "nothing is left to publish; first: gpu 1: no memory"),
        ([CPU], [], "only CPU instances are left to publish; nothing was broken"),
        (
            [CPU, replace(H100, price_usd_per_hour=CHEAP)],
            [],
            "only CPU instances are left to publish; first: 1x_H100_SECURE: ",
        ),
    ],
)
def test_nothing_left_refuses_the_fetch(offerings: list[Offering], skipped: list[Skipped], message: str) -> None:
    with pytest.raises(RefusedFetch) as refusal:
        accepted(offerings, skipped)

    assert str(refusal.value).startswith(message)


def test_too_much_broken_refuses_the_fetch() -> None:
    bad = [replace(offering, price_usd_per_hour=CHEAP) for offering in h100s(2)]
    earlier = skip("GPU 9")

    with pytest.raises(RefusedFetch) as refusal:
        accepted([H100, *bad], [earlier])

    said = "too much is broken: 3 of 4 listings, 3 of 4 rows; first: GPU 9: no memory; nothing of this fetch"
    assert str(refusal.value).startswith(said)


def test_a_listing_that_keeps_rows_is_not_lost() -> None:
    many = [replace(o, listing=f"gpu {n // 4}") for n, o in enumerate(h100s(100))]
    bad = [replace(many[n], price_usd_per_hour=CHEAP) for n in (0, 10, 20)]

    result = accepted([o for n, o in enumerate(many) if n not in (0, 10, 20)] + bad)

    assert len(result.offerings) == 97


def test_limits_may_be_others() -> None:
    lenient = replace(default_limits(), broken_listings_share=1.0, broken_rows_share=1.0)

    assert accepted([H100], [skip("gpu 1"), skip("gpu 2")], limits=lenient).offerings == (H100,)
