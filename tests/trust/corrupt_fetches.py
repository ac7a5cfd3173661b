"""Corruptions of what a fetch brought, and of what a second night brings after a good first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from gpu_catalog.numbers import PRICE_DECIMALS
from gpu_catalog.offering import Offering
from tests.publisher.nights import times, without
from tests.trust.corruption import Corruption, accepted, accepted_yotta, gated

Offerings = list[Offering]


def each(change: Callable[[Offering], Offering]) -> Callable[[Offerings], Offerings]:
    """Change every offering."""
    return lambda found: [change(offering) for offering in found]


def one(**fields: Any) -> Callable[[Offerings], Offerings]:
    """Change the first offering."""
    return lambda found: [replace(found[0], **fields), *found[1:]]


def at_price(factor: str) -> Callable[[Offering], Offering]:
    def changed(offering: Offering) -> Offering:
        usd = round(offering.price_usd_per_hour * Decimal(factor), PRICE_DECIMALS)
        return replace(offering, price_usd_per_hour=usd.normalize())

    return changed


def called(name: str) -> Callable[[Offering], Offering]:
    return lambda offering: replace(offering, accelerator_name=name) if offering.accelerator_name else offering


def outside_the_us(offering: Offering) -> Offering | None:
    """Most of the regions gone; every instance type stays."""
    return None if offering.region.startswith("us-") else offering


def at_one_price(offering: Offering) -> Offering:
    return replace(offering, price_usd_per_hour=Decimal("1.5"))


CORRUPT_FETCHES = [
    Corruption("a fetch in cents", accepted, each(at_price("100")), "RefusedFetch", "nothing is left"),
    Corruption("a fetch in hundreds of dollars", accepted, each(at_price("0.01")), "RefusedFetch"),
    Corruption("a fetch at Yotta's price for one GPU", accepted_yotta,
               each(lambda row: replace(row, price_usd_per_hour=Decimal("0.65"))), "RefusedFetch"),
    Corruption("a fetch that names every GPU NVIDIA", accepted, each(called("NVIDIA")), "RefusedFetch",
               "only CPU instances are left"),
    Corruption("a fetch without GPUs", accepted, lambda found: [row for row in found if not row.accelerator_name],
               "RefusedFetch", "only CPU instances are left"),
    Corruption("a fetch of nothing", accepted, lambda found: [], "RefusedFetch", "nothing is left"),
    Corruption("a fetch with a zone in a cloud without zones", accepted, one(zone="us-east-1a"), "RefusedFetch",
               "zone-filled"),
    Corruption("a fetch with two prices for one key", accepted,
               lambda found: [*found, replace(found[0], price_usd_per_hour=Decimal("0.21"))], "RefusedFetch",
               "contradictory-offer"),
    Corruption("a fetch with a region that leads out", accepted, one(region="../../etc"), "region-name"),
    Corruption("a fetch with a formula for a type", accepted, one(instance_type="=1+1"), "instance-type-name"),
    Corruption("a fetch with a half surrogate", accepted, one(region="us-\ud800"), "region-name"),
    Corruption("every price of a cloud times ten", gated, times("10"), "drift gate",
               "waits for --accept-drift"),
    Corruption("every price of a cloud times a hundred", gated, times("100"), "drift gate",
               "a wrong unit"),
    Corruption("every price of a cloud a fifth higher", gated, times("1.2"), "drift gate",
               "the median price of 25 instance types moved by +20.0 %"),
    Corruption("one accelerator at a tenth", gated, times("0.1", "H100"), "drift gate", "H100 kept"),
    Corruption("all at one price", gated, at_one_price, "drift gate",
               "all 25 instance types are at 1.5"),
    Corruption("more than half of the rows gone", gated, outside_the_us, "drift gate", "rows are lost"),
    Corruption("a quarter of the types gone", gated,
               without("gpu_1x_a10", "gpu_1x_gh200", "gpu_8x_v100", "gpu_8x_v100_n", "gpu_1x_rtx6000",
                                  "gpu_2x_a100"),
               "drift gate", "6 of 25 instance types are lost"),
    Corruption("an accelerator vanished", gated,
               lambda row: None if row.accelerator_name == "B200" else row, "drift gate",
               "B200 is gone"),
]  # fmt: skip
