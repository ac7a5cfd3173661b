"""SkyPilot's catalog functions, answered from our catalogs: the names, arguments and results of `sky.catalog`.

Every function takes `clouds`: one name gives that cloud's answer, a sequence gives the list of their answers,
None those of all clouds in the catalog; `list_accelerators` merges them instead. Modelled on SkyPilot 0.14.1
(`sky/catalog/__init__.py`, `common.py`, `<cloud>_catalog.py`); where it dies with an AssertionError, a KeyError or
an error of pandas, these raise `NotOffered`, a ValueError that explains. `docs/skypilot.md` lists every difference.

The type of an answer depends on `clouds`, so it is declared as Any. `catalog` is what to ask; without it the
default catalog (`Catalog.load()`) is read once per process.
"""

from __future__ import annotations

import difflib
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from gpu_catalog.catalog import COUNT_TOLERANCE, Catalog, CloudOffers
from gpu_catalog.cloud_names import display_name
from gpu_catalog.errors import NotOffered
from gpu_catalog.offering import Offering
from gpu_catalog.offers import Offer
from gpu_catalog.prices import US_FIRST
from gpu_catalog.sizes import size_test

Answer = TypeVar("Answer")
Clouds = str | Sequence[str] | None

REGION_BLIND_DEFAULT = frozenset({"yotta"})
"""Clouds whose default instance type SkyPilot looks for without regard to the region (`yotta_catalog.py`)."""

DEFAULT_SIZE = {"lambda": ("30+", "4x")}
"""vCPUs asked for when nothing is, and memory asked for when none is, in `get_default_instance_type`."""

SIMILAR_REGIONS = 5

_PLAIN_NAME = re.compile(r"[A-Za-z0-9-]+", re.ASCII)


class InstanceTypeInfo(NamedTuple):
    """A line of `list_accelerators`, field by field as SkyPilot's class of this name."""

    cloud: str
    """Display name, e.g. `Lambda`."""

    instance_type: str
    """As the cloud's launch API wants it."""

    accelerator_name: str
    """Canonical name."""

    accelerator_count: float
    """Accelerators in the instance."""

    cpu_count: float
    """vCPUs of the instance."""

    device_memory: float | None
    """Memory of one accelerator in GiB; None when unknown."""

    memory: float
    """Main memory of the instance in GiB."""

    price: float
    """On-demand price of the instance, USD per hour."""

    spot_price: float
    """Spot price of the instance, USD per hour; NaN when unknown, as in SkyPilot."""

    region: str
    """As the catalog spells it."""


@dataclass(frozen=True, slots=True)
class Zone:
    """An availability zone."""

    name: str
    """As the catalog spells it."""


@dataclass(frozen=True, slots=True)
class Region:
    """A region, with its zones."""

    name: str
    """As the catalog spells it."""

    zones: tuple[Zone, ...] | None = None
    """Zones in the order in which SkyPilot tries them; None on a cloud without zones."""


@lru_cache(maxsize=1)
def default_catalog() -> Catalog:
    """The catalog that questions without one go to."""
    return Catalog.load()


def instance_type_exists(instance_type: str, clouds: Clouds = None, catalog: Catalog | None = None) -> Any:
    """Whether an instance type of exactly this name is offered."""
    return _ask(clouds, catalog, lambda cloud: instance_type in cloud.by_instance_type)


def validate_region_zone(
    region_name: str | None, zone_name: str | None, clouds: Clouds = None, catalog: Catalog | None = None
) -> Any:
    """(region, zone) in the catalog's spelling; a zone alone gives its region too. Zones compare exactly.

    Raises:
        NotOffered: no such region or zone (the nearest names are told), or a cloud without zones was asked for one.
    """
    return _ask(clouds, catalog, lambda cloud: _validated_site(cloud, region_name, zone_name))


