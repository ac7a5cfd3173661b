"""Lambda: every known type at its price, and the documented and recorded forms of the answer."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from fetchers import Fetched, UnexpectedAnswer
from gpu_catalog import Offering, format_gpu_info, parse_gpu_info
from tests.fetchers.recordings import RecordedSet, bundled, fixture

TYPES = "/instance-types"

# Type, accelerator, GPUs, GB of one, vCPUs, GiB, US cents per hour.
TABLE: list[tuple[str, str | None, int, int, int, int, int]] = [
    ("gpu_1x_gh200", "GH200", 1, 96, 64, 432, 229),
    ("gpu_8x_b200_sxm6", "B200", 8, 180, 208, 2900, 5352),
    ("gpu_4x_b200_sxm6", "B200", 4, 180, 104, 1440, 2716),
    ("gpu_2x_b200_sxm6", "B200", 2, 180, 52, 720, 1378),
    ("gpu_1x_b200_sxm6", "B200", 1, 180, 26, 360, 699),
    ("gpu_8x_h100_sxm5", "H100", 8, 80, 208, 1800, 3192),
    ("gpu_4x_h100_sxm5", "H100", 4, 80, 104, 900, 1636),
    ("gpu_2x_h100_sxm5", "H100", 2, 80, 52, 450, 838),
    ("gpu_1x_h100_sxm5", "H100", 1, 80, 26, 225, 429),
    ("gpu_1x_h100_pcie", "H100", 1, 80, 26, 200, 329),
    ("gpu_8x_a100_80gb_sxm4", "A100-80GB", 8, 80, 240, 1800, 2232),
    ("gpu_8x_a100", "A100", 8, 40, 124, 1800, 1592),
    ("gpu_4x_a100", "A100", 4, 40, 120, 800, 796),
    ("gpu_2x_a100", "A100", 2, 40, 60, 400, 398),
    ("gpu_1x_a100", "A100", 1, 40, 30, 200, 199),
    ("gpu_1x_a100_sxm4", "A100", 1, 40, 30, 200, 199),
    ("gpu_1x_a10", "A10", 1, 24, 30, 200, 129),
    ("gpu_1x_rtx6000", "RTX6000", 1, 24, 14, 46, 69),
    ("gpu_4x_a6000", "A6000", 4, 48, 56, 400, 436),
    ("gpu_2x_a6000", "A6000", 2, 48, 28, 200, 218),
    ("gpu_1x_a6000", "A6000", 1, 48, 14, 100, 109),
    ("gpu_8x_v100", "V100", 8, 16, 92, 448, 632),
    ("gpu_8x_v100_n", "V100", 8, 16, 88, 448, 632),
    ("cpu_4x_general", None, 0, 0, 4, 16, 20),
    ("cpu_4x_generalx", None, 0, 0, 4, 16, 20),
]

REGIONS = {
    "asia-northeast-1", "asia-northeast-2", "asia-south-1", "australia-east-1", "europe-central-1", "me-west-1",
    "us-east-1", "us-east-2", "us-east-3", "us-midwest-1", "us-midwest-2", "us-south-1", "us-south-2", "us-south-3",
    "us-west-1", "us-west-2", "us-west-3",
}  # fmt: skip


def with_types(name: str) -> RecordedSet:
    """The bundled set with another answer of /instance-types."""
    recorded = bundled("lambda")
    recorded[TYPES].body = fixture(f"lambda/{name}.json")
    return recorded


def types_of(fetched: Fetched) -> dict[str, Offering]:
    """One Offering per type."""
    return {offering.instance_type: offering for offering in fetched.offerings}


@pytest.fixture(scope="module")
def catalog() -> Fetched:
    return bundled("lambda", kind="sample").fetch()


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_every_type_is_sold_at_its_price_in_every_region(
    row: tuple[str, str | None, int, int, int, int, int], catalog: Fetched
) -> None:
    name, accelerator, count, memory_gb, vcpus, memory_gib, cents = row
    offerings = [offering for offering in catalog.offerings if offering.instance_type == name]
    assert {offering.region for offering in offerings} == REGIONS
    assert len(offerings) == 17
    for offering in offerings:
        assert offering.price_usd_per_hour == Decimal(cents) / 100
        assert (offering.vcpus, offering.memory_gib) == (vcpus, memory_gib)
        assert offering.accelerator_name == accelerator
        assert offering.accelerator_count == (count or None)
        assert offering.gpu_memory_mib == (memory_gb * 1024 or None)
        assert offering.arch == ("arm64" if name == "gpu_1x_gh200" else "x86_64")
        assert (offering.zone, offering.spot_price_usd_per_hour, offering.marks) == (None, None, ())


def test_the_catalog_is_complete_and_a_sample_says_nothing_of_stock(catalog: Fetched) -> None:
    assert len(catalog.offerings) == 25 * 17
    assert (catalog.skipped, catalog.warnings, catalog.kind, catalog.requests_made) == ((), (), "sample", 2)
    assert {offering.in_stock for offering in catalog.offerings} == {None}
    assert {offering.observed_at for offering in catalog.offerings} == {"2026-05-28T00:00:00Z"}
    vendors = {
        (offering.accelerator_name is not None, offering.accelerator_vendor) for offering in catalog.offerings
    }
    assert vendors == {(True, "NVIDIA"), (False, None)}


def test_memory_of_all_gpus_follows_from_memory_of_one(catalog: Fetched) -> None:
    offering = types_of(catalog)["gpu_8x_v100"]
    assert offering.accelerator_name
    assert offering.accelerator_count
    assert offering.gpu_memory_mib
    cell = format_gpu_info(
        offering.accelerator_name,
        offering.accelerator_vendor,
        offering.accelerator_count,
        offering.gpu_memory_mib,
    )
    assert parse_gpu_info(cell).total_memory_mib == 8 * 16384


@pytest.mark.parametrize("variant", ["v8-only", "capacity", "no-architecture", "sold-out"])
def test_stock_and_missing_architecture_change_no_row(variant: str, catalog: Fetched) -> None:
    fetched = with_types(f"instance-types.{variant}").fetch()
    unlisted = "regions with capacity that /regions does not list, left out: europe-south-1"
    assert (fetched.skipped, fetched.warnings) == ((), (unlisted,) if variant == "v8-only" else ())
    types, expected = types_of(fetched), types_of(catalog)
    assert types.keys() >= expected.keys() - {"gpu_4x_b200_sxm6"}
    assert Counter(offering.instance_type for offering in fetched.offerings) == dict.fromkeys(types, 17)
    for name, offering in types.items():
        assert offering.price_usd_per_hour == expected[name].price_usd_per_hour
        assert offering.arch == expected[name].arch


def test_capacity_is_stock_and_nothing_else() -> None:
    fetched = with_types("instance-types.capacity").fetch()
    in_stock = {
        name: {row.region for row in fetched.offerings if row.instance_type == name and row.in_stock}
        for name in ("gpu_1x_gh200", "gpu_1x_a10", "gpu_1x_rtx6000")
    }
    assert in_stock == {
        "gpu_1x_gh200": {"us-east-3"},
        "gpu_1x_a10": {"us-east-1", "us-west-1"},
        "gpu_1x_rtx6000": set(),
    }
    assert {row.in_stock for row in fetched.offerings} == {True, False}
    sold_out = with_types("instance-types.sold-out").fetch()
    assert {row.in_stock for row in sold_out.offerings} == {False}
    assert len(sold_out.offerings) == len(fetched.offerings)


def test_an_empty_catalog_is_refused() -> None:
    with pytest.raises(UnexpectedAnswer, match="lists no types"):
        with_types("instance-types.empty").fetch()


def test_the_documented_example_is_a_row_under_a_new_name() -> None:
    fetched = with_types("documented-instance-types-1.10.0").fetch()
    (offering,) = types_of(fetched).values()
    assert offering.accelerator_name == "Example-GPU"
    assert offering.accelerator_count == 8
    assert offering.gpu_memory_mib == 40 * 1024
    assert offering.price_usd_per_hour == Decimal("15.92")
    assert offering.marks == ("new-accelerator",)
    assert fetched.warnings == ("the GPU of gpu_8x_example is not in accelerators.csv; published as Example-GPU",)


def test_gh200_is_an_arm_machine_where_the_api_does_not_say() -> None:
    (offering,) = types_of(with_types("documented-instance-types-1.8.3").fetch()).values()
    assert (offering.instance_type, offering.arch) == ("gpu_1x_gh200", "arm64")
    assert offering.price_usd_per_hour == Decimal("1.49")


def test_a_gpu_type_without_a_count_is_skipped_and_never_a_cpu_row() -> None:
    fetched = with_types("documented-instance-types-1.5.3").fetch()
    assert fetched.offerings == ()
    assert {(skip.listing, skip.rule, skip.broken, skip.rows) for skip in fetched.skipped} == {
        ("gpu_1x_a100", "no-count", True, 17),
        ("gpu_4x_a6000", "no-count", True, 17),
    }
