"""Offers: what `offers.jsonl` holds, and what lookups work on.

A catalog of 12,000 rows says the same few hundred things over and over, once per site. An `Offer` says each of
them once and lists the sites, so that reading and searching touch hundreds of objects instead of thousands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gpu_catalog import json_values
from gpu_catalog.errors import BadCatalogFile
from gpu_catalog.numbers import parse_price, parse_quantity, parse_whole
from gpu_catalog.offering import Offering

MAX_LINE_CHARS = 1_000_000
MAX_LINES = 1_000_000
"""Of one file; the largest that is published has some hundred."""
LONGEST_NAME = 200
"""Characters of a cloud, instance type, region, zone or accelerator."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One instance type at one price, with all the sites where it is offered so."""

    offering: Offering
    """What all sites have in common; its region, zone and stock are those of the first site."""

    regions: Mapping[str, tuple[str, ...]]
    """Zones by region, in the order of the catalog; no zones on a cloud without them."""

    stock: Mapping[str, bool]
    """Whether it could be had when the API answered, by zone (region without zones); unknown ones are missing."""

    def region_named(self, region: str) -> str | None:
        """The catalog's spelling of a region, case ignored; None when the offer is not there."""
        if region in self.regions:
            return region
        wanted = region.lower()
        return next((name for name in self.regions if name.lower() == wanted), None)

    def offerings(self) -> Iterator[Offering]:
        """One Offering per site, in the order of the catalog."""
        for region, zones in self.regions.items():
            for zone in zones or (None,):
                yield self.at(region, zone)

    def at(self, region: str, zone: str | None = None) -> Offering:
        """The Offering of one of its sites."""
        if (region, zone) == (self.offering.region, self.offering.zone):
            return self.offering
        return replace(self.offering, region=region, zone=zone, in_stock=self.stock.get(zone or region))


def grouped(offerings: Iterable[Offering]) -> list[Offer]:
    """The same offerings as offers, in the order of their first sites; what `vms.csv` becomes for lookups."""
    sites: dict[Offering, list[Offering]] = {}
    for offering in offerings:
        sites.setdefault(replace(offering, region="", zone=None, in_stock=None), []).append(offering)
    return [_offer(group) for group in sites.values()]


def _offer(group: list[Offering]) -> Offer:
    regions: dict[str, tuple[str, ...]] = {}
    for offering in group:
        zones = () if offering.zone is None else (offering.zone,)
        regions[offering.region] = regions.get(offering.region, ()) + zones
    stock = {o.zone or o.region: o.in_stock for o in group if o.in_stock is not None}
    return Offer(group[0], regions, stock)


def parse_offers(text: str, where: str = "offers.jsonl") -> list[Offer]:
    """Read the text of an `offers.jsonl`, one Offer per line; `where` names it in messages.

    Unknown keys are passed over, so that a later version may add some.

    Raises:
        BadCatalogFile: a line that is not of the documented form, or cut off; the message names the line.
    """
    if text and not text.endswith("\n"):
        raise BadCatalogFile(f"{where}: the last line has no end; the file was cut off")
    offers = []
    if text.count("\n") > MAX_LINES:
        raise BadCatalogFile(f"{where}: more than {MAX_LINES} lines")
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        try:
            if len(line) > MAX_LINE_CHARS:
                raise BadCatalogFile(f"longer than {MAX_LINE_CHARS} characters")
            offers.append(_parsed(json_values.loads(line)))
        except (ValueError, ArithmeticError, KeyError, TypeError, AttributeError, RecursionError) as exc:
            reason = f"{exc} is missing" if isinstance(exc, KeyError) else str(exc)
            raise BadCatalogFile(f"{where}, line {number}: {reason}") from exc
    return offers


def _parsed(line: dict[str, Any]) -> Offer:
    name, count = json_values.text_or_none(line, "accelerator_name"), line["accelerator_count"]
    if (name is None) != (count is None):
        raise BadCatalogFile("accelerator_name and accelerator_count are not null together")
    regions = _regions(line)
    in_stock, out_of_stock = json_values.texts(line, "in_stock"), json_values.texts(line, "out_of_stock")
    stock = dict.fromkeys(out_of_stock, False) | dict.fromkeys(in_stock, True)
    region, zones = next(iter(regions.items()))
    zone = zones[0] if zones else None
    spot_price, gpu_memory_mib = line["spot_price_usd_per_hour"], line["gpu_memory_mib"]
    first = Offering(
        cloud=named(json_values.text(line, "cloud"), "cloud"),
        instance_type=named(json_values.text(line, "instance_type"), "instance_type"),
        region=region,
        zone=zone,
        in_stock=stock.get(zone or region),
        vcpus=parse_quantity(line["vcpus"], "vcpus"),
        memory_gib=parse_quantity(line["memory_gib"], "memory_gib"),
        price_usd_per_hour=parse_price(line["price_usd_per_hour"]),
        spot_price_usd_per_hour=None if spot_price is None else parse_price(spot_price),
        accelerator_name=None if name is None else named(name, "accelerator_name"),
        accelerator_count=None if count is None else parse_quantity(count, "accelerator_count"),
        accelerator_vendor=json_values.text_or_none(line, "accelerator_vendor"),
        gpu_memory_mib=None if gpu_memory_mib is None else parse_whole(gpu_memory_mib, "gpu_memory_mib"),
        arch=json_values.text_or_none(line, "arch"),
        instance_type_v7=json_values.text_or_none(line, "instance_type_v7"),
        launchable=json_values.flag(line, "launchable"),
        listing=json_values.text_or_none(line, "listing"),
        source=json_values.text_or_none(line, "source"),
        observed_at=json_values.text_or_none(line, "observed_at"),
        marks=json_values.texts(line, "marks"),
    )
    return Offer(first, regions, stock)


def _regions(line: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    entries = json_values.members(line, "regions")
    if not entries:
        raise BadCatalogFile("regions is empty")
    regions = {named(region, "region"): json_values.texts(entries, region) for region in entries}
    zones = {zone for zones in regions.values() for zone in zones}
    for zone in zones:  # Each once: asking at every region would be most of the time that a line takes.
        named(zone, "zone")
    return regions


def named(text: str, what: str) -> str:
    """The text, which names something and so is not blank, nor a page long.

    Raises:
        BadCatalogFile: it is blank, or too long.
    """
    if not text:
        raise BadCatalogFile(f"{what} is blank")
    if len(text) > LONGEST_NAME:
        raise BadCatalogFile(f"{what} {text[:40]!r}... is longer than {LONGEST_NAME} characters")
    return text