def get_hourly_cost(
    instance_type: str,
    use_spot: bool,
    region: str | None,
    zone: str | None,
    clouds: Clouds = None,
    catalog: Catalog | None = None,
) -> Any:
    """USD per hour of an instance: the lowest of all sites, or that of the region or zone asked for.

    Raises:
        NotOffered: not there, or no price of the kind asked for.
    """
    return _ask(clouds, catalog, lambda cloud: _hourly_cost(cloud, instance_type, use_spot, region, zone))


def get_vcpus_mem_from_instance_type(
    instance_type: str, clouds: Clouds = None, catalog: Catalog | None = None
) -> Any:
    """(vCPUs, memory in GiB) of an instance type.

    Raises:
        NotOffered: there is none of this name, or the catalog gives it several sizes.
    """
    return _ask(clouds, catalog, lambda cloud: _size(cloud, instance_type))


def get_default_instance_type(
    cpus: str | None = None,
    memory: str | None = None,
    disk_tier: object = None,
    local_disk: str | None = None,
    region: str | None = None,
    zone: str | None = None,
    use_spot: bool = False,
    max_hourly_cost: float | None = None,
    clouds: Clouds = None,
    catalog: Catalog | None = None,
) -> Any:
    """The cheapest instance type with these vCPUs (`4`, `4+`) and this memory in GiB (`16`, `16+`, `4x` vCPUs).

    None when nothing fits. As in SkyPilot disk_tier and local_disk have no effect on these clouds, and use_spot
    only together with max_hourly_cost.

    Raises:
        NotOffered: cpus or memory is malformed, or a cloud without zones was asked for one.
    """
    del disk_tier, local_disk

    def best(cloud: CloudOffers) -> str | None:
        wanted_cpus, wanted_memory = cpus, memory
        default_cpus, default_memory = DEFAULT_SIZE.get(cloud.cloud, (None, None))
        if cpus is None and memory is None:
            wanted_cpus = default_cpus
        if memory is None:
            wanted_memory = default_memory
        blind = cloud.cloud in REGION_BLIND_DEFAULT
        sites = cloud.offers if blind else _at_site(cloud, cloud.offers, region, zone)
        fitting = list(_fitting(sites, wanted_cpus, wanted_memory))
        by_spot = use_spot and max_hourly_cost is not None
        priced = _by_price(fitting, by_spot, max_hourly_cost)
        return priced[0].offering.instance_type if priced else None

    return _ask(clouds, catalog, best)


def get_accelerators_from_instance_type(
    instance_type: str, clouds: Clouds = None, catalog: Catalog | None = None
) -> Any:
    """{accelerator name: count} of an instance type, the count an int where it is whole; None for a CPU instance.

    Raises:
        NotOffered: there is none of this name.
    """

    def accelerators(cloud: CloudOffers) -> dict[str, int | float] | None:
        facts = _named(cloud, instance_type)[0].offering
        if facts.accelerator_name is None or facts.accelerator_count is None:
            return None
        return {facts.accelerator_name: _whole(facts.accelerator_count)}

    return _ask(clouds, catalog, accelerators)


def get_instance_type_for_accelerator(
    acc_name: str,
    acc_count: float,
    cpus: str | None = None,
    memory: str | None = None,
    use_spot: bool = False,
    local_disk: str | None = None,
    region: str | None = None,
    zone: str | None = None,
    max_hourly_cost: float | None = None,
    clouds: Clouds = None,
    catalog: Catalog | None = None,
) -> Any:
    """(instance types with so many of the accelerator, cheapest first; what else there is).

    The name is a regular expression for the whole name, case ignored, as in SkyPilot. Nothing of this name and
    count at the site gives `(None, ["A100:8", ...])`, nothing priced or fitting `([], [])`.

    Raises:
        NotOffered: cpus, memory or the name is malformed, or a cloud without zones was asked for one.
    """
    del local_disk

    def types(cloud: CloudOffers) -> tuple[list[str] | None, list[str]]:
        named = _with_accelerator(cloud, acc_name)
        counted = (o for o in named if abs((o.offering.accelerator_count or 0) - acc_count) <= COUNT_TOLERANCE)
        there = list(_at_site(cloud, counted, region, zone))
        if not there:
            return None, _similar(cloud, acc_name, acc_count, region, zone)
        priced = _by_price(list(_fitting(there, cpus, memory)), use_spot, max_hourly_cost)
        return list(dict.fromkeys(offer.offering.instance_type for offer in priced)), []

    return _ask(clouds, catalog, types)


