"""NodeConfig: every member of a batch gets an answer, in its place, whatever it is."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from gpu_catalog.errors import BadQuestion
from gpu_catalog.estimate import estimate_cost
from gpu_catalog.market import Market, open_market
from gpu_catalog.node_config import DEFAULT_DISK_GB, MAX_BATCH_BYTES, estimate_node, parse_batch
from tests.gpu_catalog.trees import AWS, GCP, tree

AS_GO_WRITES_IT = {
    "node_id": "n-1", "provider": "", "region": "", "gpu": "A100", "gpu_count": 0, "use_spot": False,
    "disk_size": 0, "model": "llama", "vllm_args": "--max-model-len 8192",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tree(tmp_path_factory.mktemp("clouds"), {"aws": AWS, "gcp": GCP})


@pytest.fixture(scope="module")
def market(folder: Path) -> Market:
    return open_market(folder)


def node(**keys: object) -> dict[str, object]:
    return {**AS_GO_WRITES_IT, **keys}


def without_time(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "estimated_at"}


@pytest.mark.parametrize(
    ("keys", "arguments", "price"),
    [
        ({}, {"gpu": "A100:1"}, 3.67),
        ({"gpu_count": 8}, {"gpu": "A100:8"}, 32.7726),
        ({"gpu_count": 8.0, "gpu": "a100"}, {"gpu": "a100:8"}, 32.7726),
        ({"gpu": "A100:8"}, {"gpu": "A100:8"}, 32.7726),
        ({"gpu_count": 8, "use_spot": True}, {"gpu": "A100:8", "use_spot": True}, 8.15),
        ({"gpu_count": 8, "use_spot": True, "region": "US-EAST-1"},
         {"gpu": "A100:8", "use_spot": True, "region": "US-EAST-1"}, 9.83),
        ({"gpu": "L4"}, {"gpu": "L4:1"}, 0.71),
        ({"gpu": "L4", "provider": "EC2"}, {"gpu": "L4:1", "cloud": "EC2"}, 0.8048),
        ({"gpu": "L4", "provider": "aws", "use_spot": True},
         {"gpu": "L4:1", "cloud": "aws", "use_spot": True}, None),
        ({"gpu": "L4", "gpu_count": 0.125}, {"gpu": "L4:0.125"}, 0.11),
        ({"provider": "aws"}, {"gpu": "A100:1", "cloud": "aws"}, None),
        ({"provider": "modal"}, {"gpu": "A100:1", "cloud": "modal"}, None),
        ({"gpu": "H9000"}, {"gpu": "H9000:1"}, None),
    ],
)  # fmt: skip
def test_a_node_costs_what_the_same_question_costs(
    folder: Path, market: Market, keys: dict[str, object], arguments: dict[str, Any], price: float | None
) -> None:
    answer = estimate_node(node(**keys), market)

    assert answer.found == (price is not None)
    assert answer.hourly_cost == price
    same = estimate_cost(disk_size=DEFAULT_DISK_GB, catalog_dir=folder, **arguments)
    assert without_time(answer.to_dict()) == without_time(same.to_dict())


def test_what_go_leaves_at_zero_is_the_default_and_so_is_a_missing_key_or_null(market: Market) -> None:
    asked = estimate_node(AS_GO_WRITES_IT, market).question

    assert (asked.gpu_count, asked.clouds, asked.region, asked.use_spot) == (1.0, (), None, False)
    assert (asked.disk_size, asked.num_nodes, asked.zone) == (DEFAULT_DISK_GB, 1, None)
    assert estimate_node({"gpu": "A100"}, market).question == asked
    nulls = dict.fromkeys(("provider", "region", "gpu_count", "use_spot", "disk_size"))
    assert estimate_node({"gpu": "A100", **nulls}, market).question == asked


def test_the_disk_is_named_in_a_warning_and_never_priced(market: Market) -> None:
    default, larger = estimate_node(node(), market), estimate_node(node(disk_size=512), market)

    assert default.hourly_cost == larger.hourly_cost
    assert any("256 GB" in warning for warning in default.warnings)
    assert any("512 GB" in warning for warning in larger.warnings)
    assert default.to_dict()["storage_cost"] is None


def test_hours_are_those_of_the_whole_batch(market: Market) -> None:
    answer = estimate_node(node(hours=99), market, 10)
    assert answer.total_cost == 36.7
    assert answer.to_dict()["estimated_cost"] == 36.7
    assert estimate_node("no node", market, 10).to_dict()["hours"] == 10
    assert estimate_node(node(), market).to_dict()["estimated_cost"] == 3.67


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (None, "JSON obj"), ([], "JSON obj"), ("A100", "JSON obj"), (1, "JSON obj"), (True, "JSON obj"),
        ([["gpu", "A100"]], "JSON obj"), ({}, "names its"), ({"gpu_count": 8}, "names its"),
        (node(gpu=None), "names its"), (node(gpu=""), "names its"), (node(gpu=" "), "names its"),
        (node(gpu=100), "names its"), (node(gpu=["A100"]), "names its"), (node(gpu={"A100": 1}), "names its"),
        ({"GPU": "A100"}, "names its"), (node(gpu="A100:x"), "NAME:COUNT"), (node(gpu="A100:0"), "not above 0"),
        (node(gpu=":1"), "names no accelerator"), (node(gpu="A\n100"), "valid name"),
        (node(gpu="\ud800"), "valid name"),
        (node(gpu="x" * 10_000), "valid name"), (node(gpu_count=-1), "not above 0"),
        (node(gpu_count=-0.5), "not above 0"),
        (node(gpu_count=math.nan), "not above 0"), (node(gpu_count=math.inf), "not above 0"),
        (node(gpu_count=True), "a number"), (node(gpu_count="8"), "a number"), (node(gpu_count=[8]), "a number"),
        (node(use_spot=1), "use_spot"), (node(use_spot="true"), "use_spot"), (node(use_spot=[True]), "use_spot"),
        (node(disk_size="256"), "disk_size"), (node(disk_size=0.5), "disk_size"),
        (node(disk_size=True), "disk_size"),
        (node(disk_size=math.nan), "disk_size"), (node(provider=5), "cloud"), (node(provider={"aws": 1}), "cloud"),
        (node(provider=[5]), "cloud"), (node(provider="a\0ws"), "cloud"), (node(region=5), "region"),
        (node(region=["us-east-1"]), "region"), (node(region="us\x1b[31m"), "region"),
    ],
    ids=lambda value: ascii(value)[-30:],
)  # fmt: skip
def test_what_is_malformed_is_answered_with_the_reason(market: Market, config: object, reason: str) -> None:
    answer = estimate_node(config, market)

    assert not answer.found
    assert answer.hourly_cost is None
    assert reason in (answer.reason or "")
    assert (answer.reason or "").isprintable()
    assert len(answer.reason or "") < 300
    assert answer.to_dict()["options"] == []


# Batches


def test_a_batch_is_answered_in_order_one_for_one(market: Market) -> None:
    members: list[object] = [node(gpu="L4"), None, node(gpu_count=8), {"gpu": "A100:x"}, node(gpu="L4"), []]
    answers = [estimate_node(config, market) for config in parse_batch(json.dumps(members).encode())]

    assert [answer.hourly_cost for answer in answers] == [0.71, None, 32.7726, None, 0.71, None]


@pytest.mark.parametrize(
    ("content", "members"),
    [
        (b"[]", []),
        (b" [ null , 1 ]\n", [None, 1]),
        (b'[{"gpu": "A100", "gpu": "L4"}]', [{"gpu": "L4"}]),
        ('[{"gpu": "\u00e4"}]'.encode(), [{"gpu": "\u00e4"}]),
        (b"\xef\xbb\xbf[]", []),
        ("[1]".encode("utf-16"), [1]),
        (b"[1e400]", [math.inf]),
    ],
)
def test_a_batch_is_any_json_array(content: bytes, members: list[object]) -> None:
    assert parse_batch(content) == members


@pytest.mark.parametrize(
    "content",
    [
        b"", b" ", b"{}", b'{"gpu": "A100"}', b"null", b"1", b'"[]"', b"[", b"[1,]", b"[1] [2]", b"[{'gpu': 1}]",
        b'[{"gpu": "A100"}', b"\xff\xfe\xfd", b"\x80[]", b'["\xff"]', b"[" * 500_000, b'[{"a":' * 100_000,
        b"[" + b"9" * 5000 + b"]", b"---\n- gpu: A100\n",
    ],
    ids=lambda content: ascii(content[:12]),
)  # fmt: skip
def test_what_is_no_json_array_is_no_batch(content: bytes) -> None:
    with pytest.raises(BadQuestion, match="a batch is a JSON array of NodeConfig objects; this is") as caught:
        parse_batch(content)
    assert len(str(caught.value)) < 300


def test_the_size_of_a_batch_is_limited() -> None:
    assert parse_batch(b"[]".ljust(MAX_BATCH_BYTES)) == []
    with pytest.raises(BadQuestion, match="at most"):
        parse_batch(b"[]".ljust(MAX_BATCH_BYTES + 1))


@pytest.mark.parametrize("count", [10**400, "two", 4, True])
def test_a_count_that_is_none_or_contradicts_the_gpu_is_answered(count: object, market: Market) -> None:
    answer = estimate_node(node(gpu="A100:8", gpu_count=count), market)
    assert not answer.found
    assert 0 < len(answer.reason or "") < 200


def test_a_count_said_twice_alike_is_answered(market: Market) -> None:
    assert estimate_node(node(gpu="A100:8", gpu_count=8), market).hourly_cost == 32.7726
    assert estimate_node(node(gpu="A100:8"), market).hourly_cost == 32.7726


@pytest.mark.parametrize("hours", [math.nan, math.inf, -1.0])
def test_hours_that_are_none_are_the_callers_mistake(hours: float, market: Market) -> None:
    with pytest.raises(BadQuestion, match="hours"):
        estimate_node(node(), market, hours)
