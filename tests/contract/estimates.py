"""Whether estimates are what SkyPilot's `list_accelerators` lists: every accelerator, count, cloud and region."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gpu_catalog import estimate_cost
from tests.contract.questions import Question, question

# Fields of SkyPilot's InstanceTypeInfo, as `answer.py` gives them.
_COUNT, _PRICE, _SPOT, _REGION = 3, 7, 8, 9


def listing(cloud: str) -> Question:
    """What to ask SkyPilot about one cloud."""
    return question("list_accelerators", all_regions=True, clouds=cloud)


def differences(listed: Mapping[str, Mapping[str, Sequence[Sequence[Any]]]], catalogs: Path) -> Iterator[str]:
    """What our estimates over a folder say otherwise than SkyPilot's lists, by cloud and accelerator."""
    for name in sorted({name for by_name in listed.values() for name in by_name}):
        lines = {cloud: by_name.get(name, ()) for cloud, by_name in listed.items()}
        for count in sorted({line[_COUNT] for each in lines.values() for line in each}):
            for use_spot in (False, True):
                price = _SPOT if use_spot else _PRICE
                theirs: dict[str, dict[str, float]] = defaultdict(dict)
                for cloud, each in lines.items():
                    for line in each:
                        if line[_COUNT] == count and line[price] is not None:
                            known = theirs[cloud].get(line[_REGION], math.inf)
                            theirs[cloud][line[_REGION]] = min(known, line[price])
                yield from _differences(name, count, theirs, catalogs, use_spot=use_spot)


def _differences(
    name: str, count: float, theirs: Mapping[str, Mapping[str, float]], catalogs: Path, *, use_spot: bool
) -> Iterator[str]:
    asked = {name: count}
    answer = estimate_cost(asked, use_spot=use_spot, catalog_dir=catalogs)
    ours = {offer.cloud: offer.price for offer in answer.offers}
    least = {cloud: min(by_region.values()) for cloud, by_region in theirs.items()}
    if not _same(ours, least):
        yield f"{name}:{count} spot={use_spot}: ours {ours}, theirs {least}"
    for cloud, by_region in theirs.items():
        for region, price in by_region.items():
            there = estimate_cost(asked, cloud=cloud, region=region, use_spot=use_spot, catalog_dir=catalogs)
            if not _same({region: there.price_per_node or math.nan}, {region: price}):
                yield f"{name}:{count} {cloud} {region} spot={use_spot}: {there.price_per_node}, theirs {price}"


def _same(ours: Mapping[str, float], theirs: Mapping[str, float]) -> bool:
    return ours.keys() == theirs.keys() and all(math.isclose(ours[key], theirs[key], rel_tol=1e-9) for key in ours)
