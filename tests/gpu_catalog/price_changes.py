"""Price changes, and catalogs that differ in prices. The figures are made up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from gpu_catalog.history import PriceChange
from gpu_catalog.offering import Offering
from gpu_catalog.offers import Offer, grouped

DAYS = [f"2026-07-{day:02}T02:30:00Z" for day in range(1, 29)]

few_prices = st.sampled_from([Decimal("0.65"), Decimal("1.99"), Decimal("0.000001"), Decimal(1_000_000)])
"""Few, so that prices come back to what they were."""


@st.composite
def offered(draw: st.DrawFn) -> list[Offer]:
    """What a cloud may offer: few types and regions, so that the same ones come and go."""
    sites = draw(st.sets(st.tuples(st.sampled_from("abc"), st.sampled_from(["r1", "r2", "ä\u2028r"]))))
    return grouped(
        Offering(
            cloud="c", instance_type=name, region=region, vcpus=1, memory_gib=1,
            price_usd_per_hour=draw(few_prices),
            spot_price_usd_per_hour=draw(st.none() | few_prices),
            accelerator_name=None if name == "a" else "H100", accelerator_count=None if name == "a" else 0.5,
        )
        for name, region in sorted(sites)
    )  # fmt: skip


def change(day: int, price: str | None, region: str = "r1", **facts: Any) -> PriceChange:
    values: dict[str, Any] = {
        "cloud": "lambda", "instance_type": "gpu_8x_h100", "kind": "on-demand", "publication": f"p{day}",
        "accelerator": "H100", "accelerator_count": 8.0,
    }  # fmt: skip
    return PriceChange(
        region=region, price=None if price is None else Decimal(price), valid_from=DAYS[day - 1], **values | facts
    )
