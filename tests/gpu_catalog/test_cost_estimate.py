"""The answer as lines and as JSON, held against the JSON Schema that the package ships."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_catalog import estimate_cost
from gpu_catalog.texts import plain_dollars, plain_number
from tests.gpu_catalog.answers import checked, parsed, validator
from tests.gpu_catalog.trees import AWS, GCP, tree
from tests.samples import CATALOGS

QUESTIONS: list[dict[str, Any]] = [
    {"gpu": "A100:1"}, {"gpu": "A100:8", "use_spot": True, "hours": 10}, {"gpu": "A100:8", "num_nodes": 3, "hours": 0},
    {"gpu": "L4:0.125"}, {"gpu": "L4"}, {"gpu": "H100:8"}, {"gpu": "nope"}, {"gpu": "A100:3"}, {"gpu": "tpu-v6e-8"},
    {"gpu": "A100", "cloud": "modal"}, {"gpu": "A100", "cloud": ["aws", "gcp"], "region": "us-central1"},
    {"gpu": "A100:8", "cloud": "aws", "region": "nowhere", "zone": "z"}, {"instance_type": "ml.g5.xlarge"},
    {"instance_type": "m5.large"}, {"instance_type": "a2-highgpu-1g", "use_spot": True, "disk_size": 256},
    {"gpu": "Trainium2:16"}, {"gpu": "Trainium2:16", "use_spot": True}, {"gpu": "A100:1000000000"},
]  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_every_answer_is_as_the_shipped_schema_says(question: dict[str, Any], tmp_path: Path) -> None:
    folder = tree(tmp_path, {"aws": AWS, "gcp": GCP})
    for place in (folder, CATALOGS):
        answer = estimate_cost(**question, catalog_dir=place)
        document = checked(parsed(json.dumps(answer.to_dict(), allow_nan=False)))
        assert document["found"] == answer.found


def test_the_schema_refuses_what_it_must() -> None:
    good = estimate_cost("A100:1", catalog_dir=CATALOGS).to_dict()
    damages: dict[str, Any] = {
        "found": None, "cost_per_hour": 0, "estimated_at": "yesterday", "confidence_level": "sure", "reason": "why",
        "options": [], "storage_cost": 0, "warnings": "one", "on_demand_price": "1.99", "hours": None,
    }  # fmt: skip
    for key, bad in damages.items():
        assert not validator().is_valid({**good, key: bad}), key
        assert not validator().is_valid({name: value for name, value in good.items() if name != key}), key


def test_the_json_of_one_answer_key_by_key(tmp_path: Path) -> None:
    folder = tree(tmp_path, {"aws": AWS, "gcp": GCP})
    answer = estimate_cost("a100", use_spot=True, hours=10, num_nodes=2, catalog_dir=folder).to_dict()
    assert answer["query"] == {
        "gpu": "a100", "gpu_count": 1, "instance_type": None, "provider": None, "region": None, "zone": None,
        "use_spot": True, "num_nodes": 2, "hours": 10,
    }  # fmt: skip
    told = {key: answer[key] for key in (
        "found", "reason", "currency", "provider", "region", "zone", "instance_type", "use_spot", "num_nodes", "hours",
        "cost_per_hour", "estimated_cost", "compute_cost", "storage_cost", "network_cost", "confidence_level",
        "on_demand_price", "spot_price", "spot_savings_pct", "savings_vs_dearest_pct",
    )}  # fmt: skip
    assert told == {
        "found": True, "reason": None, "currency": "USD", "provider": "gcp", "region": "us-central1",
        "zone": "us-central1-a", "instance_type": "a2-highgpu-1g", "use_spot": True, "num_nodes": 2, "hours": 10,
        "cost_per_hour": 3.04, "estimated_cost": 30.4, "compute_cost": 30.4, "storage_cost": None,
        "network_cost": None, "confidence_level": "medium", "on_demand_price": 3.67, "spot_price": 1.52,
        "spot_savings_pct": 58.6, "savings_vs_dearest_pct": None,
    }  # fmt: skip
    assert [(option["provider"], option["price"]) for option in answer["options"]] == [("gcp", 1.52)]
    assert "Compute only; disk and egress are not included" in answer["warnings"]


def test_an_answer_without_a_price_repeats_what_was_asked(tmp_path: Path) -> None:
    folder = tree(tmp_path, {"aws": AWS, "gcp": GCP})
    one = estimate_cost("A100:3", cloud="aws", region="us-east-1", zone="use1-az1", catalog_dir=folder)
    assert not one.found
    assert (one.cloud, one.region, one.zone) == ("aws", "us-east-1", "use1-az1")
    assert (one.gpu, one.gpu_count, one.instance_type) == ("A100", 3, None)
    several = estimate_cost("A100:3", cloud=["aws", "gcp"], catalog_dir=folder)
    assert several.cloud is None
    assert several.to_dict()["query"]["provider"] == "aws,gcp"


def test_a_place_with_brackets_closes_none_of_ours(tmp_path: Path) -> None:
    rows = [("t", "X1", "1", "8", "64", "", "1.5", "", "west (2)", "")]
    answer = estimate_cost("X1", catalog_dir=tree(tmp_path, {"aws": rows}))
    assert str(answer).startswith("Estimated cost: $1.50/hr (AWS west [2] on-demand)\n")


def test_hours_that_were_not_given_count_as_one() -> None:
    answer = estimate_cost("A100:1", catalog_dir=CATALOGS).to_dict()
    assert (answer["query"]["hours"], answer["hours"], answer["estimated_cost"]) == (None, 1, 1.99)


def test_minutes_and_costs_are_told_without_float_noise() -> None:
    answer = estimate_cost("A100:1", hours=0.123456, catalog_dir=CATALOGS)
    assert "$0.2457 for 7.41 min" in str(answer)
    assert answer.total_cost == 0.245677
    assert estimate_cost("A100:1", hours=0.0000011, catalog_dir=CATALOGS).total_cost == 0.000002


def test_savings_are_told_against_on_demand_and_against_the_dearest_cloud(tmp_path: Path) -> None:
    answer = estimate_cost("L4", catalog_dir=tree(tmp_path, {"aws": AWS, "gcp": GCP}))
    assert (answer.savings_percent, answer.savings_vs_dearest_percent) == (60.6, 11.8)
    assert "With --spot: $0.2800/hr (spot saves 60.6 %)" in str(answer)
    assert "Cheapest per cloud and node: GCP $0.7100, AWS $0.8048 (11.8 % below the dearest)" in str(answer)


def test_the_dearest_cloud_is_the_last_of_all(tmp_path: Path) -> None:
    prices = {"aws": "2.0", "azure": "3.0", "other": "4.0"}
    rows = {cloud: [("t", "X1", "1", "8", "64", "", price, "", "r", "z")] for cloud, price in prices.items()}
    answer = estimate_cost("X1", catalog_dir=tree(tmp_path, rows))
    assert [offer.price for offer in answer.offers] == [2.0, 3.0, 4.0]
    assert answer.savings_vs_dearest_percent == 50


def test_a_spot_price_above_on_demand_is_said_to_be_more(tmp_path: Path) -> None:
    rows = [("t", "X1", "1", "8", "64", "", "1.0", "1.5", "r", "z")]
    answer = estimate_cost("X1", catalog_dir=tree(tmp_path, {"aws": rows}))
    assert answer.savings_percent == -50
    assert "spot costs 50 % more" in str(answer)


@pytest.mark.parametrize(
    ("price", "text"),
    [(1.99, "1.99"), (0.0526, "0.0526"), (1.0, "1.00"), (0.99999, "1.0000"), (1234567.891, "1234567.89"), (10.006, "10.01"), (0.00004, "0.000040"), (0.0, "0.00")],
)  # fmt: skip
def test_two_decimals_from_a_dollar_up_and_four_below(price: float, text: str) -> None:
    assert plain_dollars(price) == text


@given(st.floats(0.000001, 1e7))
def test_numbers_in_json_have_six_decimals_at_most(value: float) -> None:
    text = json.dumps(plain_number(value))
    assert abs(float(text) - value) <= 0.5e-6 + 1e-9 * value
    assert len(text.partition(".")[2].partition("e")[0]) <= 6 or "e" in text
    assert not text.endswith(".0")
