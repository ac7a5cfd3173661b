"""Whether `gpu_catalog.sky` and SkyPilot said the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gpu_catalog import Catalog, GpuCatalogError, sky
from tests.contract.questions import Question

ALIKE = {"ValueError"}
"""What SkyPilot raises where we raise NotOffered, which is a ValueError too."""

EXPLAINED = {"AssertionError", "KeyError"}
"""What SkyPilot dies of on a question that we answer with a ValueError: listed in docs/skypilot.md."""


def ours(catalog: Catalog, question: Question) -> Mapping[str, Any]:
    """Our answer in the form of `answer.py`."""
    try:
        if question["function"] == "resources_cost":
            asked = question["arguments"]
            value: object = sky.get_hourly_cost(
                asked["instance_type"], False, None, None, clouds=asked["cloud"], catalog=catalog
            )
        else:
            value = getattr(sky, question["function"])(**question["arguments"], catalog=catalog)
    except GpuCatalogError as exc:
        return {"error": "ValueError", "message": str(exc)}
    return {"value": _plain(value)}


def _plain(value: object) -> object:
    if isinstance(value, sky.Region):
        return [value.name, None if value.zones is None else [zone.name for zone in value.zones]]
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(member) for member in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def verdict(catalog: Catalog, question: Question, theirs: Mapping[str, Any]) -> str:
    """`same`, `tie` (another order of equal prices), `explained: <error>`, or `different: ...`."""
    mine = ours(catalog, question)
    difference = f"different: ours {mine!r:.300}, theirs {theirs!r:.300}"
    if "error" in mine:
        known = theirs.get("error")
        return "same" if known in ALIKE else f"explained: {known}" if known in EXPLAINED else difference
    if "error" in theirs:
        return difference
    here, there = mine["value"], theirs["value"]
    if here == there:
        return "same"
    if question["function"] == "list_accelerators":
        lost = all(line[5] is None for lines in there.values() for line in lines)
        return "explained: device memory" if lost and _same_but_memory(here, there) else difference
    return "tie" if _equal_but_for_order(catalog, question, here, there) else difference


def _same_but_memory(*answers: Mapping[str, list[list[object]]]) -> bool:
    here, there = ({k: [line[:5] + line[6:] for line in lines] for k, lines in a.items()} for a in answers)
    return here == there


def _equal_but_for_order(catalog: Catalog, question: Question, here: Any, there: Any) -> bool:
    """SkyPilot sorts prices with an unstable sort: among equal prices its order depends on the machine."""
    asked = question["arguments"]
    offered = catalog.clouds[asked["clouds"]] if isinstance(asked.get("clouds"), str) else None
    if offered is None:
        return False
    if question["function"] == "get_default_instance_type" and here and there:
        return _price(catalog, question, here) == _price(catalog, question, there)
    if question["function"] == "get_instance_type_for_accelerator":
        types, similar = here
        their_types, their_similar = there
        if types is None or their_types is None:
            return types is their_types and sorted(similar) == sorted(their_similar)
        prices = [_price(catalog, question, name) for name in types]
        return sorted(types) == sorted(their_types) and prices == [
            _price(catalog, question, t) for t in their_types
        ]
    return False


def _price(catalog: Catalog, question: Question, instance_type: str) -> object:
    asked = question["arguments"]
    spot = bool(asked.get("use_spot")) and (
        question["function"] != "get_default_instance_type" or asked.get("max_hourly_cost") is not None
    )
    region = None if asked["clouds"] in sky.REGION_BLIND_DEFAULT else asked.get("region")
    return sky.get_hourly_cost(instance_type, spot, region, None, clouds=asked["clouds"], catalog=catalog)
