"""RunPod's GraphQL answers: beside REST v2 they may fail, without a key they must not."""

from __future__ import annotations

import copy
import re
from decimal import Decimal
from typing import Any

import pytest

from fetchers import FetchError, RateLimited, Unavailable, UnexpectedAnswer
from fetchers.runpod_graphql import full_query
from tests.fetchers.recordings import FIXTURES, Recorded, RecordedSet
from tests.fetchers.runpod_sets import GRAPHQL, broken_rules, details, item, rows_of, two_sites

FAILURES: list[tuple[int, Any, type[FetchError], str]] = [
    (200, {"errors": [{"message": "Error Message"}], "data": None}, UnexpectedAnswer, "Error Message"),
    (200, {"errors": [{"message": "Too many requests\nslow down"}]}, RateLimited, "Too many requests slow down"),
    (200, {"errors": "odd"}, UnexpectedAnswer, "no message"),
    (200, {"errors": [[]]}, UnexpectedAnswer, "no message"),
    (200, {"errors": {"a": 1}}, UnexpectedAnswer, "no message"),
    (200, {"data": None}, UnexpectedAnswer, "not an object"),
    (200, {"data": {}}, UnexpectedAnswer, "has no `"),
    (200, {"data": {"gpuTypes": [], "dataCenters": [], "cpuFlavors": []}}, UnexpectedAnswer, "is empty"),
    (200, {"data": {"gpuTypes": None, "dataCenters": None, "cpuFlavors": 1}}, UnexpectedAnswer, "not a list"),
    (200, [], UnexpectedAnswer, "has no `data`"),
    (200, b"<html>", UnexpectedAnswer, "HTML"),
    (200, b"", UnexpectedAnswer, "empty body"),
    (400, {"errors": [{"message": "Variable got invalid value"}]}, UnexpectedAnswer, "invalid value"),
    (404, b"gone", UnexpectedAnswer, "HTTP 404"),
    (410, b"gone", UnexpectedAnswer, "HTTP 410"),
    (429, b"<html>", RateLimited, "HTTP 429"),
    (500, b"", Unavailable, "HTTP 500"),
]


@pytest.mark.parametrize(("status", "body", "error", "said"), FAILURES)
def test_with_a_key_its_failure_costs_sizes_and_is_a_warning(
    status: int, body: Any, error: type[FetchError], said: str
) -> None:
    recorded = two_sites()
    recorded[GRAPHQL].fail(status, body)
    fetched = recorded.fetch()
    warning = fetched.warnings[0]
    assert warning.startswith("GraphQL gave no pod sizes (")
    assert said in warning or "gpuTypes" in warning
    assert warning.isprintable()
    assert rows_of(fetched, "NVIDIA H200")[8].memory_gib == 2208
    assert rows_of(fetched, "NVIDIA L4")[8].marks == ("derived",)
    assert rows_of(fetched, "NVIDIA B300 SXM6 AC") == {}
    assert {skip.rule for skip in fetched.skipped} == {"not-offered", "no-size-known"}
    assert broken_rules(fetched) == []


@pytest.mark.parametrize(("status", "body", "error", "said"), FAILURES)
def test_without_a_key_its_failure_fails_the_cloud(
    status: int, body: Any, error: type[FetchError], said: str
) -> None:
    recorded = two_sites(with_key=False)
    recorded[GRAPHQL].fail(status, body)
    with pytest.raises(error, match=said):
        recorded.fetch()


def test_part_of_the_data_beside_errors_is_no_catalog() -> None:
    recorded = two_sites(with_key=False)
    recorded[GRAPHQL].body["errors"] = [{"message": "resolver failed"}]
    with pytest.raises(UnexpectedAnswer, match="resolver failed"):
        recorded.fetch()


