"""The answer to a question for a price: as an object, as lines for people, as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from gpu_catalog.accelerators import name_key
from gpu_catalog.cloud_names import display_name
from gpu_catalog.priced_offer import PricedOffer
from gpu_catalog.question import Question
from gpu_catalog.texts import number, plain_dollars, plain_number, printable

SCHEMA_VERSION = 1
"""Of the JSON form; a change that breaks readers raises it."""
HOURS_PER_MONTH = 730
Confidence = Literal["high", "medium", "low"]
NOT_INCLUDED = "Compute only; disk and egress are not included"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostEstimate:
    """What something costs, or why that is not known. Read `found` first."""

    question: Question
    """The question as it was understood."""

    offers: tuple[PricedOffer, ...]
    """The cheapest offer of each cloud, cheapest first; the first is the chosen one."""

    reason: str | None
    """Why there is no price, in one sentence; None when there is one."""

    warnings: tuple[str, ...]
    """What whoever uses the figure should know."""

    confidence_level: Confidence
    """`high`: on-demand list price; `medium`: spot, own price, or dated by its file only; `low`: sample, entered by
    hand, past the age limit or of unknown age, or nothing found."""

    estimated_at: str
    """When this was worked out, UTC, `2026-11-22T01:31:02Z`."""

    currency: str = "USD"
    """Of every price."""

    @property
    def found(self) -> bool:
        """Whether there is a price."""
        return bool(self.offers)

    @property
    def hourly_cost(self) -> float | None:
        """USD per hour of ALL nodes, compute only, of the kind asked for; None when unknown, never 0 for that."""
        return _times(self.price_per_node, self.num_nodes)

    @property
    def price_per_node(self) -> float | None:
        """USD per hour of one node; None when unknown."""
        return self.offers[0].price if self.offers else None

    @property
    def total_cost(self) -> float | None:
        """USD of all nodes for the hours asked for; None when no hours were given or the price is unknown."""
        return None if self.hours is None else _times(self.hourly_cost, self.hours)

    @property
    def cloud(self) -> str | None:
        """Catalog's name of the chosen cloud; when nothing was found, the one asked for, if it was one."""
        if self.offers:
            return self.offers[0].cloud
        return self.question.clouds[0] if len(self.question.clouds) == 1 else None

    @property
    def region(self) -> str | None:
        """Region chosen, as the catalog spells it; when nothing was found, the one asked for."""
        return self.offers[0].region if self.offers else self.question.region

    @property
    def zone(self) -> str | None:
        """Zone chosen; None on a cloud without zones; when nothing was found, the one asked for."""
        return self.offers[0].zone if self.offers else self.question.zone

    @property
    def instance_type(self) -> str | None:
        """Instance type chosen; when nothing was found, the one asked for."""
        return self.offers[0].instance_type if self.offers else self.question.instance_type

    @property
    def gpu(self) -> str | None:
        """Accelerator as the chosen cloud's catalog spells it; when nothing was found, as it was asked for."""
        return self.offers[0].gpu if self.offers else self.question.gpu

    @property
    def gpu_count(self) -> float | None:
        """Accelerators in one instance."""
        return self.offers[0].gpu_count if self.offers else self.question.gpu_count

    @property
    def use_spot(self) -> bool:
        """Whether these are spot prices."""
        return self.question.use_spot

    @property
    def num_nodes(self) -> int:
        """Instances."""
        return self.question.num_nodes

    @property
    def hours(self) -> float | None:
        """Hours asked for."""
        return self.question.hours

    @property
    def on_demand_price(self) -> float | None:
        """On-demand price of the chosen offer, per node; None when unknown."""
        return self.offers[0].on_demand_price if self.offers else None

    @property
    def spot_price(self) -> float | None:
        """Spot price of the chosen offer, per node; None when unknown."""
        return self.offers[0].spot_price if self.offers else None

    @property
    def savings_percent(self) -> float | None:
        """How much less spot is than on-demand for the chosen offer, in percent; None when unknown."""
        return self.offers[0].savings_percent if self.offers else None

    @property
    def prices_as_of(self) -> str | None:
        """Date of the chosen offer's prices, `2026-11-22`; None when unknown."""
        return self.offers[0].prices_as_of if self.offers else None

    @property
    def source(self) -> str | None:
        """Where the chosen offer's prices come from."""
        return self.offers[0].source if self.offers else None

    @property
    def savings_vs_dearest_percent(self) -> float | None:
        """How much less the chosen offer is than that of the dearest cloud; None when only one cloud has it."""
        if len(self.offers) < 2:
            return None
        return round(100 * (1 - self.offers[0].price / self.offers[-1].price), 1)

    def __str__(self) -> str:
        """The printed text: `Estimated cost: $1.99/hr (Lambda us-east-1 on-demand)` and further lines.

        Nothing found: the reason.
        """
        if not self.found or self.hourly_cost is None:
            return printable(self.reason or "no price")
        lines = [f"Estimated cost: ${plain_dollars(self.hourly_cost)}/hr ({self._where()})"]
        lines += [f"  {printable(line)}" for line in (*self._details(), *self.warnings)]
        return "\n".join(lines)

    def _where(self) -> str:
        nodes = f"{self.num_nodes} nodes, " if self.num_nodes > 1 else ""
        # What stands between the brackets has none of its own: programs read up to the first that closes.
        place = f"{display_name(self.cloud or '')} {self.region}".replace("(", "[").replace(")", "]")
        return f"{nodes}{printable(place)} {'spot' if self.use_spot else 'on-demand'}"

    def _details(self) -> list[str]:
        chosen = self.offers[0]
        memory = f" of {number(chosen.gpu_memory_gib)} GB" if chosen.gpu_memory_gib is not None else ""
        gpus = f", {number(self.gpu_count)} x {self.gpu}{memory}" if self.gpu else ""
        stock = {True: "in stock", False: "out of stock", None: "stock unknown"}[chosen.in_stock]
        lines = [f"{self.instance_type}{gpus}, {stock}"]
        if self.total_cost is not None and self.hours is not None:
            lines.append(f"${plain_dollars(self.total_cost)} for {number(round(self.hours * 60, 2))} min")
        if self.savings_percent is not None and self.on_demand_price is not None and self.spot_price is not None:
            other = self.on_demand_price if self.use_spot else self.spot_price
            kind = "On-demand" if self.use_spot else "With --spot"
            lines.append(
                f"{kind}: ${plain_dollars(other * self.num_nodes)}/hr (spot {_less(self.savings_percent)})"
            )
        if len({name_key(offer.gpu or "") for offer in self.offers}) == 1 < len(self.offers):
            each = ", ".join(f"{display_name(o.cloud)} ${plain_dollars(o.price)}" for o in self.offers)
            least = f" ({number(self.savings_vs_dearest_percent)} % below the dearest)"
            lines.append(f"Cheapest per cloud and node: {each}{least if self.savings_vs_dearest_percent else ''}")
        lines.append(f"Prices of {self.prices_as_of or 'an unknown date'}, from {self.source}")
        return lines

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of `docs/node-config.md`: a superset of EstimateCostResponse."""
        asked, hours = self.question, 1 if self.hours is None else self.hours
        cost = plain_number(_times(self.hourly_cost, hours))
        return {
            "schema_version": SCHEMA_VERSION,
            "query": {
                "gpu": asked.gpu,
                "gpu_count": plain_number(asked.gpu_count),
                "instance_type": asked.instance_type,
                "provider": ",".join(asked.clouds) or None,
                "region": asked.region,
                "zone": asked.zone,
                "use_spot": asked.use_spot,
                "num_nodes": asked.num_nodes,
                "hours": plain_number(asked.hours),
            },
            "found": self.found,
            "reason": self.reason,
            "warnings": list(self.warnings),
            "currency": self.currency,
            "estimated_at": self.estimated_at,
            "provider": self.cloud,
            "region": self.region,
            "zone": self.zone,
            "instance_type": self.instance_type,
            "use_spot": self.use_spot,
            "num_nodes": self.num_nodes,
            "hours": plain_number(hours),
            "cost_per_hour": plain_number(self.hourly_cost),
            "estimated_cost": cost,
            "compute_cost": cost,
            "storage_cost": None,
            "network_cost": None,
            "confidence_level": self.confidence_level,
            "on_demand_price": plain_number(self.on_demand_price),
            "spot_price": plain_number(self.spot_price),
            "spot_savings_pct": plain_number(self.savings_percent),
            "savings_vs_dearest_pct": plain_number(self.savings_vs_dearest_percent),
            "prices_as_of": self.prices_as_of,
            "source": self.source,
            "options": [offer.to_dict() for offer in self.offers],
        }


def _times(price: float | None, number: float) -> float | None:
    """A price times nodes or hours, to six decimals, worked out in decimals; unknown stays unknown."""
    return None if price is None else float(round(Decimal(repr(price)) * Decimal(repr(number)), 6))


def _less(percent: float) -> str:
    return f"saves {number(percent)} %" if percent >= 0 else f"costs {number(-percent)} % more"
