"""Reading catalogs: `vms.csv` (what SkyPilot reads) and `offers.jsonl` (the same offers, with all we know).

Both readers are strict: they read our own published files, and a file that does not parse to its end is
refused as a whole. They treat every byte as foreign: sizes are limited, nothing is evaluated.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from gpu_catalog import json_values
from gpu_catalog.errors import BadCatalogFile, GpuCatalogError
from gpu_catalog.gpu_info import GpuInfo, parse_gpu_info
from gpu_catalog.numbers import parse_price, parse_quantity, parse_whole
from gpu_catalog.offering import Offering

MAX_FILE_BYTES = 256 * 1024 * 1024
MAX_LINE_CHARS = 1_000_000

# A catalog of 100,000 rows has a few hundred different figures.
_price = lru_cache(maxsize=8192)(parse_price)
_quantity = lru_cache(maxsize=8192)(parse_quantity)


def read_vms_csv(path: Path, cloud: str) -> list[Offering]:
    """Read a published `vms.csv`; `cloud` is the folder it lies in.

    Returns one Offering per row, in file order. What a CSV cannot carry (stock, source, observed_at, marks,
    listing) is left at its default.

    Raises:
        BadCatalogFile: not UTF-8, cut off, a column missing or there twice, a row of the wrong length, or a cell
            that does not parse; the message names file and line.
    """
    return parse_vms_csv(_text(path), cloud, str(path))


def parse_vms_csv(text: str, cloud: str, where: str = "vms.csv") -> list[Offering]:
    """As `read_vms_csv`, from text; `where` names it in messages."""
    if not text.endswith("\n"):
        raise BadCatalogFile(f"{where}: the last line has no end; the file was cut off")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    offerings = []
    try:
        header = _checked_header(next(reader))
        for cells in reader:
            if len(cells) != len(header):
                raise BadCatalogFile(f"{len(cells)} cells under {len(header)} columns")
            offerings.append(offering_of_row(dict(zip(header, cells, strict=True)), cloud))
    except (csv.Error, GpuCatalogError) as exc:
        raise BadCatalogFile(f"{where}, line {reader.line_num}: {exc}") from exc
    return offerings


def read_offers(path: Path) -> list[Offering]:
    """Read a published `offers.jsonl`: every field of every Offering, one line per group of sites.

    Returns the Offerings in file order, regions and zones in the order of each line.

    Raises:
        BadCatalogFile: not UTF-8, or a line that is not of the documented form; the message names the line.
    """
    return parse_offers(_text(path), str(path))


def parse_offers(text: str, where: str = "offers.jsonl") -> list[Offering]:
    """As `read_offers`, from text; `where` names it in messages."""
    offerings: list[Offering] = []
    if text and not text.endswith("\n"):
        raise BadCatalogFile(f"{where}: the last line has no end; the file was cut off")
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        try:
            if len(line) > MAX_LINE_CHARS:
                raise BadCatalogFile(f"longer than {MAX_LINE_CHARS} characters")
            offerings.extend(_expanded(json.loads(line, parse_float=Decimal)))
        except (ValueError, ArithmeticError, KeyError, TypeError, AttributeError, RecursionError) as exc:
            reason = f"{exc} is missing" if isinstance(exc, KeyError) else str(exc)
            raise BadCatalogFile(f"{where}, line {number}: {reason}") from exc
    return offerings


def _text(path: Path) -> str:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise BadCatalogFile(f"{path}: larger than {MAX_FILE_BYTES} bytes")
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as exc:
        raise BadCatalogFile(f"{path}: not UTF-8 ({exc})") from exc


_COLUMNS = (
    "InstanceType", "AcceleratorName", "AcceleratorCount", "vCPUs", "MemoryGiB", "GpuInfo", "Region", "SpotPrice",
    "Price",
)  # fmt: skip


def _checked_header(header: list[str]) -> list[str]:
    """The header, if every column that we need is there and none is there twice: pandas reads the first of two."""
    for column in _COLUMNS:
        if column not in header:
            raise BadCatalogFile(f"column {column!r} is missing")
    for column in header:
        if header.count(column) > 1:
            raise BadCatalogFile(f"column {column[:40]!r} is there twice")
    return header


def offering_of_row(row: Mapping[str, str], cloud: str) -> Offering:
    """The offering that a row of `vms.csv` (cells by column) says; blank cells are unknown, never zero.

    Raises:
        GpuCatalogError: a cell does not parse.
    """
    name, count = row["AcceleratorName"] or None, row["AcceleratorCount"]
    if (name is None) != (count == ""):
        raise BadCatalogFile("AcceleratorName and AcceleratorCount are not blank together")
    gpu: GpuInfo | None = parse_gpu_info(row["GpuInfo"]) if row["GpuInfo"] else None
    return Offering(
        cloud=cloud,
        instance_type=_named(row["InstanceType"], "InstanceType"),
        region=_named(row["Region"], "Region"),
        zone=_named(row["AvailabilityZone"], "AvailabilityZone") if "AvailabilityZone" in row else None,
        vcpus=_quantity(row["vCPUs"], "vCPUs"),
        memory_gib=_quantity(row["MemoryGiB"], "MemoryGiB"),
        price_usd_per_hour=_price(row["Price"]),
        spot_price_usd_per_hour=_price(row["SpotPrice"]) if row["SpotPrice"] else None,
        accelerator_name=name,
        accelerator_count=_quantity(count, "AcceleratorCount") if name else None,
        accelerator_vendor=gpu.vendor if gpu else None,
        gpu_memory_mib=gpu.memory_mib if gpu else None,
        arch=row.get("Arch") or None,
    )


def _named(text: str, column: str) -> str:
    if not text:
        raise BadCatalogFile(f"{column} is blank")
    return text


def _expanded(line: dict[str, Any]) -> Iterator[Offering]:
    """One line of `offers.jsonl` back into its Offerings, one per site.

    Unknown keys are passed over, so that a later version may add some.
    """
    name, count = json_values.text_or_none(line, "accelerator_name"), line["accelerator_count"]
    if (name is None) != (count is None):
        raise BadCatalogFile("accelerator_name and accelerator_count are not null together")
    spot_price, gpu_memory_mib = line["spot_price_usd_per_hour"], line["gpu_memory_mib"]
    first = Offering(
        cloud=_named(json_values.text(line, "cloud"), "cloud"),
        instance_type=_named(json_values.text(line, "instance_type"), "instance_type"),
        region="",
        vcpus=parse_quantity(line["vcpus"], "vcpus"),
        memory_gib=parse_quantity(line["memory_gib"], "memory_gib"),
        price_usd_per_hour=parse_price(line["price_usd_per_hour"]),
        spot_price_usd_per_hour=None if spot_price is None else parse_price(spot_price),
        accelerator_name=None if name is None else _named(name, "accelerator_name"),
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
    in_stock = set(json_values.texts(line, "in_stock"))
    out_of_stock = set(json_values.texts(line, "out_of_stock"))
    regions = json_values.members(line, "regions")
    if not regions:
        raise BadCatalogFile("regions is empty")
    for region in regions:
        for zone in json_values.texts(regions, region) or (None,):
            site = _named(region, "region") if zone is None else _named(zone, "zone")
            stock = True if site in in_stock else False if site in out_of_stock else None
            yield replace(first, region=_named(region, "region"), zone=zone, in_stock=stock)