def split(status: int, failures: int = 1) -> RecordedSet:
    """A set that refuses the whole document (so many times) and answers it in parts."""
    recorded = two_sites(with_key=False)
    data = recorded[GRAPHQL].body["data"]
    flavors = {key: value for key, value in data.items() if key not in ("gpuTypes", "dataCenters")}
    parts: list[Any] = [{"gpuTypes": data["gpuTypes"]}, {"dataCenters": data["dataCenters"]}, flavors]
    refused = Recorded(method="POST", path=GRAPHQL, status=status, body=b"too large")
    answers = [Recorded(method="POST", path=GRAPHQL, body={"data": part}) for part in parts]
    recorded.answers = [refused] * failures + answers
    return recorded


@pytest.mark.parametrize(("status", "failures"), [(400, 1), (413, 1), (500, 4), (503, 4)])
def test_a_document_that_is_refused_is_asked_for_in_parts(status: int, failures: int) -> None:
    fetched = split(status, failures).fetch()
    assert len(fetched.offerings) == 263 * 2
    assert fetched.requests_made == failures + 3
    assert f"HTTP {status}" in fetched.warnings[1]
    assert "asked for it in parts" in fetched.warnings[1]


def test_parts_were_seen_when_the_first_of_them_was() -> None:
    recorded = split(400)
    for second, answer in enumerate(recorded.answers):
        answer.observed_at = f"2026-11-20T02:30:0{second}Z"
    assert {row.observed_at for row in recorded.fetch().offerings} == {"2026-11-20T02:30:01Z"}


def test_a_part_that_fails_fails_the_whole() -> None:
    recorded = split(400)
    recorded.answers[2].fail(400)
    with pytest.raises(UnexpectedAnswer, match="HTTP 400"):
        recorded.fetch()


def test_a_retry_that_succeeds_is_no_failure() -> None:
    recorded = two_sites(with_key=False)
    recorded.answers.insert(0, Recorded(method="POST", path=GRAPHQL, status=503, body=b""))
    fetched = recorded.fetch()
    assert (len(fetched.offerings), fetched.requests_made) == (263 * 2, 2)


def changed(gpu_id: str, **changes: Any) -> RecordedSet:
    recorded = two_sites(with_key=False)
    details(recorded, gpu_id).update(changes)
    return recorded


def test_null_minimums_are_scaled_from_the_nearest_count() -> None:
    recorded = changed("NVIDIA L4", c3={"minVcpu": 9, "minMemory": 100}, c8={"minVcpu": 24, "minMemory": 240})
    rows = rows_of(recorded.fetch(), "NVIDIA L4")
    assert [rows[count].memory_gib for count in (1, 2, 3, 5, 6, 8)] == [33, 66, 100, 166, 180, 240]
    assert [rows[count].marks for count in (2, 3)] == [("inferred", "minimum"), ("minimum",)]


@pytest.mark.parametrize(
    ("changes", "most"),
    [
        ({"maxGpuCountSecureCloud": 3, "maxGpuCount": 8}, 3),
        ({"maxGpuCountSecureCloud": None, "maxGpuCount": 5}, 5),
        ({"maxGpuCountSecureCloud": 20}, 20),
    ],
)
def test_the_largest_pod_is_the_machines_size(changes: dict[str, Any], most: int) -> None:
    assert max(rows_of(changed("NVIDIA L4", **changes).fetch(), "NVIDIA L4")) == most


@pytest.mark.parametrize("most", [0, -1, "many", None, 10**9])
def test_a_largest_pod_that_cannot_be_is_skipped(most: object) -> None:
    recorded = changed("NVIDIA L4", maxGpuCountSecureCloud=most, maxGpuCount=most)
    assert broken_rules(recorded.fetch()) == [("NVIDIA L4", "no-count")]


def test_fillers_are_not_prices_and_the_sentinel_is_no_gpu() -> None:
    recorded = changed("NVIDIA L4", secureCloud=False, securePrice=0)
    types = recorded[GRAPHQL].body["data"]["gpuTypes"]
    assert item(types, "unknown")
    fetched = recorded.fetch()
    assert rows_of(fetched, "NVIDIA L4") == {}
    assert "unknown" not in {skip.listing for skip in fetched.skipped}


