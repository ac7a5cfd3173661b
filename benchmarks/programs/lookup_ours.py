"""`lookup_ours.py HOW WARM`: HOW is `estimate`, of all clouds here, or `catalog`, of the published ones."""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks.programs.asking import Answer, report


def estimate() -> Callable[[str, int], Answer]:
    """The function that answers."""
    from gpu_catalog import estimate_cost

    def ask(gpu: str, count: int) -> Answer:
        found = estimate_cost(f"{gpu}:{count}")
        cost = found.hourly_cost
        return None if cost is None else (str(found.instance_type), cost)

    return ask


def catalog() -> Callable[[str, int], Answer]:
    """The function that answers."""
    from gpu_catalog import Catalog

    loaded = Catalog.load()

    def ask(gpu: str, count: int) -> Answer:
        found = loaded.cheapest(gpu, count)
        return (found.instance_type, float(found.price_usd_per_hour)) if found else None

    return ask


report({"estimate": estimate, "catalog": catalog}[sys.argv[1]](), int(sys.argv[2]))
