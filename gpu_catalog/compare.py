"""The table of accelerators by clouds: what one GPU costs where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from gpu_catalog.accelerators import name_key
from gpu_catalog.cloud_names import display_name
from gpu_catalog.market import Market
from gpu_catalog.matching import matching
from gpu_catalog.offering import per_gpu
from gpu_catalog.prices import CloudPrices
from gpu_catalog.question import Question


@dataclass(frozen=True, slots=True)
class Rates:
    """What one GPU of a model costs on a cloud, USD per hour, in the cheapest size and region."""

    on_demand: Decimal | None
    """On-demand; None when unknown."""

    spot: Decimal | None
    """Spot; None when unknown."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rates of every accelerator on every cloud."""

    clouds: tuple[str, ...]
    """The clouds that have any of them, in alphabetical order."""

    rates: Mapping[str, Mapping[str, Rates]]
    """By accelerator, in alphabetical order, then by cloud; a cloud that does not have it is missing."""

    notes: tuple[str, ...]
    """What to warn of."""


def compare(question: Question, market: Market) -> Comparison:
    """Rates of what fits the question; a question without a GPU means all of them, without a count any size.

    Raises:
        NoPrice: nothing fits.
    """
    notes: list[str] = []
    sources: dict[str, CloudPrices] = {}
    names: dict[str, str] = {}
    prices: dict[tuple[str, str], tuple[list[Decimal], list[Decimal]]] = {}
    matches = matching(question, market, notes)
    for match in matches:
        line = match.line
        if line.gpu is None or line.gpu_count is None:
            continue
        key = name_key(line.gpu)
        sources[match.prices.cloud] = match.prices
        names.setdefault(key, line.gpu)
        on_demand, spot = prices.setdefault((key, match.prices.cloud), ([], []))
        for price, known in ((line.on_demand, on_demand), (line.spot, spot)):
            if price is not None:
                known.append(per_gpu(price, line.gpu_count))
    rates: dict[str, dict[str, Rates]] = {name: {} for name in sorted(names.values(), key=str.lower)}
    for (key, cloud), (on_demand, spot) in prices.items():
        rates[names[key]][cloud] = Rates(min(on_demand, default=None), min(spot, default=None))
    samples = [display_name(cloud) for cloud in sorted(sources) if sources[cloud].source.is_sample]
    if samples:
        notes.append(f"Sample data, not today's prices ({', '.join(samples)})")
    if any(match.line.own_price for match in matches):
        notes.append("Own prices are among them, which are not list prices")
    return Comparison(tuple(sorted(sources)), rates, tuple(notes))