def test_only_listed_sites_count() -> None:
    recorded = two_sites(with_key=False)
    item(recorded[GRAPHQL].body["data"]["dataCenters"], "EU-RO-1")["listed"] = False
    assert {row.zone for row in recorded.fetch().offerings} == {"US-KS-2"}


def test_stock_by_site_comes_from_availability() -> None:
    recorded = two_sites(with_key=False)
    site = item(recorded[GRAPHQL].body["data"]["dataCenters"], "US-KS-2")
    site["g1"] = [{"gpuTypeId": "NVIDIA L4", "stockStatus": "High"}, {"gpuTypeId": "NVIDIA A40",
                  "stockStatus": "None"}, "odd", None]  # fmt: skip
    fetched = recorded.fetch()
    assert {row.zone: row.in_stock for row in fetched.offerings if row.instance_type == "1x_L4_SECURE"} == {
        "US-KS-2": True, "EU-RO-1": False,
    }  # fmt: skip
    assert rows_of(fetched, "NVIDIA A40")[1].in_stock is False


@pytest.mark.parametrize(
    ("status", "there"),
    [("High", True), ("Medium", True), ("Low", True), ("None", False), (None, False), (1, False)],
)
def test_three_words_mean_that_there_is_stock(status: object, there: bool) -> None:
    recorded = two_sites(with_key=False)
    site = item(recorded[GRAPHQL].body["data"]["dataCenters"], "US-KS-2")
    site["g1"] = [{"gpuTypeId": "NVIDIA L4", "stockStatus": status}]
    assert rows_of(recorded.fetch(), "NVIDIA L4")[1].in_stock is there
    site["g1"] = [{"gpuTypeId": "NVIDIA L4", "stockStatus": "High"}]
    details(recorded, "NVIDIA L4")["c2"] = {"stockStatus": status}
    assert rows_of(recorded.fetch(), "NVIDIA L4")[2].in_stock is (None if there else False)


def test_a_flavor_whose_prices_nobody_asked_for_is_skipped_size_by_size() -> None:
    recorded = two_sites(with_key=False)
    data = recorded[GRAPHQL].body["data"]
    data["cpuFlavors"].append({"id": "cpu9z", "minVcpu": 2, "maxVcpu": 4, "ramMultiplier": Decimal("1.5")})
    data["cpu3c"] = None
    data["cpu5c"][0]["s4"] = None
    data["cpu5g"][0].update({"s" + "9" * 5000: {"securePrice": 1}, "sx": {}})
    fetched = recorded.fetch()
    skipped = {skip.listing for skip in fetched.skipped if skip.rule == "no-flavor-price"}
    assert skipped == {f"cpu3c-{size}-{2 * size}" for size in (2, 4, 8, 16, 32)} | {
        "cpu5c-4-8", "cpu9z-2-3", "cpu9z-4-6",
    }  # fmt: skip
    assert broken_rules(fetched) == []


def test_a_flavor_price_is_that_of_the_whole_pod() -> None:
    recorded = two_sites(with_key=False)
    prices = copy.deepcopy(recorded[GRAPHQL].body["data"]["cpu5c"][0])
    assert rows_of(recorded.fetch(), "cpu5c")[32].price_usd_per_hour == prices["s32"]["securePrice"]


def test_the_document_asks_for_nothing_that_the_known_one_does_not() -> None:
    def words(document: str) -> set[str]:
        return set(document.replace("{", " ").replace("}", " ").replace("(", " ").replace(",", " ").split())

    asked = full_query(["gpuTypes", "dataCenters", "cpuFlavors"])
    known = (FIXTURES / "runpod_full_catalog.graphql").read_text(encoding="utf-8")
    assert {"secureCloud:", "true", "lowestPrice", "gpuAvailability", "specifics"} <= words(asked)
    assert {word for word in words(asked) if word.isalpha()} <= words(known)
    assert "c12:" in asked
    types = [set(re.findall(r'instanceId: "([^"]+)"', document)) for document in (asked, known)]
    assert {"cpu3c-2-4", "cpu3g-4-16"} <= types[0] <= types[1]
    assert "$" not in asked
