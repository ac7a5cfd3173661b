from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from schemas import SchemaError, convert
from tests.schemas.examples import CPU, H100, RTX5090

EAST = RTX5090
CENTRAL = replace(
    RTX5090,
    instance_type="1x30v115g_NVIDIA_GeForce_RTX_5090_32G_SECURE",
    region="us-central-2",
    vcpus=30.0,
    memory_gib=115.0,
)


def test_newest_version_is_what_was_fetched() -> None:
    assert convert([EAST, CENTRAL, H100, CPU], "v8") == [EAST, CENTRAL, H100, CPU]


def test_v7_has_the_v7_name_and_the_least_size_of_all_regions() -> None:
    rows = convert([EAST, CENTRAL], "v7")

    assert [row.instance_type for row in rows] == ["1x_RTX5090_SECURE"] * 2
    assert [row.region for row in rows] == ["us-east-1", "us-central-2"]
    assert {(row.vcpus, row.memory_gib) for row in rows} == {(14.0, 115.0)}
    assert {row.instance_type_v7 for row in rows} == {None}


def test_v7_leaves_alone_what_has_no_v7_name() -> None:
    bigger = replace(H100, region="us-west-1", vcpus=52.0)

    assert convert([H100, bigger, CPU], "v7") == [H100, bigger, CPU]


def test_v7_has_one_row_per_site_that_of_the_smallest_size() -> None:
    bigger = replace(CENTRAL, region=EAST.region, price_usd_per_hour=Decimal("0.6"))

    (row,) = convert([bigger, EAST], "v7")

    assert (row.region, row.vcpus, row.price_usd_per_hour) == (EAST.region, 14.0, Decimal("0.65"))


def test_v7_keeps_true_duplicates_for_validation_to_find() -> None:
    assert len(convert([EAST, EAST], "v7")) == 2


def test_unknown_version() -> None:
    with pytest.raises(SchemaError):
        convert([H100], "v6")
