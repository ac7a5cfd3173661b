"""Every accelerator and count of every published catalog, against a computation that uses the csv module only."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_catalog import estimate_cost
from tests.samples import CATALOGS

ROOTS = {"published": CATALOGS, "v8": CATALOGS / "v8", "v7": CATALOGS / "v7"}
"""Folders to ask; the first is read by its manifest, the others as bare trees."""

Key = tuple[str, float]
Prices = dict[Key, dict[str, dict[str, float]]]


@lru_cache
def expected(schema: str) -> Prices:
    """Lowest Price by (accelerator, count), cloud and region, straight from the files."""
    prices: Prices = defaultdict(lambda: defaultdict(dict))
    for path in sorted((CATALOGS / schema).glob("*/vms.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["AcceleratorName"] and row["Price"]:
                    by_region = prices[row["AcceleratorName"], float(row["AcceleratorCount"])][path.parent.name]
                    least = min(float(row["Price"]), by_region.get(row["Region"], float("inf")))
                    by_region[row["Region"]] = least
    return prices


def keys() -> Iterator[tuple[str, Key]]:
    for root in ROOTS:
        for key in expected("v7" if root == "v7" else "v8"):
            yield root, key


def right(root: str, key: Key) -> dict[str, dict[str, float]]:
    return expected("v7" if root == "v7" else "v8")[key]


def test_the_catalogs_have_what_is_asked_for() -> None:
    assert len(expected("v8")) > 150
    assert {cloud for by_cloud in expected("v8").values() for cloud in by_cloud} == {"lambda", "runpod", "yotta"}


@pytest.mark.parametrize("root", ROOTS)
def test_everywhere_the_cheapest_of_each_cloud_is_told(root: str) -> None:
    for asked_root, key in keys():
        if asked_root == root:
            name, count = key
            answer = estimate_cost({name: count}, catalog_dir=ROOTS[root])
            least = {cloud: min(by_region.values()) for cloud, by_region in right(root, key).items()}
            assert {offer.cloud: offer.price for offer in answer.offers} == pytest.approx(least, rel=1e-9), key
            assert answer.hourly_cost == pytest.approx(min(least.values()), rel=1e-9), key
            assert answer.region in right(root, key)[answer.cloud or ""]
            assert right(root, key)[answer.cloud or ""][answer.region or ""] == pytest.approx(answer.hourly_cost)
            assert (answer.gpu, answer.gpu_count) == key


@pytest.mark.parametrize("root", ROOTS)
def test_in_every_region_the_price_of_that_region_is_told(root: str) -> None:
    asked = 0
    for asked_root, key in keys():
        if asked_root != root:
            continue
        for cloud, by_region in right(root, key).items():
            for region, price in by_region.items():
                answer = estimate_cost(
                    f"{key[0]}:{key[1]:g}", cloud=cloud, region=region.upper(), catalog_dir=ROOTS[root]
                )
                assert answer.hourly_cost == pytest.approx(price, rel=1e-9), (key, cloud, region)
                assert (answer.cloud, answer.region) == (cloud, region)
                asked += 1
    assert asked > 1000


@given(
    asked=st.sampled_from(sorted(keys())),
    clouds=st.sets(st.sampled_from(["lambda", "runpod", "yotta", "aws"]), min_size=1),
    region=st.sampled_from([None, "us-east-1", "US", "us-east-2", "NO", "nowhere"]),
    nodes=st.integers(1, 64),
    spot=st.booleans(),
)
def test_any_question_has_the_answer_of_the_csv(
    asked: tuple[str, Key], clouds: set[str], region: str | None, nodes: int, spot: bool
) -> None:
    root, key = asked
    there = [
        price
        for cloud, by_region in right(root, key).items()
        if cloud in clouds
        for name, price in by_region.items()
        if region is None or name.lower() == region.lower()
    ]
    answer = estimate_cost(
        {key[0]: key[1]}, cloud=sorted(clouds), region=region, num_nodes=nodes, use_spot=spot,
        catalog_dir=ROOTS[root],
    )  # fmt: skip
    if not clouds & right(root, key).keys() and answer.found:  # Another name of the same card.
        assert answer.gpu != key[0]
    elif spot or not there:  # None of these clouds has a spot market.
        assert (answer.found, answer.hourly_cost, answer.offers) == (False, None, ())
        assert answer.reason
    else:
        assert answer.price_per_node == pytest.approx(min(there), rel=1e-9)
        assert answer.hourly_cost == pytest.approx(min(there) * nodes, rel=1e-9)
