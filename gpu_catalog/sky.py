"""SkyPilot's catalog functions, answered from our catalogs: the names, arguments and results of `sky.catalog`.

Every function takes `clouds`: one name gives that cloud's answer, a sequence gives the list of their answers,
None those of all clouds in the catalog; `list_accelerators` merges them instead. Modelled on SkyPilot 0.14.1
(`sky/catalog/__init__.py`, `common.py`, `<cloud>_catalog.py`); where it dies with an AssertionError, a KeyError or
an error of pandas, these raise `NotOffered`, a ValueError that explains. `docs/skypilot.md` lists every difference.

The type of an answer depends on `clouds`, so it is declared as Any. `catalog` is what to ask; without it the
default catalog (`Catalog.load()`) is read once per process.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from gpu_catalog import sky_offers
from gpu_catalog.catalog import Catalog
from gpu_catalog.errors import NotOffered
from gpu_catalog.numbers import COUNT_TOLERANCE
from gpu_catalog.offering import Offering
from gpu_catalog.prices import US_FIRST
from gpu_catalog.sky_lines import InstanceTypeInfo, cheapest_lines, line_of
from gpu_catalog.snapshot import CloudOffers

__all__ = [
    "InstanceTypeInfo", "Region", "Zone", "default_catalog", "get_accelerators_from_instance_type",
    "get_default_instance_type", "get_hourly_cost", "get_instance_type_for_accelerator",
    "get_region_zones_for_instance_type", "get_vcpus_mem_from_instance_type", "instance_type_exists",
    "list_accelerators", "validate_region_zone",
]  # fmt: skip

Answer = TypeVar("Answer")
Clouds = str | Sequence[str] | None

REGION_BLIND_DEFAULT = frozenset({"yotta"})
"""Clouds whose default instance type SkyPilot looks for without regard to the region (`yotta_catalog.py`)."""

DEFAULT_SIZE = {"lambda": ("30+", "4x")}
"""vCPUs asked for when nothing is, and memory asked for when none is, in `get_default_instance_type`."""


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
    return _ask(clouds, catalog, lambda cloud: sky_offers.validated_site(cloud, region_name, zone_name))


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
    return _ask(clouds, catalog, lambda cloud: sky_offers.hourly_cost(cloud, instance_type, use_spot, region, zone))


def get_vcpus_mem_from_instance_type(
    instance_type: str, clouds: Clouds = None, catalog: Catalog | None = None
) -> Any:
    """(vCPUs, memory in GiB) of an instance type.

    Raises:
        NotOffered: there is none of this name, or the catalog gives it several sizes.
    """
    return _ask(clouds, catalog, lambda cloud: sky_offers.size_of(cloud, instance_type))


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
        sites = cloud.offers if blind else sky_offers.at_site(cloud, cloud.offers, region, zone)
        fitting = list(sky_offers.fitting(sites, wanted_cpus, wanted_memory))
        by_spot = use_spot and max_hourly_cost is not None
        priced = sky_offers.by_price(fitting, by_spot, max_hourly_cost)
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
        facts = sky_offers.of_type(cloud, instance_type)[0].offering
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
        named = sky_offers.with_accelerator(cloud, acc_name)
        counted = (o for o in named if abs((o.offering.accelerator_count or 0) - acc_count) <= COUNT_TOLERANCE)
        there = list(sky_offers.at_site(cloud, counted, region, zone))
        if not there:
            return None, sky_offers.similar(cloud, acc_name, acc_count, region, zone)
        priced = sky_offers.by_price(list(sky_offers.fitting(there, cpus, memory)), use_spot, max_hourly_cost)
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
            if (price := sky_offers.price_of(offer.offering, use_spot)) is not None
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
    name_pattern = sky_offers.pattern_of(name_filter or "", ignore_case=not case_sensitive)
    region_pattern = sky_offers.pattern_of(region_filter or "", ignore_case=not case_sensitive)

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
            line_of(cloud.cloud, offer.offering, region)
            for offer in cloud.offers
            if wanted(offer.offering)
            for region in offer.regions
            if region_pattern.search(region)
        ]
        for line in cheapest_lines(lines, all_regions=all_regions):
            listed[line.accelerator_name].append(line)
    return dict(listed)


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


def _whole(count: float) -> int | float:
    return int(count) if count.is_integer() else count
