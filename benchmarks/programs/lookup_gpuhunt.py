"""`lookup_gpuhunt.py WARM PROVIDER...`: by gpuhunt's offline catalog, loaded from GPUHUNT_CATALOG_URL."""

from __future__ import annotations

import sys

from gpuhunt import Catalog

from benchmarks.programs.asking import Answer, report

warm, *providers = sys.argv[1:]
catalog = Catalog(auto_reload=False)
catalog.load()


def ask(gpu: str, count: int) -> Answer:
    """The cheapest item; the items of a provider are in no order."""
    found = catalog.query(provider=providers, gpu_name=gpu, min_gpu_count=count, max_gpu_count=count, spot=False)
    best = min(found, key=lambda item: item.price, default=None)
    return (best.instance_name, best.price) if best else None


report(ask, int(warm))
