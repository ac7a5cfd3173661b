"""RunPod: the whole catalog of the bundled answers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fetchers import BUNDLED, Fetched, SessionOptions, fetch_cloud, load_fetcher
from tests.fetchers.runpod_sets import GRAPHQL, TWO_SITES, details, rows_of, two_sites

# Id, name in SkyPilot's launcher, canonical name, USD per GPU-hour, GB, largest count.
TABLE: list[tuple[str, str, str, str, int, int]] = [
    ("AMD Instinct MI300X OAM", "MI300X", "MI300X", "2.39", 192, 8),
    ("NVIDIA A100 80GB PCIe", "A100-80GB", "A100-80GB", "1.39", 80, 8),
    ("NVIDIA A100-SXM4-80GB", "A100-80GB-SXM", "A100-80GB-SXM", "1.59", 80, 8),
    ("NVIDIA A40", "A40", "A40", "0.44", 48, 10),
    ("NVIDIA B200", "B200", "B200", "6.79", 180, 8),
    ("NVIDIA B300 SXM6 AC", "", "B300", "7.89", 288, 8),
    ("NVIDIA GeForce RTX 3090", "RTX3090", "RTX3090", "0.50", 24, 8),
    ("NVIDIA GeForce RTX 4090", "RTX4090", "RTX4090", "0.74", 24, 8),
    ("NVIDIA GeForce RTX 5090", "RTX5090", "RTX5090", "0.99", 32, 8),
    ("NVIDIA H100 80GB HBM3", "H100-SXM", "H100-SXM", "3.29", 80, 8),
    ("NVIDIA H100 NVL", "H100-NVL", "H100-NVL", "3.19", 94, 10),
    ("NVIDIA H100 PCIe", "H100", "H100", "2.89", 80, 8),
    ("NVIDIA H200", "H200-SXM", "H200-SXM", "4.59", 141, 8),
    ("NVIDIA L4", "L4", "L4", "0.49", 24, 10),
    ("NVIDIA L40", "L40", "L40", "0.82", 48, 10),
    ("NVIDIA L40S", "L40S", "L40S", "0.99", 48, 8),
    ("NVIDIA RTX 2000 Ada Generation", "RTX2000-Ada", "RTX2000-Ada", "0.24", 16, 8),
    ("NVIDIA RTX 4000 Ada Generation", "RTX4000-Ada", "RTX4000-Ada", "0.28", 20, 8),
    ("NVIDIA RTX 6000 Ada Generation", "RTX6000-Ada", "RTX6000-Ada", "0.84", 48, 8),
    ("NVIDIA RTX A4000", "RTXA4000", "RTXA4000", "0.25", 16, 12),
    ("NVIDIA RTX A4500", "RTXA4500", "RTXA4500", "0.25", 20, 4),
    ("NVIDIA RTX A5000", "RTXA5000", "RTXA5000", "0.27", 24, 10),
    ("NVIDIA RTX A6000", "RTXA6000", "RTXA6000", "0.53", 48, 10),
    ("NVIDIA RTX PRO 4000 Blackwell", "", "RTXPRO4000", "0.57", 24, 8),
    ("NVIDIA RTX PRO 4500 Blackwell Server Edition", "", "RTXPRO4500-SE", "0.72", 32, 8),
    ("NVIDIA RTX PRO 5000 Blackwell", "", "RTXPRO5000", "0.96", 48, 8),
    ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTXPRO6000", "RTXPRO6000", "2.09", 96, 9),
    ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "RTXPRO6000-WK", "RTXPRO6000-WK", "1.89", 96, 4),
]

# Flavor, GB per vCPU, USD per vCPU-hour.
CPU_TABLE = [
    ("cpu3c", 2, "0.03"), ("cpu3g", 4, "0.04"), ("cpu3m", 8, "0.055"),
    ("cpu5c", 2, "0.035"), ("cpu5g", 4, "0.046"), ("cpu5m", 8, "0.065"),
]  # fmt: skip

UNLAUNCHABLE = (
    "SkyPilot's launcher does not know these names (launchable: false): B300, RTXPRO4000, RTXPRO4500-SE, RTXPRO5000"
)


@pytest.fixture(scope="module")
def full() -> Fetched:
    return fetch_cloud(load_fetcher("runpod"), SessionOptions(replay=BUNDLED))


@pytest.fixture(scope="module", params=[True, False], ids=["key", "no key"])
def catalog(request: pytest.FixtureRequest) -> Fetched:
    """Two sites, once from REST v2 and GraphQL, once from GraphQL alone."""
    return two_sites(with_key=request.param, kind="sample").fetch()


def test_every_type_is_at_every_site(full: Fetched) -> None:
    assert len({row.zone for row in full.offerings}) == 48
    assert len({row.instance_type for row in full.offerings}) == sum(row[5] for row in TABLE) + 6 * 5
    assert len(full.offerings) == 48 * len({row.instance_type for row in full.offerings})
    assert len({row.key for row in full.offerings}) == len(full.offerings)
    assert (full.kind, full.requests_made, full.warnings) == ("sample", 4, (UNLAUNCHABLE,))
    assert {row.region for row in full.offerings if row.zone == "EUR-IS-3"} == {"IS"}
    assert len({row.zone for row in full.offerings if row.region == "US"}) == 25


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[2])
def test_every_secure_type_is_sold_in_every_count(
    row: tuple[str, str, str, str, int, int], catalog: Fetched
) -> None:
    gpu_id, launch_name, name, price, memory_gb, most = row
    rows = rows_of(catalog, gpu_id)
    assert sorted(rows) == list(range(1, most + 1))
    for count, offering in rows.items():
        assert offering.instance_type == f"{count}x_{launch_name or name}_SECURE"
        assert offering.launchable is bool(launch_name)
        assert offering.accelerator_name == name
        assert offering.price_usd_per_hour == Decimal(price) * count
        assert offering.spot_price_usd_per_hour is None
        assert offering.gpu_memory_mib == memory_gb * 1024
        assert (offering.region, offering.in_stock) == ("US", None)


def test_nothing_else_becomes_a_row(catalog: Fetched) -> None:
    assert {row.listing for row in catalog.offerings} == {row[0] for row in TABLE} | {row[0] for row in CPU_TABLE}
    assert {skip.rule for skip in catalog.skipped} == {"not-offered"}
    assert not any(skip.broken for skip in catalog.skipped)
    assert "unknown" not in {skip.listing for skip in catalog.skipped}
    assert len(catalog.skipped) == 21
    assert {(row.zone, row.region) for row in catalog.offerings} == set(TWO_SITES.items())


@pytest.mark.parametrize("row", CPU_TABLE, ids=lambda row: row[0])
def test_every_flavor_is_sold_in_powers_of_two(row: tuple[str, int, str], catalog: Fetched) -> None:
    flavor, gb_per_vcpu, price = row
    rows = rows_of(catalog, flavor)
    assert sorted(rows) == [2, 4, 8, 16, 32]
    for vcpus, offering in rows.items():
        assert offering.instance_type == f"{flavor}-{vcpus}-{vcpus * gb_per_vcpu}"
        assert offering.memory_gib == vcpus * gb_per_vcpu
        assert offering.price_usd_per_hour == Decimal(price) * vcpus
        assert (offering.accelerator_name, offering.accelerator_count, offering.gpu_memory_mib) == (None,) * 3


# Id, count, vCPUs, GB, marks.
SIZES: list[tuple[str, int, int, int, tuple[str, ...]]] = [
    ("NVIDIA B300 SXM6 AC", 1, 43, 503, ("minimum",)),
    ("NVIDIA B300 SXM6 AC", 2, 86, 1006, ("minimum",)),
    ("NVIDIA B300 SXM6 AC", 4, 172, 2012, ("inferred", "minimum")),
    ("NVIDIA B300 SXM6 AC", 8, 344, 4024, ("inferred", "minimum")),
    ("NVIDIA RTX PRO 4500 Blackwell Server Edition", 2, 32, 188, ("minimum",)),
    ("NVIDIA RTX PRO 4500 Blackwell Server Edition", 3, 48, 282, ("inferred", "minimum")),
    ("NVIDIA RTX PRO 5000 Blackwell", 4, 0, 500, ("minimum",)),
    ("NVIDIA RTX PRO 5000 Blackwell", 1, 0, 125, ("inferred", "minimum")),
    ("NVIDIA B200", 1, 28, 283, ("derived",)),
    ("NVIDIA B200", 8, 224, 2264, ("derived",)),
    ("NVIDIA H200", 1, 24, 276, ()),
    ("NVIDIA H200", 8, 192, 2208, ()),
    ("NVIDIA A40", 10, 90, 480, ("derived",)),
]


@pytest.mark.parametrize(("gpu_id", "count", "vcpus", "memory_gb", "marks"), SIZES)
def test_sizes_grow_with_the_count_and_say_where_they_come_from(
    gpu_id: str, count: int, vcpus: int, memory_gb: int, marks: tuple[str, ...], catalog: Fetched
) -> None:
    row = rows_of(catalog, gpu_id)[count]
    assert row.memory_gib == memory_gb
    assert vcpus in (0, row.vcpus)
    assert row.marks == marks


def test_no_size_grows_faster_than_the_count(catalog: Fetched) -> None:
    for gpu_id, *_ in TABLE:
        rows = rows_of(catalog, gpu_id)
        for count, row in rows.items():
            assert row.memory_gib == pytest.approx(rows[1].memory_gib * count, abs=count)
            assert row.vcpus == pytest.approx(rows[1].vcpus * count, abs=count)


def test_a_vendors_figure_beats_the_minimum_of_the_moment() -> None:
    recorded = two_sites()
    details(recorded, "NVIDIA B200")["c1"] = {"minVcpu": 16, "minMemory": 180, "stockStatus": "Low"}
    row = rows_of(recorded.fetch(), "NVIDIA B200")[1]
    assert (row.vcpus, row.memory_gib, row.marks) == (16, 283, ("minimum",))


def test_without_a_key_graphql_is_the_only_source() -> None:
    fetched = two_sites(with_key=False).fetch()
    assert fetched.requests_made == 1
    assert fetched.warnings == ("no RUNPOD_API_KEY: prices come from the deprecated GraphQL API", UNLAUNCHABLE)
    assert {row.source for row in fetched.offerings} == {"https://api.runpod.io/graphql"}


def test_both_apis_give_the_same_catalog() -> None:
    def facts(with_key: bool) -> set[tuple[object, ...]]:
        rows = two_sites(with_key=with_key).fetch().offerings
        return {(*row.key, row.price_usd_per_hour, row.vcpus, row.memory_gib, row.gpu_memory_mib) for row in rows}

    assert facts(with_key=True) == facts(with_key=False)


def test_prices_are_not_older_and_not_newer_than_their_source(catalog: Fetched) -> None:
    assert {row.observed_at for row in catalog.offerings} == {"2026-07-01T00:00:00Z"}
    assert two_sites()[GRAPHQL].observed_at == "2026-07-01T00:00:00Z"