def get_region_zones_for_instance_type(
    instance_type: str, use_spot: bool, clouds: Clouds = None, catalog: Catalog | None = None
) -> Any:
    """Regions that offer an instance type, with their zones, by (price, region, zone); Lambda's `us-*` first.

    Empty for a type that is not there, and with use_spot where no spot price is known.
    """

    def regions(cloud: CloudOffers) -> list[Region]:
        rows = sorted(
            (price, region, zone)
            for offer in cloud.by_instance_type.get(instance_type, ())
            if (price := _price(offer.offering, use_spot)) is not None
            for region, zones in offer.regions.items()
            for zone in zones or ("",)
        )
        zones_by_region: dict[str, list[Zone]] = {}
        for _, region, zone in rows:
            zones_by_region.setdefault(region, []).append(Zone(zone))
        found = [Region(name, tuple(zones) if cloud.has_zones else None) for name, zones in zones_by_region.items()]
        if cloud.cloud in US_FIRST:
            found.sort(key=lambda region: not region.name.startswith("us-"))
        return found

    return _ask(clouds, catalog, regions)


def list_accelerators(
    gpus_only: bool = True,
    name_filter: str | None = None,
    region_filter: str | None = None,
    quantity_filter: float | None = None,
    clouds: Clouds = None,
    case_sensitive: bool = True,
    all_regions: bool = False,
    require_price: bool = True,
    catalog: Catalog | None = None,
) -> dict[str, list[InstanceTypeInfo]]:
    """Instance types by accelerator name; the filters are regular expressions that may match anywhere.

    One line per instance type, that of its cheapest region, or per region with all_regions. Device memory is that
    of one device. As in SkyPilot require_price has no effect.

    Raises:
        NotOffered: a filter is no regular expression, or there is no such cloud.
    """
    del require_price
    name_pattern = _pattern(name_filter or "", ignore_case=not case_sensitive)
    region_pattern = _pattern(region_filter or "", ignore_case=not case_sensitive)

    def wanted(facts: Offering) -> bool:
        return (
            facts.accelerator_name is not None
            and (facts.gpu_memory_mib is not None or not gpus_only)
            and name_pattern.search(facts.accelerator_name) is not None
            and (quantity_filter is None or facts.accelerator_count == quantity_filter)
        )

    listed: dict[str, list[InstanceTypeInfo]] = defaultdict(list)
    for cloud in _chosen(clouds, catalog or default_catalog()):
        lines = [
            _info(cloud, offer.offering, region)
            for offer in cloud.offers
            if wanted(offer.offering)
            for region in offer.regions
            if region_pattern.search(region)
        ]
        for line in _cheapest_lines(lines, all_regions=all_regions):
            listed[line.accelerator_name].append(line)
    return dict(listed)


def _cheapest_lines(lines: list[InstanceTypeInfo], *, all_regions: bool) -> list[InstanceTypeInfo]:
    """One line per instance type (and region), in SkyPilot's order; an unknown spot price counts as the highest."""

    def spot(line: InstanceTypeInfo) -> float:
        return math.inf if math.isnan(line.spot_price) else line.spot_price

    kept: dict[tuple[object, ...], InstanceTypeInfo] = {}
    for line in sorted(lines, key=lambda line: (line.price, spot(line), line.region if all_regions else "")):
        key = (line.instance_type, line.accelerator_name, line.accelerator_count, line.cpu_count, line.memory)
        kept.setdefault((*key, line.region) if all_regions else key, line)
    return sorted(
        kept.values(),
        key=lambda line: (
            line.accelerator_name, line.accelerator_count, line.instance_type, line.cpu_count, line.price,
            spot(line), line.region,
        ),
    )  # fmt: skip


