"""What an estimate chooses from: price lines, and one cloud's worth of them with the indexes of lookups.

An `Offering` is something we publish and so has every figure. SkyPilot's own catalogs leave prices and sizes blank,
so a `PriceLine` may lack any of them; unknown stays None. Lines are made from their raw rows when first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol

from gpu_catalog.numbers import COUNT_TOLERANCE
from gpu_catalog.priced_offer import PricedOffer

US_FIRST = frozenset({"lambda"})
"""Clouds whose `us-*` regions SkyPilot tries first, whatever the price (`lambda_catalog.py`)."""

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
    """Whether the price was entered by hand, from a price list."""

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


class Match:
    """A line of a cloud at one of its sites."""

    __slots__ = ("_offers", "line", "prices", "site")

    def __init__(self, prices: CloudPrices, line: PriceLine, site: Site) -> None:
        self.prices, self.line, self.site = prices, line, site
        self._offers: dict[bool, PricedOffer] = {}

    def offer(self, *, use_spot: bool) -> PricedOffer:
        """As answers show it, if it has such a price; made once."""
        made = self._offers.get(use_spot)
        if made is None:
            made = self._offers[use_spot] = self._offer(use_spot=use_spot)
        return made

    def _offer(self, *, use_spot: bool) -> PricedOffer:
        line, site, source = self.line, self.site, self.prices.source
        as_of = line.observed_at if source.as_of is None else source.as_of
        return PricedOffer(
            cloud=self.prices.cloud,
            region=site.region,
            zone=site.zone or None,
            instance_type=line.instance_type,
            gpu=line.gpu,
            gpu_count=line.gpu_count,
            gpu_memory_gib=None if line.gpu_memory_mib is None else round(line.gpu_memory_mib / 1024, 3),
            price=float(line.price(use_spot=use_spot) or 0),
            on_demand_price=None if line.on_demand is None else float(line.on_demand),
            spot_price=None if line.spot is None else float(line.spot),
            savings_percent=line.spot_saving_percent,
            in_stock=site.in_stock,
            prices_as_of=as_of[:10] if as_of else None,
            source=source.text,
            own_price=line.own_price,
        )


def rank(*, use_spot: bool) -> Callable[[Match], tuple[object, ...]]:
    """What orders matches that have a price, best first: price, stock, cloud, site, name."""

    def key(match: Match) -> tuple[object, ...]:
        line, site = match.line, match.site
        price = line.spot if use_spot else line.on_demand
        return price, site.stock_order, match.prices.cloud, site, line.instance_type

    return key


def has_count(line: PriceLine, count: float | None) -> bool:
    """Whether an instance has so many accelerators; None for any number."""
    return count is None or (line.gpu_count is not None and abs(line.gpu_count - count) <= COUNT_TOLERANCE)


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
        self._cheapest: dict[tuple[str, float, bool], Match] = {}

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
            if key in self.gpu_names:  # What is asked for in vain is not kept: there is no end to it.
                self._by_gpu[key] = lines
        return lines

    def cheapest(self, key: str, count: float, *, use_spot: bool) -> Match | None:
        """The best of the lines with so many accelerators, at its best site; None where none has such a price."""
        found = self._cheapest.get((key, count, use_spot))
        if found is None and key in self.gpu_names:
            lines = [line for line in self.with_gpu(key) if has_count(line, count)]
            matches = [
                Match(self, line, line.sites[0]) for line in lines if line.price(use_spot=use_spot) is not None
            ]
            found = min(matches, key=rank(use_spot=use_spot), default=None)
            if found is not None and found.line.gpu_count == count:  # Other numbers near it have no end.
                self._cheapest[key, count, use_spot] = found
        return found

    def of_type(self, instance_type: str) -> Sequence[PriceLine]:
        """The lines of an instance type, case ignored."""
        key = instance_type.lower()
        lines = self._by_type.get(key)
        if lines is None:
            lines = [self._adjusted(line) for line in self._rows.of_type(key)]
            if lines:
                self._by_type[key] = lines
        return lines

    def all_with_gpu(self, fits: LineTest = any_line) -> Iterator[PriceLine]:
        """Every line with an accelerator that fits."""
        for key in self.gpu_names:
            yield from self.with_gpu(key, fits)
