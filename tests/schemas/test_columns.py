from __future__ import annotations

import pytest

from schemas import COLUMNS, NEWEST, SCHEMA_VERSIONS, SchemaError, column_names

V7 = "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Region,SpotPrice,Price"


def test_order_of_the_columns() -> None:
    assert ",".join(column_names("v7", has_zones=False)) == V7
    assert ",".join(column_names("v7", has_zones=True)) == V7 + ",AvailabilityZone"
    assert ",".join(column_names("v8", has_zones=False)) == V7 + ",Arch"
    assert ",".join(column_names("v8", has_zones=True)) == V7 + ",AvailabilityZone,Arch"


def test_newest_version_is_the_last() -> None:
    assert SCHEMA_VERSIONS == ("v7", "v8")
    assert NEWEST == "v8"


def test_unknown_version_is_one_clear_line() -> None:
    with pytest.raises(SchemaError, match=r"'v9' is none of v7, v8"):
        column_names("v9", has_zones=False)


def test_every_number_has_a_unit() -> None:
    assert all(bool(column.unit) == (column.kind == "number") for column in COLUMNS)
