"""Yotta's Pod offers, from the rate card and from `gpus/list`, in one form; figures per GPU.

The field names of `gpus/list` items are INFERRED from Pod objects in yottalabsai/agent-native-infra
`src/api/types.ts` and a docs tutorial (`"singleCardPrice": "0.65"`): nothing missing or odd in one item raises.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from fetchers.answers import Answer
from fetchers.base import Unusable, day_as_moment, list_of_objects, shown, text_or_none
from fetchers.errors import UnexpectedAnswer
from fetchers.tables import data_rows
from gpu_catalog.errors import BadPrice, BadQuantity
from gpu_catalog.numbers import parse_price, parse_whole
from gpu_catalog.yotta import CLOUD_TYPES

STALE_AFTER_DAYS = 90
"""A hand-entered rate older than this is published with the mark `stale` and a warning, never dropped silently."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodOffer:
    """A GPU as a Pod in one region. Prices and sizes are per GPU."""

    gpu_code: str
    """Yotta's code, verbatim."""

    region: str
    """Yotta's region name, verbatim."""

    cloud_type: str
    """`SECURE` or `COMMUNITY`."""

    price: Decimal | None
    """USD per GPU-hour."""

    vcpus: int | None
    """vCPUs per GPU."""

    memory_gb: int | None
    """Main memory per GPU; GB or GiB is UNKNOWN, so it is never rescaled."""

    gpu_memory_gb: int | None = None
    """Memory of one GPU, where it is said apart from the code."""

    source: str
    """Where the price came from."""

    observed_at: str
    """When the price was seen; for the rate card the date of the fact."""

    from_card: bool = False
    """True when the price is hand-entered and can go stale."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What the inputs are matched by: one GPU whatever its code, region, cloud type."""
        return (folded(self.gpu_code), self.region, self.cloud_type)

    def checked(self) -> tuple[Decimal, int, int]:
        """Price, vCPUs and memory.

        Raises:
            Unusable: one of them is not known.
        """
        if self.price is None:
            raise Unusable("no-price", f"no source has a price for it as a Pod in {self.region}")
        if self.vcpus is None or self.memory_gb is None:
            raise Unusable("no-size", f"no source has vCPUs and memory for it in {self.region}")
        return self.price, self.vcpus, self.memory_gb

    def marks(self, as_of: datetime) -> frozenset[str]:
        """`stale` for a hand-entered rate older than 90 days."""
        if not self.from_card or self.price is None:
            return frozenset()
        age = as_of - datetime.fromisoformat(self.observed_at.replace("Z", "+00:00"))
        return frozenset({"stale"}) if age.days > STALE_AFTER_DAYS else frozenset()


@dataclass(frozen=True, slots=True)
class RateCard:
    """The bundled rate card, `data/yotta_rate_card.csv`."""

    offers: list[PodOffer]
    """Its Pod rows, priced or not."""

    other_products: list[dict[str, str]]
    """Its rows of virtual machines and serverless, which are no Pod prices."""


@lru_cache(maxsize=1)
def rate_card() -> RateCard:
    """Read the bundled rate card."""
    rows = data_rows("yotta_rate_card")
    return RateCard(
        offers=[_card_offer(row) for row in rows if row["product"] == "pod"],
        other_products=[row for row in rows if row["product"] != "pod"],
    )


def offers_from_listing(data: Any, answer: Answer) -> tuple[list[PodOffer], list[tuple[str, Unusable]]]:
    """The offers in `data` of `gpus/list`, and (listing, reason) for each item that is none.

    Raises:
        UnexpectedAnswer: no list of objects, or two different prices for one and the same Pod.
    """
    if isinstance(data, dict):  # A page wrapper is known from an internal type of Yotta only.
        data = data.get("records", data.get("items"))
    offers: dict[tuple[str, str, str], PodOffer] = {}
    problems = []
    for item in list_of_objects(data, "`data` of gpus/list"):
        listing = shown(f"{item.get('gpuType')} {item.get('region')}") or "(no name)"
        try:
            offer = _listed_offer(item, answer)
            first = offers.setdefault(offer.key, offer)
            if first.price != offer.price and (first.vcpus, first.memory_gb) == (offer.vcpus, offer.memory_gb):
                raise UnexpectedAnswer(f"gpus/list has two prices for {listing}", "report this to Yotta")
            if first is not offer:
                raise Unusable("duplicate", "listed twice; the first entry stands")
        except Unusable as exc:
            problems.append((listing, exc))
    return list(offers.values()), problems


def _listed_offer(item: dict[str, Any], answer: Answer) -> PodOffer:
    """One item of `gpus/list`; a price or size that cannot be read is None and may come from the rate card."""
    code, region = text_or_none(item.get("gpuType")), text_or_none(item.get("region"))
    if code is None or region is None:
        raise Unusable("no-name", "`gpuType` or `region` is missing")
    # INFERRED: SECURE where the item does not say; the published catalog has nothing else.
    cloud_type = str(item.get("cloudType") or "SECURE").upper()
    if cloud_type not in CLOUD_TYPES:
        raise Unusable("no-name", f"cloudType {cloud_type[:20]!r} is neither SECURE nor COMMUNITY")
    return PodOffer(
        gpu_code=code,
        region=region,
        cloud_type=cloud_type,
        price=_price_or_none(item.get("singleCardPrice")),
        vcpus=_whole_or_none(item.get("singleCardVcpu")),
        memory_gb=_whole_or_none(item.get("singleCardRamInGb")),
        gpu_memory_gb=_whole_or_none(item.get("singleCardVramInGb")),
        source=answer.source,
        observed_at=answer.observed_at,
    )


def _card_offer(row: dict[str, str]) -> PodOffer:
    return PodOffer(
        gpu_code=row["gpu_code"],
        region=row["region"],
        cloud_type=row["cloud_type"],
        price=_price_or_none(row["price_usd_per_gpu_hour"]),
        vcpus=_whole_or_none(row["vcpus_per_gpu"]),
        memory_gb=_whole_or_none(row["memory_gb_per_gpu"]),
        source=f"rate card: {row['source']}",
        observed_at=day_as_moment(row["date"]),
        from_card=True,
    )


def folded(code: str) -> str:
    """A GPU code without case, legacy and unprefixed spellings folded into the current one."""
    return _current_codes().get(code.casefold(), code).casefold()


@lru_cache(maxsize=1)
def _current_codes() -> dict[str, str]:
    return {row["code"].casefold(): row["same_as"] for row in data_rows("yotta_gpu_codes")}


def _price_or_none(value: Any) -> Decimal | None:
    try:
        return parse_price(value)
    except BadPrice:
        return None


def _whole_or_none(value: Any) -> int | None:
    try:
        return parse_whole(value, "figure")
    except BadQuantity:
        return None
