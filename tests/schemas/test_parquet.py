from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal

import pyarrow.parquet as pq
import pytest
from hypothesis import given

from gpu_catalog.offering import Offering
from schemas import SchemaError, read_parquet, vms_parquet
from tests.schemas.examples import CPU, H100
from tests.strategies import fetched


@given(fetched())
def test_parquet_reads_back_exactly(offerings: list[Offering]) -> None:
    read = read_parquet(vms_parquet(offerings))

    assert sorted(read, key=lambda row: str(row.key)) == sorted(offerings, key=lambda row: str(row.key))


def test_types_of_the_columns() -> None:
    table = pq.read_table(io.BytesIO(vms_parquet([replace(H100, observed_at="2026-11-22T02:30:00Z"), CPU])))

    types = {field.name: str(field.type) for field in table.schema}
    assert types["price_usd_per_hour"] == "decimal128(18, 6)"
    assert types["price_usd_per_gpu_hour"] == "decimal128(18, 6)"
    assert types["observed_at"] == "timestamp[ms, tz=UTC]"
    assert types["marks"] == "list<element: string>"
    assert types["in_stock"] == "bool"
    assert table["currency"].to_pylist() == ["USD", "USD"]
    assert table["price_usd_per_gpu_hour"].to_pylist() == [Decimal("2.490000"), None]
    assert table.schema.metadata[b"gpu_catalog.format"] == b"1"


def test_a_time_of_another_form_is_refused_by_name() -> None:
    with pytest.raises(SchemaError, match=r"observed_at '2026-11-22' is no UTC time"):
        vms_parquet([replace(H100, observed_at="2026-11-22")])
