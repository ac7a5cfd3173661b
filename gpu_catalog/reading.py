"""Reading catalogs: `vms.csv` (what SkyPilot reads) and `offers.jsonl` (the same offers, with all we know).

Both readers are strict: they read our own published files, and a file that does not parse to its end is
refused as a whole. They treat every byte as foreign: sizes are limited, nothing is evaluated.
"""

from __future__ import annotations

import csv
import io
import os
import stat
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from gpu_catalog.errors import BadCatalogFile, GpuCatalogError
from gpu_catalog.gpu_info import GpuInfo, parse_gpu_info
from gpu_catalog.numbers import parse_price, parse_quantity
from gpu_catalog.offering import Offering
from gpu_catalog.offers import Offer, named, parse_offers

MAX_FILE_BYTES = 256 * 1024 * 1024
MAX_ROWS = 1_000_000
"""Of one file; the largest that is published has some ten thousand."""
MAX_COLUMNS = 100

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
    return parse_vms_csv(file_text(path), cloud, str(path))


def parse_vms_csv(text: str, cloud: str, where: str = "vms.csv") -> list[Offering]:
    """As `read_vms_csv`, from text; `where` names it in messages."""
    if not text.endswith("\n"):
        raise BadCatalogFile(f"{where}: the last line has no end; the file was cut off")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    offerings: list[Offering] = []
    try:
        header = checked_header(next(reader))
        for cells in reader:
            if len(cells) != len(header):
                raise BadCatalogFile(f"{len(cells)} cells under {len(header)} columns")
            if len(offerings) >= MAX_ROWS:
                raise BadCatalogFile(f"more than {MAX_ROWS} rows")
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
    return [offering for offer in read_offer_lines(path) for offering in offer.offerings()]


def read_offer_lines(path: Path) -> list[Offer]:
    """As `read_offers`, without spelling out every site: one Offer per line.

    Raises:
        BadCatalogFile: as `read_offers`.
    """
    return parse_offers(file_text(path), str(path))


def file_text(path: Path) -> str:
    """The whole text of a file.

    Raises:
        BadCatalogFile: not a regular file, too large, or not UTF-8.
        OSError: it cannot be read.
    """
    return decoded(file_bytes(path), path)


def file_bytes(path: Path, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """All bytes of a file.

    Raises:
        BadCatalogFile: not a regular file, too large, or it grew while it was read.
        OSError: it cannot be read.
    """
    with open(path, "rb", opener=_without_waiting) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):  # A pipe or device could be read without end.
            raise BadCatalogFile(f"{path}: not a regular file")
        if found.st_size > max_bytes:
            raise BadCatalogFile(f"{path}: larger than {max_bytes} bytes")
        content = file.read(found.st_size + 1)
    if len(content) > found.st_size:
        raise BadCatalogFile(f"{path}: written while it was read; read it again")
    return content


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe too, to which nobody writes."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def decoded(content: bytes, where: object) -> str:
    """The text of a file; `where` names it in the message.

    Raises:
        BadCatalogFile: not UTF-8.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise BadCatalogFile(f"{where}: not UTF-8 ({exc})") from exc


_COLUMNS = (
    "InstanceType", "AcceleratorName", "AcceleratorCount", "vCPUs", "MemoryGiB", "GpuInfo", "Region", "SpotPrice",
    "Price",
)  # fmt: skip


def checked_header(header: list[str]) -> list[str]:
    """The header, if every column that we need is there and none is there twice: pandas reads the first of two.

    Raises:
        BadCatalogFile: otherwise.
    """
    if len(header) > MAX_COLUMNS:
        raise BadCatalogFile(f"more than {MAX_COLUMNS} columns")
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
    cell = {column: read(row[column]) for column, read in CELL_READERS.items() if column in row}
    if (cell["AcceleratorName"] is None) != (cell["AcceleratorCount"] is None):
        raise BadCatalogFile("AcceleratorName and AcceleratorCount are not blank together")
    gpu: GpuInfo | None = cell["GpuInfo"]
    return Offering(
        cloud=cloud,
        instance_type=cell["InstanceType"],
        region=cell["Region"],
        zone=cell.get("AvailabilityZone"),
        vcpus=cell["vCPUs"],
        memory_gib=cell["MemoryGiB"],
        price_usd_per_hour=cell["Price"],
        spot_price_usd_per_hour=cell["SpotPrice"],
        accelerator_name=cell["AcceleratorName"],
        accelerator_count=cell["AcceleratorCount"],
        accelerator_vendor=gpu.vendor if gpu else None,
        gpu_memory_mib=gpu.memory_mib if gpu else None,
        arch=cell.get("Arch"),
    )


def _name(column: str) -> Callable[[str], str]:
    return lambda cell: named(cell, column)


def _size(column: str) -> Callable[[str], float]:
    return lambda cell: _quantity(cell, column)


def _or_none(read: Callable[[str], object]) -> Callable[[str], object]:
    return lambda cell: read(cell) if cell else None


CELL_READERS: Mapping[str, Callable[[str], Any]] = {
    "InstanceType": _name("InstanceType"),
    "AcceleratorName": _or_none(_name("AcceleratorName")),
    "AcceleratorCount": _or_none(_size("AcceleratorCount")),
    "vCPUs": _size("vCPUs"),
    "MemoryGiB": _size("MemoryGiB"),
    "GpuInfo": _or_none(parse_gpu_info),
    "Region": _name("Region"),
    "SpotPrice": _or_none(_price),
    "Price": _price,
    "AvailabilityZone": _name("AvailabilityZone"),
    "Arch": _or_none(str),
}
"""By column, what makes the value of an Offering of a cell, or raises GpuCatalogError; None is unknown."""
