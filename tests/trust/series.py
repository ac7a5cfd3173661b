"""Whether the history of a store says what its readers saw, publication by publication."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq

from publisher.store import Store
from tests.trust.market import Prices
from tests.trust.onlooker import Seen

_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Step:
    """One publication that was the latest once."""

    previous: str | None
    """The one before it."""

    prices: Mapping[str, Prices]
    """What it said, by cloud."""

    @classmethod
    def of(cls, seen: Seen) -> Step:
        """What a history must know of a publication."""
        return cls(seen.manifest.get("previous"), {cloud: seen.prices(cloud) for cloud in seen.manifest["clouds"]})


def history_problems(store: Store, latest: Seen, steps: Mapping[str, Step]) -> Iterator[str]:
    """What does not agree with `steps`, which are all publications that any reader saw, by id."""
    chain = [latest.id]
    while (before := steps[chain[-1]].previous) in steps:
        chain.append(str(before))
    if before is not None or set(chain) != set(steps):
        yield f"the chain ends at {chain[-1]}, which follows {before}; {len(steps) - len(chain)} are not in it"
    for cloud in latest.manifest["clouds"]:
        lines = [json.loads(line, parse_float=Decimal) for line in _history(latest, cloud).splitlines()]
        yield from _wrong_replay(cloud, lines, chain[::-1], steps)
        if _rows_in_lines(lines) != _rows_in_parquet(store, cloud):
            yield f"history of {cloud}: Parquet and JSON lines are not the same"


def _history(latest: Seen, cloud: str) -> str:
    return latest.files.get(f"history/{cloud}.jsonl", b"").decode()


def _wrong_replay(
    cloud: str, lines: list[dict[str, Any]], chain: list[str], steps: Mapping[str, Step]
) -> Iterator[str]:
    """After the lines of every publication the prices must be those that it said."""
    prices: Prices = {}
    left = list(lines)
    for publication in chain:
        while left and left[0]["publication"] == publication:
            line = left.pop(0)
            for region in line["regions"]:
                key = line["instance_type"], region
                if line["price_usd_per_hour"] is None:
                    prices.pop(key, None)
                else:
                    prices[key] = Decimal(line["price_usd_per_hour"])
        if prices != steps[publication].prices.get(cloud, {}):
            yield f"history of {cloud}: its prices after {publication} are not those that were published"
            return
    if left:
        yield f"history of {cloud}: {left[0]['publication']} is in it, and no reader ever saw it"


def _rows_in_lines(lines: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    return sorted(
        (line["publication"], line["instance_type"], region, str(line["price_usd_per_hour"] is None),
         Decimal(line["price_usd_per_hour"] or 0), line["valid_from"])
        for line in lines
        for region in line["regions"]
    )  # fmt: skip


def _rows_in_parquet(store: Store, cloud: str) -> list[tuple[object, ...]]:
    rows = []
    for entry in store.list(f"history/cloud={cloud}/"):
        stored = store.get(entry.key)
        for row in pq.read_table(io.BytesIO(stored.content if stored else b"")).to_pylist():
            price = row["price_usd_per_hour"]
            rows.append((row["publication"], row["instance_type"], row["region"], str(price is None),
                         Decimal(price or 0), row["valid_from"].strftime(_TIME)))  # fmt: skip
    return sorted(rows)
