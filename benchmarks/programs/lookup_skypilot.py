"""`lookup_skypilot.py WARM CLOUD...`: by SkyPilot's functions, over `~/.sky/catalogs`.

Its cheapest way: the instance types of each cloud, cheapest first, then the price of the first. What
`sky gpus list` uses, `list_accelerators`, takes ten times as long.
"""

from __future__ import annotations

import sys

from sky import catalog

from benchmarks.programs.asking import Answer, report

warm, *clouds = sys.argv[1:]


def ask(gpu: str, count: int) -> Answer:
    """The cheapest of the clouds' cheapest."""
    best: Answer = None
    for cloud in clouds:
        types, _ = catalog.get_instance_type_for_accelerator(gpu, count, clouds=cloud)
        if types:
            price = float(catalog.get_hourly_cost(types[0], use_spot=False, region=None, zone=None, clouds=cloud))
            best = (types[0], price) if best is None or price < best[1] else best
    return best


report(ask, int(warm))
