"""The contract check can fail: an answer of SkyPilot with one thing altered is found to differ."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gpu_catalog import Catalog
from tests.contract.clients import CLIENTS
from tests.contract.compare import ours, verdict
from tests.contract.estimates import differences
from tests.contract.questions import question, random_questions, walk
from tests.samples import CATALOGS

CATALOG = Catalog.load(CATALOGS)
TYPE = {"instance_type": "8x_H100_SECURE", "clouds": "runpod"}


def altered(value: Any) -> Iterator[Any]:
    """The value with each of its parts altered, one at a time."""
    if isinstance(value, (list, dict)):
        for key in range(len(value)) if isinstance(value, list) else value:
            for other in altered(value[key]):
                changed = copy.copy(value)
                changed[key] = other
                yield changed
    elif isinstance(value, str):
        yield value + "x"
    elif value is not None:
        yield not value if isinstance(value, bool) else value * 2


@pytest.mark.parametrize(
    "asked",
    [
        question("get_hourly_cost", use_spot=False, region="US", zone=None, **TYPE),
        question("get_vcpus_mem_from_instance_type", **TYPE),
        question("get_accelerators_from_instance_type", **TYPE),
        question("get_region_zones_for_instance_type", use_spot=False, **TYPE),
        question("instance_type_exists", **TYPE),
        question("validate_region_zone", region_name="us", zone_name=None, clouds="runpod"),
        question("list_accelerators", name_filter="RTX5090", clouds="yotta"),
    ],
    ids=lambda asked: asked["function"],
)
def test_any_altered_answer_is_found(asked: dict[str, Any]) -> None:
    right = json.loads(json.dumps(ours(CATALOG, asked)))
    assert verdict(CATALOG, asked, right) == "same"
    wrong = list(altered(right["value"]))
    assert wrong
    for value in wrong:
        assert verdict(CATALOG, asked, {"value": value}).startswith("different"), value


@pytest.mark.parametrize("error", ["IndexError", "NetworkUsed", "AssertionError"])
def test_an_error_where_we_have_an_answer_is_found(error: str) -> None:
    asked = question("get_hourly_cost", use_spot=False, region="US", zone=None, **TYPE)
    assert verdict(CATALOG, asked, {"error": error, "message": ""}).startswith("different")


def test_another_order_of_equal_prices_is_a_tie_and_of_others_is_not() -> None:
    asked = question("get_instance_type_for_accelerator", acc_name="A100", acc_count=1, clouds="lambda")
    types, similar = ours(CATALOG, asked)["value"]
    assert len(types) > 1
    change: Callable[[list[str]], list[str]] = lambda names: list(reversed(names))  # noqa: E731
    equal = len({str(o.offering.price_usd_per_hour) for o in CATALOG.offers("A100", cloud="lambda")}) == 1
    result = verdict(CATALOG, asked, {"value": [change(types), similar]})
    assert result == "tie" if equal else result.startswith("different")
    assert verdict(CATALOG, asked, {"value": [types[:1], similar]}).startswith("different")


def test_questions_come_from_the_seed_and_include_ones_that_must_fail() -> None:
    clouds = [CATALOG.clouds[name] for name in ("yotta", "lambda", "runpod")]
    first, second = (list(random_questions(1, 300, clouds, CLIENTS["0.14.1"])) for _ in range(2))
    assert first == second
    errors = sum("error" in ours(CATALOG, asked) for asked in first)
    assert 20 < errors < 200


def test_the_walk_asks_about_every_row() -> None:
    offered = CATALOG.clouds["runpod"]
    rows = {site.key for offer in offered.offers for site in offer.offerings()}
    costs = [asked["arguments"] for asked in walk(offered) if asked["function"] == "get_hourly_cost"]
    assert rows == {(a["instance_type"], a["region"], a["zone"]) for a in costs if a["zone"]}


def test_an_estimate_that_differs_from_skypilots_list_is_found() -> None:
    catalogs = CATALOGS
    line = ["Lambda", "gpu_1x_a10", "A10", 1, 30.0, 24.0, 226.0, 1.29, None, "us-east-1"]
    assert list(differences({"lambda": {"A10": [line]}}, catalogs)) == []
    for column, wrong in ((3, 2), (7, 1.28), (8, 0.5), (9, "us-east-9")):
        damaged = [*line[:column], wrong, *line[column + 1 :]]
        assert list(differences({"lambda": {"A10": [damaged]}}, catalogs)), column
