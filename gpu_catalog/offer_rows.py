"""Our own catalogs as an estimate reads them: offers, turned into price lines when they are asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from gpu_catalog.accelerators import name_key
from gpu_catalog.offers import Offer
from gpu_catalog.prices import LineTest, PriceLine, any_line, sites_of
from gpu_catalog.snapshot import CloudOffers

RATE_CARD = "rate card"
"""How the `source` of a hand-entered price begins."""


class OfferRows:
    """The rows of a catalog of ours."""

    def __init__(self, offered: CloudOffers) -> None:
        self._offered = offered
        self._by_gpu: dict[str, list[Offer]] = defaultdict(list)
        self._by_type: dict[str, list[Offer]] = defaultdict(list)
        self.gpu_names: dict[str, str] = {}
        for offer in offered.offers:
            facts = offer.offering
            if facts.accelerator_name is not None:
                key = name_key(facts.accelerator_name)
                self.gpu_names.setdefault(key, facts.accelerator_name)
                self._by_gpu[key].append(offer)
            for name in {facts.instance_type, facts.instance_type_v7 or facts.instance_type}:
                self._by_type[name.lower()].append(offer)

    @property
    def instance_types(self) -> Collection[str]:
        """Every instance type."""
        return self._offered.by_instance_type

    @property
    def regions(self) -> Mapping[str, str]:
        """The catalog's spelling of every region, by its name in lower case."""
        return self._offered.region_by_lower_name

    def with_gpu(self, key: str, fits: LineTest = any_line) -> Sequence[PriceLine]:
        """Lines with an accelerator, by its `name_key`, that fit."""
        lines = (_line(offer) for offer in self._by_gpu.get(key, ()))
        return list(filter(fits, lines))

    def of_type(self, instance_type: str) -> Sequence[PriceLine]:
        """Lines of an instance type, in lower case; Yotta's names of schema v7 are known too."""
        return [_line(offer) for offer in self._by_type.get(instance_type, ())]


def _line(offer: Offer) -> PriceLine:
    facts = offer.offering
    return PriceLine(
        instance_type=facts.instance_type,
        gpu=facts.accelerator_name,
        gpu_count=facts.accelerator_count,
        gpu_memory_mib=facts.gpu_memory_mib,
        vcpus=facts.vcpus,
        memory_gib=facts.memory_gib,
        on_demand=facts.price_usd_per_hour,
        spot=facts.spot_price_usd_per_hour,
        sites=sites_of(facts.cloud, offer.regions, offer.stock),
        observed_at=facts.observed_at,
        by_hand=(facts.source or "").startswith(RATE_CARD) or "hand-entered" in facts.marks,
        launchable=facts.launchable,
    )