def _info(cloud: CloudOffers, facts: Offering, region: str) -> InstanceTypeInfo:
    spot = facts.spot_price_usd_per_hour
    return InstanceTypeInfo(
        cloud=display_name(cloud.cloud),
        instance_type=facts.instance_type,
        accelerator_name=facts.accelerator_name or "",
        accelerator_count=facts.accelerator_count or 0.0,
        cpu_count=facts.vcpus,
        device_memory=None if facts.gpu_memory_mib is None else facts.gpu_memory_mib / 1024,
        memory=facts.memory_gib,
        price=float(facts.price_usd_per_hour),
        spot_price=math.nan if spot is None else float(spot),
        region=region,
    )


def _ask(clouds: Clouds, catalog: Catalog | None, answer: Callable[[CloudOffers], Answer]) -> Answer | list[Answer]:
    """One cloud's answer, or the list of the answers of several."""
    answers = [answer(cloud) for cloud in _chosen(clouds, catalog or default_catalog())]
    return answers[0] if isinstance(clouds, str) else answers


def _chosen(clouds: Clouds, catalog: Catalog) -> list[CloudOffers]:
    available = catalog.clouds
    names = list(available) if clouds is None else [clouds] if isinstance(clouds, str) else list(clouds)
    for name in names:
        if name.lower() not in available:
            raise NotOffered(f"no catalog of cloud {name[:80]!r}; there are {', '.join(available) or 'none'}")
    return [available[name.lower()] for name in names]


def _validated_site(cloud: CloudOffers, region: str | None, zone: str | None) -> tuple[str | None, str | None]:
    _check_zone(cloud, zone)
    found = region
    if region is not None:
        found = cloud.region_by_lower_name.get(region.lower())
        if found is None:
            raise NotOffered(
                f"Invalid region {region[:80]!r}{_nearest(region.lower(), cloud.region_by_lower_name)}"
            )
    if zone is not None:
        region_by_zone = {
            name: place
            for offer in cloud.offers
            for place, zones in offer.regions.items()
            if found in (None, place)
            for name in zones
        }
        if zone not in region_by_zone:
            where = f" for region {region!r}" if region else ""
            raise NotOffered(f"Invalid zone {zone[:80]!r}{where}{_nearest(zone, region_by_zone)}")
        found = region_by_zone[zone]
    return found, zone


def _nearest(name: str, names: Iterable[str]) -> str:
    known = sorted(names)
    near = sorted(difflib.get_close_matches(name, known, n=SIMILAR_REGIONS))
    return f"; did you mean {', '.join(near)}?" if near else f"; there are {', '.join(known)}"


def _check_zone(cloud: CloudOffers, zone: str | None) -> None:
    if zone is not None and not cloud.has_zones:
        raise NotOffered(f"{display_name(cloud.cloud)} does not support zones")


def _hourly_cost(
    cloud: CloudOffers, instance_type: str, use_spot: bool, region: str | None, zone: str | None
) -> float:
    _check_zone(cloud, zone)
    offers = cloud.by_instance_type.get(instance_type, ())
    there = [offer for offer in offers if _is_at(offer, region, zone, same_case_zone=True)]
    if not there:
        where = f"zone {zone!r}" if zone else f"region {region!r}" if region else "all regions"
        raise NotOffered(f"Instance type {instance_type[:80]!r} not found in {where}")
    prices = [price for offer in there if (price := _price(offer.offering, use_spot)) is not None]
    if not prices:
        raise NotOffered(
            f"No {'SpotPrice' if use_spot else 'Price'} found for instance type {instance_type[:80]!r}"
        )
    return min(prices)


def _named(cloud: CloudOffers, instance_type: str) -> Sequence[Offer]:
    offers = cloud.by_instance_type.get(instance_type)
    if not offers:
        raise NotOffered(f"No instance type {instance_type[:80]} found in {display_name(cloud.cloud)}")
    return offers


