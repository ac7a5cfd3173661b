"""Whatever JSON a cloud answers: a FetchError, or offerings and skipped that are fit to be published."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from fetchers import Fetched, FetchError
from gpu_catalog import MARKS, Offering, Skipped
from tests.fetchers.recordings import RecordedSet, bundled
from tests.fetchers.runpod_sets import GPUS, GRAPHQL, two_sites

# An explicit alphabet: the general one of Hypothesis first builds a table of all of Unicode.
TEXTS = st.text("aZ019._- ,;'\"=\\\n\r\t\0\x1b\u00a0\u00e4\u2028\ud800\U0001f4b8", max_size=12)
NUMBERS = st.one_of(
    st.integers(-3, 70),
    st.sampled_from([10**9, -(10**40), 10**40, 2**63]),
    st.decimals(-2, 1000, places=3),
    st.sampled_from([Decimal(text) for text in ("NaN", "Infinity", "-Infinity", "1E+999999", "1E-999999", "0.0")]),
)
WORDS = st.sampled_from(
    ["NVIDIA_A100_80G", "N/A", "H100 (80 GB)", "RTX 4090", "unknown", "us-east-2", "cpu_", "12"]
)
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, WORDS)
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)


def small_lambda() -> RecordedSet:
    recorded = bundled("lambda")
    types, regions = recorded["/instance-types"].body, recorded["/regions"].body
    types["data"] = dict(list(types["data"].items())[:6])
    regions["data"] = regions["data"][:3]
    return recorded


def small_runpod(*, with_key: bool) -> RecordedSet:
    recorded = two_sites(with_key=with_key)
    kept = ("NVIDIA B300 SXM6 AC", "NVIDIA H200", "NVIDIA L4", "NVIDIA A30")
    holders = [(recorded[GRAPHQL].body["data"], "gpuTypes")] + ([(recorded[GPUS].body, "gpus")] if with_key else [])
    for holder, name in holders:
        holder[name] = [item for item in holder[name] if item["id"] in kept]
    return recorded


def yotta_with_list() -> RecordedSet:
    recorded = bundled("yotta")
    listing = recorded["/gpus/list"]
    listing.status = 200
    item = {
        "gpuType": "NVIDIA_RTX_5090_32G",
        "region": "us-east-2",
        "cloudType": "SECURE",
        "singleCardPrice": "0.7",
        "singleCardVcpu": 8,
        "singleCardRamInGb": 32,
        "singleCardVramInGb": 32,
    }
    listing.body = {"code": 10000, "data": [item, {**item, "gpuType": "NVIDIA_L4_24G", "region": "eu-1"}]}
    return recorded


SETS: dict[str, Callable[[], RecordedSet]] = {
    "lambda": small_lambda,
    "yotta": yotta_with_list,
    "runpod with a key": lambda: small_runpod(with_key=True),
    "runpod without a key": lambda: small_runpod(with_key=False),
}


def mutated(data: DataObject, document: Any) -> Any:
    """The document with one node, anywhere in it, replaced, left out or repeated."""
    document = copy.deepcopy(document)
    parent: Any = None
    place: Any = None
    node = document
    while isinstance(node, (dict, list)) and node and data.draw(st.integers(0, 5)):
        parent, place = node, data.draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))
        node = parent[place]
    if parent is None:
        return data.draw(DOCUMENTS)
    how = data.draw(st.sampled_from(["replace", "replace", "replace", "leave out", "repeat", "rename"]))
    if how == "replace":
        parent[place] = data.draw(DOCUMENTS)
    elif how == "leave out":
        del parent[place]
    elif isinstance(parent, list):
        parent.append(copy.deepcopy(node))
    else:
        parent[data.draw(TEXTS)] = parent.pop(place) if how == "rename" else copy.deepcopy(node)
    return document


def assert_safe(text: str | None) -> None:
    assert text is None or (text.isprintable() and text == text.strip() and text.encode())


def assert_publishable(offering: Offering) -> None:
    assert offering.price_usd_per_hour.is_finite()
    assert offering.price_usd_per_hour > 0
    assert offering.spot_price_usd_per_hour is None or offering.spot_price_usd_per_hour > 0
    assert (offering.accelerator_name is None) == (offering.accelerator_count is None)
    for size in (offering.vcpus, offering.memory_gib, offering.accelerator_count, offering.gpu_memory_mib):
        assert size is None or (math.isfinite(size) and size > 0)
    for text in (offering.instance_type, offering.region):
        assert text
    for maybe in (offering.instance_type, offering.instance_type_v7, offering.region, offering.zone,
                  offering.accelerator_name, offering.accelerator_vendor, offering.listing):  # fmt: skip
        assert_safe(maybe)
    assert offering.arch in (None, "x86_64", "arm64")
    assert set(offering.marks) <= set(MARKS)
    assert list(offering.marks) == sorted(offering.marks)


def assert_explained(skip: Skipped) -> None:
    for text in (skip.listing, skip.rule, skip.reason, skip.accelerator):
        assert_safe(text)
    assert skip.listing
    assert skip.rule
    assert skip.reason
    assert len(skip.listing) + len(skip.reason) < 600
    assert skip.rows >= 0


def assert_usable(fetched: Fetched) -> None:
    for offering in fetched.offerings:
        assert_publishable(offering)
    for skip in fetched.skipped:
        assert_explained(skip)
    for warning in fetched.warnings:
        assert_safe(warning)
    assert len(fetched.offerings) < 5_000


@pytest.mark.parametrize("name", SETS)
@settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_mutation_is_an_error_or_a_catalog(name: str, data: DataObject) -> None:
    recorded = SETS[name]()
    for _ in range(data.draw(st.integers(1, 4))):
        answer = data.draw(st.sampled_from(recorded.answers))
        answer.body = mutated(data, answer.body)
    try:
        fetched = recorded.fetch()
    except FetchError as exc:
        assert_safe(str(exc))
    else:
        assert_usable(fetched)


@pytest.mark.parametrize("name", SETS)
def test_the_unchanged_answers_are_a_catalog(name: str) -> None:
    fetched = SETS[name]().fetch()
    assert fetched.offerings
    assert_usable(fetched)
