"""The GpuInfo cell: a Python literal that SkyPilot reads with `ast.literal_eval`.

SkyPilot takes `['Gpus'][0]['MemoryInfo']['SizeInMiB']`, the memory of one device, and nothing else
(`sky/catalog/common.py`, 0.14.1). One cell that is no literal costs the memory of a whole cloud there, one of
the wrong shape ends `sky gpus list`; so both are refused here.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gpu_catalog.errors import BadGpuInfo

MAX_CELL_CHARS = 2_000
MAX_DEPTH = 6

_TEXT = re.compile(r"'[^'\\\n]*'|\"[^\"\\\n]*\"")
_LEAST_FIGURE = 0.0001  # Python writes what is less with an exponent, which is no plain number.
_OUTSIDE_TEXT = re.compile(r"[\s{}\[\]:,.0-9]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class GpuInfo:
    """What a GpuInfo cell says."""

    name: str
    """Accelerator name."""

    vendor: str | None
    """`Manufacturer`; None when the cell does not say."""

    count: float
    """Accelerators in the instance."""

    memory_mib: int
    """Memory of one accelerator in MiB."""

    total_memory_mib: int
    """Memory of all accelerators together in MiB."""


def format_gpu_info(name: str, vendor: str | None, count: float, memory_mib: int) -> str:
    """Return the cell for `count` accelerators of `memory_mib` MiB each; the total is worked out here."""
    gpu: dict[str, object] = {"Name": name}
    if vendor is not None:
        gpu["Manufacturer"] = vendor
    gpu["Count"] = int(count) if float(count).is_integer() else count
    gpu["MemoryInfo"] = {"SizeInMiB": memory_mib}
    total_mib = max(1, round(memory_mib * count))  # Of a small share of little it would be 0, which is no memory.
    return repr({"Gpus": [gpu], "TotalGpuMemoryInMiB": total_mib})


@lru_cache(maxsize=4096)
def parse_gpu_info(cell: str) -> GpuInfo:
    """Read a cell, with limits on size and depth; nothing is ever evaluated.

    Raises:
        BadGpuInfo: no literal, too long, too deep, more than dicts, lists, plain text and decimal numbers, or
            not of the shape that SkyPilot reads.
    """
    literal = _literal(cell)
    try:
        (gpu,) = literal["Gpus"]  # SkyPilot looks at the first one only: a second one would not be counted.
        info = GpuInfo(
            name=gpu["Name"],
            vendor=gpu.get("Manufacturer"),
            count=gpu["Count"],
            memory_mib=gpu["MemoryInfo"]["SizeInMiB"],
            total_memory_mib=literal["TotalGpuMemoryInMiB"],
        )
    except (KeyError, ValueError, TypeError, AttributeError) as exc:
        raise BadGpuInfo(
            "GpuInfo is not {'Gpus': [{'Name', 'Count', 'MemoryInfo': {'SizeInMiB'}}], 'TotalGpuMemoryInMiB'}"
        ) from exc
    if not isinstance(info.name, str) or not isinstance(info.vendor, (str, type(None))):
        raise BadGpuInfo("GpuInfo has a Name or Manufacturer that is not text")
    kinds = ((info.count, (int, float)), (info.memory_mib, int), (info.total_memory_mib, int))
    for figure, kind in kinds:
        if not isinstance(figure, kind) or not _LEAST_FIGURE <= figure < 1e12:
            raise BadGpuInfo(f"GpuInfo has {figure!r:.40} where a positive number belongs")
    return info


def _literal(cell: str) -> dict[str, Any]:
    """Parse the text as a Python literal, or raise BadGpuInfo. The shape is the caller's to check."""
    if len(cell) > MAX_CELL_CHARS:
        raise BadGpuInfo(f"GpuInfo is longer than {MAX_CELL_CHARS} characters")
    # What cannot be seen makes a name look like another, and would be an escape, which is refused, once written.
    if not cell.isprintable():
        raise BadGpuInfo(f"GpuInfo has characters that cannot be seen: {cell[:40]!r}")
    outside_text = _TEXT.sub("", cell)
    if not _OUTSIDE_TEXT.fullmatch(outside_text):
        raise BadGpuInfo(f"GpuInfo is more than dicts, lists, plain text and numbers: {cell[:40]!r}")
    depth = 0
    for character in outside_text:
        depth += (character in "[{") - (character in "]}")
        if depth > MAX_DEPTH:
            raise BadGpuInfo(f"GpuInfo is nested deeper than {MAX_DEPTH}")
    try:
        value = ast.literal_eval(cell)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as exc:
        raise BadGpuInfo(f"GpuInfo is no Python literal: {cell[:40]!r}") from exc
    if not isinstance(value, dict):
        raise BadGpuInfo("GpuInfo is no dict")
    return value
