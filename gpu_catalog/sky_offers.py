"""What SkyPilot's questions come down to, asked of the offers of one cloud: names, sites, sizes, prices.

Helpers of `gpu_catalog.sky`, which says what they are modelled on.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from gpu_catalog.cloud_names import display_name
from gpu_catalog.errors import NotOffered
from gpu_catalog.offering import Offering
from gpu_catalog.offers import Offer
from gpu_catalog.sizes import size_test
from gpu_catalog.snapshot import CloudOffers

SIMILAR_REGIONS = 5

_PLAIN_NAME = re.compile(r"[A-Za-z0-9-]+", re.ASCII)


def validated_site(cloud: CloudOffers, region: str | None, zone: str | None) -> tuple[str | None, str | None]:
    """(region, zone) in the catalog's spelling; a zone alone gives its region too.

    Raises:
        NotOffered: no such region or zone, or a zone on a cloud without them.
    """
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


def hourly_cost(
    cloud: CloudOffers, instance_type: str, use_spot: bool, region: str | None, zone: str | None
) -> float:
    """USD per hour: the lowest of all sites, or that of the region or zone asked for.

    Raises:
        NotOffered: not there, or no price of the kind asked for.
    """
    _check_zone(cloud, zone)
    offers = cloud.by_instance_type.get(instance_type, ())
    there = [offer for offer in offers if _is_at(offer, region, zone, same_case_zone=True)]
    if not there:
        where = f"zone {zone!r}" if zone else f"region {region!r}" if region else "all regions"
        raise NotOffered(f"Instance type {instance_type[:80]!r} not found in {where}")
    prices = [price for offer in there if (price := price_of(offer.offering, use_spot)) is not None]
    if not prices:
        raise NotOffered(
            f"No {'SpotPrice' if use_spot else 'Price'} found for instance type {instance_type[:80]!r}"
        )
    return min(prices)


def of_type(cloud: CloudOffers, instance_type: str) -> Sequence[Offer]:
    """The offers of an instance type.

    Raises:
        NotOffered: there is none of this name.
    """
    offers = cloud.by_instance_type.get(instance_type)
    if not offers:
        raise NotOffered(f"No instance type {instance_type[:80]} found in {display_name(cloud.cloud)}")
    return offers


def size_of(cloud: CloudOffers, instance_type: str) -> tuple[float, float]:
    """(vCPUs, memory in GiB) of an instance type.

    Raises:
        NotOffered: there is none of this name, or the catalog gives it several sizes.
    """
    sizes = {(offer.offering.vcpus, offer.offering.memory_gib) for offer in of_type(cloud, instance_type)}
    if len(sizes) > 1:
        raise NotOffered(f"{instance_type[:80]} has {len(sizes)} different sizes in the catalog")
    return sizes.pop()


def with_accelerator(cloud: CloudOffers, name: str) -> Iterable[Offer]:
    """Offers whose accelerator's whole name the expression matches, case ignored, cheapest first within a name."""
    if _PLAIN_NAME.fullmatch(name):
        return cloud.by_accelerator.get(name.lower(), ())
    pattern = pattern_of(name, ignore_case=True)
    return [o for key, offers in cloud.by_accelerator.items() if pattern.fullmatch(key) for o in offers]


def similar(cloud: CloudOffers, name: str, count: float, region: str | None, zone: str | None) -> list[str]:
    """`NAME:COUNT` of what contains the name and has at least as many, cheapest first."""
    pattern = pattern_of(name, ignore_case=True)
    named: Mapping[str, Sequence[Offer]] = cloud.by_accelerator
    candidates = (
        o
        for key, offers in named.items()
        if pattern.search(key)
        for o in offers
        if (o.offering.accelerator_count or 0) >= count
    )
    there = sorted(at_site(cloud, candidates, region, zone), key=lambda offer: offer.offering.price_usd_per_hour)
    shown = (f"{o.offering.accelerator_name}:{_count_text(o.offering.accelerator_count or 0)}" for o in there)
    return list(dict.fromkeys(shown))


def at_site(cloud: CloudOffers, offers: Iterable[Offer], region: str | None, zone: str | None) -> Iterator[Offer]:
    """The offers of a region or zone; case is ignored.

    Raises:
        NotOffered: a zone on a cloud without them.
    """
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


def fitting(offers: Iterable[Offer], cpus: str | None, memory: str | None) -> Iterator[Offer]:
    """The offers with these vCPUs (`4`, `4+`) and this memory in GiB (`16`, `16+`, `4x` the vCPUs)."""
    fits = size_test(cpus, memory)
    return (offer for offer in offers if fits(offer.offering.vcpus, offer.offering.memory_gib))


def by_price(offers: list[Offer], use_spot: bool, max_hourly_cost: float | None) -> list[Offer]:
    """Cheapest first; those without a price of the kind asked for at the end, unless there is a limit.

    Empty when none has such a price.
    """
    priced = [(price_of(offer.offering, use_spot), offer) for offer in offers]
    if all(price is None for price, _ in priced):
        return []
    if max_hourly_cost is not None:
        priced = [(price, offer) for price, offer in priced if price is not None and price <= max_hourly_cost]
    priced.sort(key=lambda entry: math.inf if entry[0] is None else entry[0])
    return [offer for _, offer in priced]


def price_of(facts: Offering, use_spot: bool) -> float | None:
    """USD per hour of the kind asked for; None when unknown."""
    price = facts.spot_price_usd_per_hour if use_spot else facts.price_usd_per_hour
    return None if price is None else float(price)


def pattern_of(text: str, *, ignore_case: bool) -> re.Pattern[str]:
    """The regular expression.

    Raises:
        NotOffered: the text is none.
    """
    try:
        return re.compile(text, re.IGNORECASE if ignore_case else 0)
    except (re.error, TypeError, OverflowError, RecursionError) as exc:
        raise NotOffered(f"{text!r:.80} is no regular expression ({exc})") from exc


def _count_text(count: float) -> str:
    return str(int(count)) if count.is_integer() else f"{count:.2f}"