def _size(cloud: CloudOffers, instance_type: str) -> tuple[float, float]:
    sizes = {(offer.offering.vcpus, offer.offering.memory_gib) for offer in _named(cloud, instance_type)}
    if len(sizes) > 1:
        raise NotOffered(f"{instance_type[:80]} has {len(sizes)} different sizes in the catalog")
    return sizes.pop()


def _with_accelerator(cloud: CloudOffers, name: str) -> Iterable[Offer]:
    """Offers whose accelerator's whole name the expression matches, case ignored, cheapest first within a name."""
    if _PLAIN_NAME.fullmatch(name):
        return cloud.by_accelerator.get(name.lower(), ())
    pattern = _pattern(name, ignore_case=True)
    return [o for key, offers in cloud.by_accelerator.items() if pattern.fullmatch(key) for o in offers]


def _similar(cloud: CloudOffers, name: str, count: float, region: str | None, zone: str | None) -> list[str]:
    """`NAME:COUNT` of what contains the name and has at least as many, cheapest first."""
    pattern = _pattern(name, ignore_case=True)
    named: Mapping[str, Sequence[Offer]] = cloud.by_accelerator
    candidates = (
        o
        for key, offers in named.items()
        if pattern.search(key)
        for o in offers
        if (o.offering.accelerator_count or 0) >= count
    )
    there = sorted(_at_site(cloud, candidates, region, zone), key=lambda offer: offer.offering.price_usd_per_hour)
    shown = (f"{o.offering.accelerator_name}:{_count_text(o.offering.accelerator_count or 0)}" for o in there)
    return list(dict.fromkeys(shown))


def _at_site(cloud: CloudOffers, offers: Iterable[Offer], region: str | None, zone: str | None) -> Iterator[Offer]:
    _check_zone(cloud, zone)
    return (offer for offer in offers if _is_at(offer, region, zone))


def _is_at(offer: Offer, region: str | None, zone: str | None, *, same_case_zone: bool = False) -> bool:
    if region is None and zone is None:
        return True
    places = offer.regions.items() if region is None else _places(offer, region)
    if zone is None:
        return any(True for _ in places)
    if same_case_zone:
        return any(zone in zones for _, zones in places)
    return any(zone.lower() == name.lower() for _, zones in places for name in zones)


def _places(offer: Offer, region: str) -> list[tuple[str, tuple[str, ...]]]:
    name = offer.region_named(region)
    return [] if name is None else [(name, offer.regions[name])]


def _fitting(offers: Iterable[Offer], cpus: str | None, memory: str | None) -> Iterator[Offer]:
    """The offers with these vCPUs (`4`, `4+`) and this memory in GiB (`16`, `16+`, `4x` the vCPUs)."""
    fits = size_test(cpus, memory)
    return (offer for offer in offers if fits(offer.offering.vcpus, offer.offering.memory_gib))


def _by_price(offers: list[Offer], use_spot: bool, max_hourly_cost: float | None) -> list[Offer]:
    """Cheapest first; those without a price of the kind asked for at the end, unless there is a limit.

    Empty when none has such a price.
    """
    priced = [(_price(offer.offering, use_spot), offer) for offer in offers]
    if all(price is None for price, _ in priced):
        return []
    if max_hourly_cost is not None:
        priced = [(price, offer) for price, offer in priced if price is not None and price <= max_hourly_cost]
    priced.sort(key=lambda entry: math.inf if entry[0] is None else entry[0])
    return [offer for _, offer in priced]


def _price(facts: Offering, use_spot: bool) -> float | None:
    price = facts.spot_price_usd_per_hour if use_spot else facts.price_usd_per_hour
    return None if price is None else float(price)


def _pattern(text: str, *, ignore_case: bool) -> re.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE if ignore_case else 0)
    except (re.error, TypeError, OverflowError, RecursionError) as exc:
        raise NotOffered(f"{text!r:.80} is no regular expression ({exc})") from exc


def _whole(count: float) -> int | float:
    return int(count) if count.is_integer() else count


def _count_text(count: float) -> str:
    return str(int(count)) if count.is_integer() else f"{count:.2f}"
