"""vCPUs and memory of a RunPod GPU pod: which of four sources says it, and how sure that is.

REST v2 does not say it. In this order, figure by figure: RunPod's own pages (bundled, dated); the API's minimum
for that count; the API's minimum for another count, scaled (linear wherever it was observed: INFERRED); the
figure in SkyPilot's fetcher, marked as derived. Else there is no row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fetchers.base import Unusable
from fetchers.runpod_graphql import GpuDetails
from fetchers.tables import data_rows
from gpu_catalog.errors import BadQuantity
from gpu_catalog.numbers import parse_quantity


@dataclass(frozen=True, slots=True)
class PodSize:
    """Size of a whole pod."""

    vcpus: float
    memory_gb: float
    marks: frozenset[str]
    """How the figures were come by, as in `gpu_catalog.MARKS`."""


def pod_size(gpu_id: str, count: int, details: GpuDetails) -> PodSize:
    """The size of a pod with `count` GPUs.

    Raises:
        Unusable: no source knows its vCPUs or its memory.
    """
    vcpus, vcpu_marks = _figure(gpu_id, "vcpus", count, details)
    memory_gb, memory_marks = _figure(gpu_id, "memory_gb", count, details)
    return PodSize(vcpus, memory_gb, vcpu_marks | memory_marks)


def _figure(gpu_id: str, figure: str, count: int, details: GpuDetails) -> tuple[float, frozenset[str]]:
    """One figure of the whole pod, with its marks."""
    vendor = _table().get((gpu_id, figure, "vendor"))
    if vendor is not None:
        return vendor * count, frozenset()
    minimums = _minimums(figure, details)
    if count in minimums:
        return minimums[count], frozenset({"minimum"})
    if minimums:
        nearest = min(minimums, key=lambda known: (abs(known - count), known))
        scaled = math.floor(minimums[nearest] * count / nearest)  # Rounded down: never more than there is.
        if scaled > 0:
            return float(scaled), frozenset({"inferred", "minimum"})
    derived = _table().get((gpu_id, figure, "derived"))
    if derived is not None:
        return derived * count, frozenset({"derived"})
    what = "vCPUs" if figure == "vcpus" else "memory"
    raise Unusable("no-size-known", f"no source knows the {what} of a pod with it")


def _minimums(figure: str, details: GpuDetails) -> dict[int, float]:
    """The API's usable figures by count; null means out of stock, not 0."""
    found = {}
    for count, minimum in details.minimums.items():
        value: Any = getattr(minimum, figure)
        try:
            found[count] = parse_quantity(value, figure)
        except BadQuantity:
            continue
    return found


@lru_cache(maxsize=1)
def _table() -> dict[tuple[str, str, str], float]:
    """Value per GPU by (GPU id, figure, kind)."""
    rows = data_rows("runpod_pod_sizes")
    return {(row["gpu_id"], row["figure"], row["kind"]): float(row["value_per_gpu"]) for row in rows}
