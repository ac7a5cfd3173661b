"""Sizes as SkyPilot's users ask for them: vCPUs `4` or `4+`, memory in GiB `16`, `16+` or `4x` the vCPUs."""

from __future__ import annotations

import re
from collections.abc import Callable

from gpu_catalog.errors import NotOffered
from gpu_catalog.texts import shown

_SIZE = re.compile(r"(\d{1,30}(?:\.\d{1,30})?)([+x]?)", re.ASCII)


SizeTest = Callable[[float | None, float | None], bool]
"""Whether (vCPUs, memory in GiB) of an instance will do."""


def size_test(cpus: str | None, memory: str | None) -> SizeTest:
    """Whether (vCPUs, memory in GiB) of an instance are what was asked for; unknown sizes never are.

    Raises:
        NotOffered: cpus or memory is malformed.
    """
    wanted_cpus = None if cpus is None else _number(cpus, "cpus", "+")
    wanted_memory = None if memory is None else _number(memory, "memory", "+x")

    def fits(vcpus: float | None, memory_gib: float | None) -> bool:
        if cpus is not None and wanted_cpus is not None and not _enough(vcpus, wanted_cpus, cpus):
            return False
        if memory is None or wanted_memory is None:
            return True
        if memory.endswith("x"):
            return vcpus is not None and memory_gib is not None and memory_gib >= vcpus * wanted_memory
        return _enough(memory_gib, wanted_memory, memory)

    return fits


def _enough(there: float | None, wanted: float, text: str) -> bool:
    return there is not None and (there >= wanted if text.endswith("+") else there == wanted)


def _number(text: str, what: str, suffixes: str) -> float:
    found = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if found is None or (found[2] and found[2] not in suffixes):
        forms = " or ".join(f'"<number>{suffix}"' for suffix in suffixes)
        raise NotOffered(f"{what} is a number as text, or {forms}, not {shown(text)}")
    return float(found[1])
