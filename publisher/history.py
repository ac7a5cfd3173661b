"""Writing price history: a cloud's `history/<cloud>.jsonl` made longer, and a publication's changes as Parquet.

The Parquet files lie in `history/cloud=<cloud>/<publication id>.parquet`: one dataset with hive partitioning, so
the cloud is in the path and no column, and rows of all publications can be asked at once.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from gpu_catalog.errors import BadCatalogFile
from gpu_catalog.history import TIME_FORMAT, PriceChange, history_jsonl, parse_history, replayed
from gpu_catalog.numbers import PRICE_DECIMALS
from gpu_catalog.reading import decoded
from publisher.errors import PublishError
from schemas.errors import needs_extra

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = "1"
"""Version of the Parquet form, in the file's metadata under `gpu_catalog.format`."""


def appended(old: bytes | None, new: Sequence[PriceChange], where: str = "history.jsonl") -> bytes:
    """A history file with these changes at its end; what was in it stays, byte by byte.

    A change to the price that the history says already is left out. So the same publication twice adds nothing,
    and prices that go back to what they once were are still a change.

    Args:
        old: the file so far; None: there is none.
        new: what a publication changes, as `gpu_catalog.history.changes` gives it.
        where: names the file in messages.

    Raises:
        PublishError: `old` is no history file.
    """
    try:
        prices = replayed(parse_history(decoded(old or b"", where), where))
    except BadCatalogFile as exc:
        raise PublishError(f"{exc}; restore it from an earlier publication, or remove it to begin anew") from exc
    kept = [change for change in new if prices.get(change.cloud, {}).get(change.key) != change.price]
    return (old or b"") + history_jsonl(kept)


def changes_parquet(history: Sequence[PriceChange]) -> bytes:
    """What a publication changes in one cloud, as a Parquet file: one row per region, in the order given.

    The columns are the fields of `PriceChange` without `cloud`, the price as `price_usd_per_hour`
    decimal128(12, 6), null for what is no longer offered; `valid_from` is a timestamp in UTC. Bytes depend on the
    version of pyarrow.

    Raises:
        PublishError: changes of several clouds, or a price that the column does not hold (a million USD per hour).
        MissingExtra: pyarrow is not installed.
    """
    with needs_extra("writing Parquet"):
        import pyarrow as pa
        import pyarrow.parquet as pq

    if len(clouds := sorted({change.cloud for change in history})) > 1:
        raise PublishError(f"price changes of {', '.join(clouds)} in one file; write one for each cloud")
    times = {change.valid_from for change in history}
    moments = {time: datetime.strptime(time, TIME_FORMAT).replace(tzinfo=timezone.utc) for time in times}
    columns = {
        "instance_type": [change.instance_type for change in history],
        "region": [change.region for change in history],
        "kind": [change.kind for change in history],
        "accelerator": [change.accelerator for change in history],
        "accelerator_count": [change.accelerator_count for change in history],
        "price_usd_per_hour": [change.price for change in history],
        "valid_from": [moments[change.valid_from] for change in history],
        "publication": [change.publication for change in history],
    }
    buffer = io.BytesIO()
    try:
        pq.write_table(pa.table(columns, schema=_schema()), buffer)
    except pa.ArrowInvalid as exc:
        raise PublishError(f"price history of {', '.join(clouds)} cannot be written as Parquet: {exc}") from exc
    return buffer.getvalue()


def _schema() -> pa.Schema:
    import pyarrow as pa

    text = pa.string()
    columns = [
        pa.field("instance_type", text, nullable=False),
        pa.field("region", text, nullable=False),
        pa.field("kind", text, nullable=False),
        pa.field("accelerator", text),
        pa.field("accelerator_count", pa.float64()),
        pa.field("price_usd_per_hour", pa.decimal128(12, PRICE_DECIMALS)),
        pa.field("valid_from", pa.timestamp("ms", tz="UTC"), nullable=False),
        pa.field("publication", text, nullable=False),
    ]
    return pa.schema(columns, metadata={"gpu_catalog.format": FORMAT})
