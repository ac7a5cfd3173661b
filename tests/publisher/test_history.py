"""Writing price history: adding twice adds nothing, and the Parquet files are one dataset."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_catalog.history import PriceChange, changes, history_jsonl, parse_history, prices_of, replayed
from gpu_catalog.offers import Offer
from publisher.errors import PublishError
from publisher.history import appended, changes_parquet
from tests.gpu_catalog.price_changes import DAYS, change, offered


def changed(was: list[Offer] | None, now: list[Offer], place: int) -> list[PriceChange]:
    return changes(was, now, cloud="c", valid_from=DAYS[place], publication=f"p{place}")


@given(st.lists(offered(), min_size=1, max_size=6))
def test_every_publication_twice_is_the_same_as_once(every: list[list[Offer]]) -> None:
    once: bytes | None = None
    twice: bytes | None = None
    for place, (was, now) in enumerate(zip([None, *every[:-1]], every, strict=True)):
        new = changed(was, now, place)
        before, once = once, appended(once, new)
        assert once == (before or b"") + history_jsonl(new)
        twice = appended(appended(twice, new), new)
        # Nor does a publisher that has lost its predecessor and calls every price new.
        twice = appended(twice, changed(None, now, place))
    assert twice == once
    assert replayed(parse_history((once or b"").decode())).get("c", {}) == prices_of(every[-1])


def test_a_price_that_comes_back_is_a_change_again_even_under_the_same_publication_id() -> None:
    content = None
    for price in ("1", "2", "1", "1"):
        content = appended(content, [change(1, price)])
    assert [str(c.price) for c in parse_history((content or b"").decode())] == ["1", "2", "1"]


def test_clouds_and_kinds_do_not_meet_and_what_was_not_there_cannot_end() -> None:
    content = appended(
        None, [change(1, "1"), change(1, "1", cloud="x"), change(1, "1", kind="spot"), change(1, None, "q")]
    )
    assert [(c.cloud, c.kind, c.region) for c in parse_history(content.decode())] == [
        ("lambda", "on-demand", "r1"),
        ("x", "on-demand", "r1"),
        ("lambda", "spot", "r1"),
    ]


@pytest.mark.parametrize("old", [b"{}\n", b"\xff\n", history_jsonl([change(1, "1")])[:-1]])
def test_nothing_is_added_to_a_damaged_file(old: bytes) -> None:
    with pytest.raises(
        PublishError, match=r"^history/c.jsonl[^\n]*; restore it from an earlier publication[^\n]*$"
    ):
        appended(old, [change(1, "1")], "history/c.jsonl")


def test_parquet_is_typed() -> None:
    table = pq.read_table(io.BytesIO(changes_parquet([change(1, "0.000001"), change(2, None, accelerator=None)])))
    assert {field.name: str(field.type) for field in table.schema} == {
        "instance_type": "string",
        "region": "string",
        "kind": "string",
        "accelerator": "string",
        "accelerator_count": "double",
        "price_usd_per_hour": "decimal128(12, 6)",
        "valid_from": "timestamp[ms, tz=UTC]",
        "publication": "string",
    }
    assert table["price_usd_per_hour"].to_pylist() == [Decimal("0.000001"), None]
    assert [f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in table["valid_from"].to_pylist()] == DAYS[:2]
    assert table.schema.metadata[b"gpu_catalog.format"] == b"1"


def test_parquet_of_nothing_of_two_clouds_and_of_a_million() -> None:
    assert pq.read_table(io.BytesIO(changes_parquet([]))).num_rows == 0
    with pytest.raises(PublishError, match="price changes of lambda, x in one file"):
        changes_parquet([change(1, "1"), change(1, "1", cloud="x")])
    assert pq.read_table(io.BytesIO(changes_parquet([change(1, "999999.999999")]))).num_rows == 1
    with pytest.raises(PublishError, match=r"price history of lambda cannot be written as Parquet: [^\n]*$"):
        changes_parquet([change(1, "1000000")])


HISTORY = {
    ("lambda", "p1"): [change(1, "24", "r1"), change(1, "24", "r2"), change(1, "8", kind="spot")],
    ("lambda", "p5"): [change(5, "30", "r1"), change(5, None, "r2")],
    ("runpod", "p1"): [change(1, "2", cloud="runpod", accelerator=None, accelerator_count=None)],
    ("runpod", "p9"): [],
}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """The files as a store holds them."""
    for (cloud, publication), history in HISTORY.items():
        file = tmp_path / f"history/cloud={cloud}/{publication}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(changes_parquet(history))
    return tmp_path / "history"


def test_all_files_are_one_dataset_for_arrow(dataset: Path) -> None:
    found = pa.dataset.dataset(dataset, format="parquet", partitioning="hive").to_table().to_pylist()
    every = [one for history in HISTORY.values() for one in history]
    assert sorted((row["cloud"], row["region"], row["kind"], str(row["publication"]), row["price_usd_per_hour"])
                  for row in found if row["price_usd_per_hour"]) == sorted(
        (one.cloud, one.region, one.kind, one.publication, one.price) for one in every if one.price)  # fmt: skip
    assert len(found) == len(every)


def test_all_files_are_one_dataset_for_duckdb(dataset: Path) -> None:
    source = f"read_parquet('{dataset}/**/*.parquet', hive_partitioning = true)"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        types = dict(
            connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE FROM {source})").fetchall()
        )
        # What a region pays now: the newest change of each price.
        rows = connection.execute(
            "SELECT cloud, region, kind, arg_max(price_usd_per_hour, valid_from), CAST(max(valid_from) AS VARCHAR) "
            f"FROM {source} WHERE price_usd_per_hour IS NOT NULL GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    assert types["price_usd_per_hour"] == "DECIMAL(12,6)"
    assert types["valid_from"] == "TIMESTAMP WITH TIME ZONE"
    assert rows == [
        ("lambda", "r1", "on-demand", Decimal(30), "2026-07-05 02:30:00+00"),
        ("lambda", "r1", "spot", Decimal(8), "2026-07-01 02:30:00+00"),
        ("lambda", "r2", "on-demand", Decimal(24), "2026-07-01 02:30:00+00"),
        ("runpod", "r1", "on-demand", Decimal(2), "2026-07-01 02:30:00+00"),
    ]
