"""What an estimate chooses from: price lines, and one cloud's worth of them with the indexes of lookups.

An `Offering` is something we publish and so has every figure. SkyPilot's own catalogs leave prices and sizes blank,
so a `PriceLine` may lack any of them; unknown stays None. Lines are made from their raw rows when first asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol

from gpu_catalog.accelerators import name_key
from gpu_catalog.catalog import CloudOffers
from gpu_catalog.offers import Offer

US_FIRST = frozenset({"lambda"})
"""Clouds whose `us-*` regions SkyPilot tries first, whatever the price (`lambda_catalog.py`)."""

RATE_CARD = "rate card"
"""How the `source` of a hand-entered price begins."""

_STOCK_ORDER = {True: 0, None: 1, False: 2}
_IN_STOCK = (True, None, False)


class Site(NamedTuple):
    """A place of a line, ordered as it is preferred among equal prices."""

    stock_order: int
    """0 in stock, 1 unknown, 2 out of stock, when the cloud was asked."""

    not_us_first: bool
    """On a cloud of US_FIRST: a region that is not `us-*`. Only orders."""

    region: str
    """As the catalog spells it."""

    zone: str
    """As the catalog spells it; empty on a cloud without zones."""

    @property
    def in_stock(self) -> bool | None:
        """Whether it could be had when the cloud was asked; None when the cloud did not say."""
        return _IN_STOCK[self.stock_order]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLine:
    """One instance type at one price, with all the sites where it costs that."""

    instance_type: str
    """What the cloud's launch API wants; on GCP the host machine."""

    gpu: str | None
    """Accelerator as the catalog spells it; None for a CPU instance."""

    gpu_count: float | None
    """Accelerators in the whole instance; None for a CPU instance."""

    gpu_memory_mib: int | None = None
    """Memory of ONE accelerator in MiB; None when unknown."""

    vcpus: float | None = None
    """vCPUs of the whole instance; None when unknown."""

    memory_gib: float | None = None
    """Main memory of the whole instance in GiB; None when unknown."""

    on_demand: Decimal | None
    """On-demand price of the whole instance, USD per hour; None when unknown."""

    spot: Decimal | None
    """Spot price of the whole instance, USD per hour; None when unknown."""

    sites: tuple[Site, ...]
    """Where it costs that, the preferred one first; never empty."""

    observed_at: str | None = None
    """When the price was seen, UTC; None where the source says nothing."""

    by_hand: bool = False
    """Whether the price was entered by hand, from a rate card."""

    launchable: bool = True
    """False where SkyPilot's launcher does not know the name."""

    own_price: str | None = None
    """What the user's overrides did to its prices, in a few words; None when nothing."""

    def price(self, *, use_spot: bool) -> Decimal | None:
        """The price of the kind asked for."""
        return self.spot if use_spot else self.on_demand

    @property
    def spot_saving_percent(self) -> float | None:
        """How much less spot is than on-demand, in percent; below 0 when it is more, None when unknown."""
        if self.spot is None or self.on_demand is None:
            return None
        return float(round(100 * (1 - self.spot / self.on_demand), 1))


@dataclass(frozen=True, slots=True)
class Source:
    """Where the lines of a cloud come from."""

    text: str
    """For people, e.g. `SkyPilot's catalog in ~/.sky`."""

    as_of: str | None = None
    """Date that holds for all lines; None where each line has its own."""

    is_sample: bool = False
    """Whether these are the bundled sample figures."""

    is_dated_by_file: bool = False
    """Whether `as_of` is the date of a file, which may be newer than its figures."""


LineTest = Callable[[PriceLine], bool]
"""Whether a line will do."""


def any_line(line: PriceLine) -> bool:
    """Every line will do."""
    del line
    return True


def as_listed(line: PriceLine) -> PriceLine:
    """The line itself: at the price of the catalog."""
    return line


def sites_of(cloud: str, places: Mapping[str, Sequence[str]], stock: Mapping[str, bool]) -> tuple[Site, ...]:
    """The sites of `places` (zones by region), the preferred one first; `stock` is by zone, else by region."""
    us_first = cloud in US_FIRST
    return tuple(
        sorted(
            Site(_STOCK_ORDER[stock.get(zone or region)], us_first and not region.startswith("us-"), region, zone)
            for region, zones in places.items()
            for zone in zones or ("",)
        )
    )


class Match(NamedTuple):
    """A line of a cloud at one of its sites."""

    prices: CloudPrices
    """Its cloud."""

    line: PriceLine
    """The line."""

    site: Site
    """The site."""


class Rows(Protocol):
    """What `CloudPrices` reads: the rows of one cloud, turned into lines when asked for."""

    @property
    def gpu_names(self) -> Mapping[str, str]:
        """The catalog's spelling of every accelerator, by `name_key`."""

    @property
    def instance_types(self) -> Collection[str]:
        """Every instance type, as spelled in the catalog."""

    @property
    def regions(self) -> Mapping[str, str]:
        """The catalog's spelling of every region, by its name in lower case."""

    def with_gpu(self, key: str, fits: LineTest = any_line) -> Sequence[PriceLine]:
        """Lines with an accelerator, by its `name_key`, that fit."""

    def of_type(self, instance_type: str) -> Sequence[PriceLine]:
        """Lines of an instance type, in lower case."""


class CloudPrices:
    """All lines of one cloud, by accelerator and by instance type."""

    def __init__(
        self,
        cloud: str,
        source: Source,
        rows: Rows,
        adjusted: Callable[[PriceLine], PriceLine] = as_listed,
    ) -> None:
        self.cloud = cloud
        """Its name in catalogs, lower case."""
        self.source = source
        """Where its lines come from."""
        self._rows, self._adjusted = rows, adjusted
        self._by_gpu: dict[str, Sequence[PriceLine]] = {}
        self._by_type: dict[str, Sequence[PriceLine]] = {}

    @property
    def gpu_names(self) -> Mapping[str, str]:
        """The catalog's spelling of every accelerator, by `name_key`."""
        return self._rows.gpu_names

    @property
    def instance_types(self) -> Collection[str]:
        """Every instance type, as spelled in the catalog."""
        return self._rows.instance_types

    @property
    def regions(self) -> Mapping[str, str]:
        """The catalog's spelling of every region, by its name in lower case."""
        return self._rows.regions

    def with_gpu(self, key: str, fits: LineTest = any_line) -> Sequence[PriceLine]:
        """The lines with an accelerator, by its `name_key`, that fit."""
        if fits is not any_line:
            return [self._adjusted(line) for line in self._rows.with_gpu(key, fits)]
        lines = self._by_gpu.get(key)
        if lines is None:
            lines = [self._adjusted(line) for line in self._rows.with_gpu(key)]
            if lines:
                self._by_gpu[key] = lines
        return lines

    def of_type(self, instance_type: str) -> Sequence[PriceLine]:
        """The lines of an instance type, case ignored."""
        key = instance_type.lower()
        lines = self._by_type.get(key)
        if lines is None:
            lines = [self._adjusted(line) for line in self._rows.of_type(key)]
            if lines:  # What is asked for in vain is not kept: there is no end to it.
                self._by_type[key] = lines
        return lines

    def all_with_gpu(self, fits: LineTest = any_line) -> Iterator[PriceLine]:
        """Every line with an accelerator that fits."""
        for key in self.gpu_names:
            yield from self.with_gpu(key, fits)


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
        by_hand=(facts.source or "").startswith(RATE_CARD),
        launchable=facts.launchable,
    )
