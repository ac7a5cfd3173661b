"""`vms.parquet`: every field of every offering, typed, for analytics."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime, timezone
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gpu_catalog.numbers import PRICE_DECIMALS
from gpu_catalog.offering import Offering
from schemas.errors import SchemaError, needs_extra
from schemas.writers import row_order

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = "1"
"""Version of the form, in the file's metadata under `gpu_catalog.format`."""

_TIME = "%Y-%m-%dT%H:%M:%SZ"
_DERIVED = ("currency", "price_usd_per_gpu_hour")


def vms_parquet(offerings: Iterable[Offering]) -> bytes:
    """Return the offerings as a Parquet file: one row each, the fields of `Offering` as columns, sorted as the CSV.

    Prices are decimal128(18, 6), `marks` a list of text, `observed_at` a timestamp in UTC; `currency` (USD) and
    `price_usd_per_gpu_hour` are added. Bytes depend on the version of pyarrow.

    Raises:
        SchemaError: an `observed_at` that is no UTC time of the form `2026-11-22T02:30:00Z`.
        MissingExtra: pyarrow is not installed.
    """
    with needs_extra("writing Parquet"):
        import pyarrow as pa
        import pyarrow.parquet as pq

    rows = sorted(offerings, key=row_order)
    columns: dict[str, list[Any]] = {
        field.name: [getattr(row, field.name) for row in rows] for field in fields(Offering)
    }
    columns["observed_at"] = [_time(text) for text in columns["observed_at"]]
    columns["currency"] = ["USD"] * len(rows)
    columns["price_usd_per_gpu_hour"] = [row.price_usd_per_gpu_hour for row in rows]
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns, schema=_schema()), buffer)
    return buffer.getvalue()


def read_parquet(content: bytes) -> list[Offering]:
    """Return the offerings of a file that `vms_parquet` wrote, in its order.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    with needs_extra("reading Parquet"):
        import pyarrow as pa
        import pyarrow.parquet as pq

    return [_offering(row) for row in pq.read_table(pa.BufferReader(content)).to_pylist()]


def parquet_columns() -> dict[str, str]:
    """Names of the columns with their types as Arrow writes them.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    with needs_extra("describing Parquet"):
        return {field.name: str(field.type) for field in _schema()}


def _schema() -> pa.Schema:
    import pyarrow as pa

    price, text = pa.decimal128(18, PRICE_DECIMALS), pa.string()
    kinds = {
        "vcpus": pa.float64(),
        "memory_gib": pa.float64(),
        "price_usd_per_hour": price,
        "spot_price_usd_per_hour": price,
        "accelerator_count": pa.float64(),
        "gpu_memory_mib": pa.int64(),
        "in_stock": pa.bool_(),
        "launchable": pa.bool_(),
        "observed_at": pa.timestamp("ms", tz="UTC"),
        "marks": pa.list_(text),
        "price_usd_per_gpu_hour": price,
    }
    names = [*(field.name for field in fields(Offering)), *_DERIVED]
    columns = [pa.field(name, kinds.get(name, text)) for name in names]
    return pa.schema(columns, metadata={"gpu_catalog.format": FORMAT})


def _offering(row: dict[str, Any]) -> Offering:
    values = {name: value for name, value in row.items() if name not in _DERIVED}
    for name, value in values.items():
        if isinstance(value, Decimal):
            values[name] = value.normalize()
    values["marks"] = tuple(values["marks"])
    observed_at = values["observed_at"]
    values["observed_at"] = None if observed_at is None else observed_at.strftime(_TIME)
    return Offering(**values)


@lru_cache(maxsize=1024)
def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=timezone.utc)
    except ValueError as exc:
        raise SchemaError(f"observed_at {text!r} is no UTC time such as 2026-11-22T02:30:00Z") from exc
