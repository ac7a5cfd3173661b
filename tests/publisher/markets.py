"""Markets for the drift gate, and what it says of two of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from gpu_catalog.offering import Offering
from publisher import drift
from publisher.drift import Decision
from tests.schemas.examples import H100, TABLE
from tests.strategies import fetched

Market = list[Offering]


def judge(before: Sequence[Offering] | None, now: Sequence[Offering], **options: Any) -> Decision:
    """`drift.judge` with the bands of the examples: an H100 costs 0.5 to 12 USD per hour, others 0.02 to 50."""
    return drift.judge("somecloud", before, now, **{"table": TABLE, **options})


def gpu(instance_type: str, price: str | Decimal, accelerator: str = "A0", **changes: Any) -> Offering:
    """One row with one accelerator, unless `changes` say otherwise."""
    price = Decimal(price)
    return replace(
        H100, instance_type=instance_type, price_usd_per_hour=price, accelerator_name=accelerator, **changes
    )


def cloud(types: int) -> Market:
    """So many instance types, each with an accelerator of its own, from 2.00 USD per hour up."""
    return [gpu(f"t{n}", Decimal(2) + n, f"A{n}") for n in range(types)]


def times(market: Market, factor: str | Decimal, count: int | None = None) -> Market:
    """The market with the prices of its first `count` rows (of all) multiplied."""
    count = len(market) if count is None else count
    moved = [replace(row, price_usd_per_hour=row.price_usd_per_hour * Decimal(factor)) for row in market[:count]]
    return moved + market[count:]


STEADY = cloud(9)[3:]
"""Six types of A3 to A8: with them beside it, one accelerator does not move the median."""


def with_h100(price: str) -> Market:
    return [gpu("h", price, "H100"), *STEADY]


def plain(decision: Decision) -> bool:
    return decision == Decision(
        cloud="somecloud", verdict="accepted", reason=None, kept_accelerators={}, proposal=None
    )


@st.composite
def markets(draw: DrawFn) -> Market:
    """What a fetch may bring, with few names, so that two of them have much in common."""
    rows: dict[object, Offering] = {}
    for row in draw(fetched()):
        name = None if row.accelerator_name is None else draw(st.sampled_from(["A1", "A2", "A3"]))
        small = replace(
            row,
            instance_type=draw(st.sampled_from(["t1", "t2", "t3", "t4"])),
            accelerator_name=name,
            price_usd_per_hour=draw(
                st.sampled_from([row.price_usd_per_hour, Decimal(2), Decimal("2.1"), Decimal(5)])
            ),
            region=draw(st.sampled_from(["r1", "r2"])) if row.zone is None else row.region,
        )
        rows[small.key] = small
    return list(rows.values())
