"""One thing that fits a question for a price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gpu_catalog.texts import plain_number


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedOffer:
    """One thing that fits the question, with its price. Prices are USD per hour of one node."""

    cloud: str
    """Catalog's name of the cloud, e.g. `lambda`."""

    region: str
    """As the catalog spells it."""

    zone: str | None
    """As the catalog spells it; None on a cloud without zones."""

    instance_type: str
    """What the cloud's launch API wants."""

    gpu: str | None
    """Accelerator as this cloud's catalog spells it; None for a CPU instance."""

    gpu_count: float | None
    """Accelerators in the instance."""

    gpu_memory_gib: float | None
    """Memory of ONE accelerator; None when unknown."""

    price: float
    """Price of the kind asked for."""

    on_demand_price: float | None
    """On-demand price; None when unknown."""

    spot_price: float | None
    """Spot price; None when unknown."""

    in_stock: bool | None
    """Whether it could be had when the cloud was asked; None when it did not say."""

    prices_as_of: str | None
    """Date of the prices, `2026-11-22`; None when unknown."""

    source: str
    """Where the prices come from."""

    own_price: str | None
    """What the user's overrides did to the prices; None when nothing."""

    savings_percent: float | None
    """How much less spot is than on-demand, in percent; None when either is unknown, negative when it is more."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON form: a member of `options`."""
        return {
            "provider": self.cloud,
            "region": self.region,
            "zone": self.zone,
            "instance_type": self.instance_type,
            "gpu": self.gpu,
            "gpu_count": plain_number(self.gpu_count),
            "gpu_memory_gib": plain_number(self.gpu_memory_gib),
            "price": plain_number(self.price),
            "on_demand_price": plain_number(self.on_demand_price),
            "spot_price": plain_number(self.spot_price),
            "spot_savings_pct": plain_number(self.savings_percent),
            "in_stock": self.in_stock,
            "prices_as_of": self.prices_as_of,
            "source": self.source,
            "own_price": self.own_price,
        }
