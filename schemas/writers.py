"""Writing what we publish as text: `vms.csv`, `offers.jsonl` and SkyPilot's two common files.

The same offerings give the same bytes, in whatever order they come: rows are sorted, columns fixed, lines end in
LF, text is UTF-8, and no clock is read.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import fields
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter

from gpu_catalog.gpu_info import format_gpu_info
from gpu_catalog.numbers import price_text
from gpu_catalog.offering import Offering
from schemas.columns import column_names
from schemas.conversion import convert

_DIGITS = re.compile(r"([0-9]{1,18})")


@lru_cache(maxsize=8192)
def natural_key(text: str) -> tuple[tuple[str | int, ...], str]:
    """Sort key under which numbers inside a name count as numbers: `2x_A100` before `10x_A100`."""
    parts = _DIGITS.split(text)
    return tuple(int(part) if place % 2 else part for place, part in enumerate(parts)), text


def row_order(offering: Offering) -> tuple[object, ...]:
    """Sort key of rows and lines: instance type, region, zone."""
    return natural_key(offering.instance_type), natural_key(offering.region), natural_key(offering.zone or "")


def vms_csv(offerings: Iterable[Offering], version: str) -> bytes:
    """Return the `vms.csv` of these offerings in a schema version; a blank cell is an unknown, never a zero.

    AvailabilityZone is there as soon as one offering has a zone; validation finds those that lack theirs.

    Raises:
        SchemaError: no such schema version.
    """
    return rows_csv(sorted(convert(offerings, version), key=row_order), version)


def rows_csv(rows: Collection[Offering], version: str) -> bytes:
    """As `vms_csv`, for rows that are converted and sorted already."""
    columns = column_names(version, has_zones=any(row.zone is not None for row in rows))
    return _csv(columns, zip(*(map(_CELLS[column], rows) for column in columns), strict=True))


def offers_jsonl(offerings: Iterable[Offering]) -> bytes:
    """Return the `offers.jsonl` of these offerings: lossless, the inverse of `gpu_catalog.offers.parse_offers`.

    One line per group of offerings that are equal in everything but region, zone and stock.
    """
    groups: dict[tuple[object, ...], list[Offering]] = {}
    for offering in sorted(offerings, key=row_order):
        groups.setdefault((_shared_of(offering), offering.zone is None), []).append(offering)
    lines = sorted(
        (natural_key(group[0].instance_type), _json_text(_offer_line(group))) for group in groups.values()
    )
    return _encoded("".join(line + "\n" for _, line in lines))


def common_accelerators_csv(names_by_cloud: Mapping[str, Iterable[str]]) -> bytes:
    """Return SkyPilot's `common/accelerators.csv`: which clouds have an accelerator.

    Args:
        names_by_cloud: accelerator names by the cloud's display name in SkyPilot, e.g. `{"Lambda": ["A100"]}`.
            SkyPilot looks for the display name inside the text of the cell.
    """
    clouds_by_name: dict[str, set[str]] = {}
    for cloud, names in names_by_cloud.items():
        for name in names:
            clouds_by_name.setdefault(name, set()).add(cloud)
    rows = ([name, repr(sorted(clouds_by_name[name]))] for name in sorted(clouds_by_name, key=natural_key))
    return _csv(("AcceleratorName", "Clouds"), rows)


def common_metadata_csv(offerings: Iterable[Offering]) -> bytes:
    """Return SkyPilot's `common/metadata.csv`, which it reads for requests by GPU memory (`80GB+`).

    MemoryGB is that of one device in whole GB, where clouds differ the least of them, so that who asks for memory
    gets it; accelerators of unknown memory are left out. Manufacturer is in lower case as in SkyPilot's file.
    """
    memory_gb: dict[str, int] = {}
    vendors: dict[str, str] = {}
    for offering in offerings:
        name = offering.accelerator_name
        if name is not None and offering.gpu_memory_mib is not None:
            size = round(offering.gpu_memory_mib / 1024)
            memory_gb[name] = min(memory_gb.get(name, size), size)
            vendors[name] = max(vendors.get(name, ""), (offering.accelerator_vendor or "").lower())
    rows = ([name, memory_gb[name], vendors[name]] for name in sorted(memory_gb, key=natural_key))
    return _csv(("GPU", "MemoryGB", "Manufacturer"), rows)


def _csv(columns: Collection[str], rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return _encoded(text.getvalue())


def _encoded(text: str) -> bytes:
    # JSON from an API can hold half a surrogate pair, which UTF-8 cannot: as `\\ud800` it is the same JSON text
    # again, and in a CSV a name that breaks a rule, instead of an exception.
    return text.encode(errors="backslashreplace")


def _size_text(size: float | None) -> str | None:
    return None if size is None else repr(float(size))


def _price_text(price: Decimal | None) -> str | None:
    return None if price is None else price_text(price)


_gpu_info_text = lru_cache(maxsize=8192, typed=True)(format_gpu_info)


def _gpu_info(row: Offering) -> str | None:
    if row.accelerator_name is None or row.accelerator_count is None or row.gpu_memory_mib is None:
        return None
    return _gpu_info_text(row.accelerator_name, row.accelerator_vendor, row.accelerator_count, row.gpu_memory_mib)


_CELLS: Mapping[str, Callable[[Offering], str | None]] = {
    "InstanceType": attrgetter("instance_type"),
    "AcceleratorName": attrgetter("accelerator_name"),
    "AcceleratorCount": lambda row: _size_text(row.accelerator_count),
    "vCPUs": lambda row: _size_text(row.vcpus),
    "MemoryGiB": lambda row: _size_text(row.memory_gib),
    "GpuInfo": _gpu_info,
    "Region": attrgetter("region"),
    "SpotPrice": lambda row: _price_text(row.spot_price_usd_per_hour),
    "Price": lambda row: _price_text(row.price_usd_per_hour),
    "AvailabilityZone": attrgetter("zone"),
    "Arch": attrgetter("arch"),
}
"""What makes the cell of a row of `vms.csv`, by column; None is a blank one."""


OFFER_KEYS = {
    "price_usd_per_gpu_hour": "On-demand price of one accelerator, USD per hour; null for a CPU instance.",
    "regions": "Where it is offered: zones by region, `[]` for a region without zones.",
    "in_stock": "Zones (regions where there are none) that could deliver when the API answered.",
    "out_of_stock": "Zones (or regions) that could not. Of those in neither list the cloud does not say.",
}
"""Keys of a line of `offers.jsonl` beside the fields of `Offering`."""

_SITE_FIELDS = ("region", "zone", "in_stock")
_SHARED_FIELDS = tuple(field.name for field in fields(Offering) if field.name not in _SITE_FIELDS)
_shared_of = attrgetter(*_SHARED_FIELDS)

# Prices through float and still exact: a float gives back any decimal of up to 15 significant digits, and ours have
# at most 13 (up to a million, six decimals). Read with `parse_float=Decimal` it is the same price again.
_json_text = json.JSONEncoder(ensure_ascii=False, default=float).encode


def _offer_line(group: list[Offering]) -> dict[str, object]:
    """One line of `offers.jsonl`: the shared fields in the order of `Offering`, then the sites."""
    line: dict[str, object] = dict(zip(_SHARED_FIELDS, _shared_of(group[0]), strict=True))
    line["price_usd_per_gpu_hour"] = group[0].price_usd_per_gpu_hour
    regions: dict[str, list[str]] = {}
    for offering in group:
        regions.setdefault(offering.region, []).extend([] if offering.zone is None else [offering.zone])
    line["regions"] = regions
    for key, stock in (("in_stock", True), ("out_of_stock", False)):
        line[key] = [offering.zone or offering.region for offering in group if offering.in_stock is stock]
    return line
