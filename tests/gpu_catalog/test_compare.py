"""The table of GPUs by clouds, held against the rows themselves."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpu_catalog.compare import Comparison, Rates, compare
from gpu_catalog.market import Market, open_market
from gpu_catalog.matching import NoPrice
from gpu_catalog.question import Question
from tests.gpu_catalog.trees import AWS, GCP, Row, info, tree
from tests.samples import CATALOGS

RTX: tuple[Row, ...] = (
    ("2x", "rtx-4090", "2", "16", "64", info("rtx-4090", 24576), "0.8", "0.3", "us", "us-1"),
    ("1x", "rtx-4090", "1", "8", "32", info("rtx-4090", 24576), "0.5", "", "us", "us-1"),
    ("1x", "rtx-4090", "1", "8", "32", info("rtx-4090", 24576), "0.45", "", "eu", "eu-1"),
)


@pytest.fixture
def market(tmp_path: Path) -> Market:
    other = ("1x", "RTX4090", "1", "8", "32", info("RTX4090", 24576), "0.7", "0.6", "us", "us-1")
    return open_market(tree(tmp_path / "clouds", {"aws": AWS, "gcp": GCP, "vast": RTX, "nebius": [other]}))


def by_hand(root: Path) -> dict[str, dict[str, Rates]]:
    """What `compare` should find in a tree of `vms.csv`, the long way."""
    prices: dict[tuple[str, str], tuple[list[Decimal], list[Decimal]]] = {}
    for path in root.glob("*/vms.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            for row in filter(lambda row: row["AcceleratorName"], csv.DictReader(file)):
                known = prices.setdefault((row["AcceleratorName"], path.parent.name), ([], []))
                for column, found in zip(("Price", "SpotPrice"), known, strict=True):
                    if row[column]:
                        found.append(Decimal(row[column]) / Decimal(row["AcceleratorCount"]))
    rates: dict[str, dict[str, Rates]] = {}
    for (gpu, cloud), (on_demand, spot) in prices.items():
        rates.setdefault(gpu, {})[cloud] = Rates(min(on_demand, default=None), min(spot, default=None))
    return rates


def test_every_gpu_of_the_published_catalogs_is_there_at_its_least_price() -> None:
    found, expected = compare(Question(), open_market(CATALOGS)), by_hand(CATALOGS / "v8")

    assert list(found.rates) == sorted(expected)
    assert found.clouds == ("lambda", "runpod", "yotta")
    for gpu, by_cloud in expected.items():
        assert found.rates[gpu].keys() == by_cloud.keys()
        for cloud, rates in by_cloud.items():
            for price, right in ((found.rates[gpu][cloud].on_demand, rates.on_demand),
                                 (found.rates[gpu][cloud].spot, rates.spot)):  # fmt: skip
                assert (price is None) == (right is None)
                assert price is None or right is None or abs(price - right) <= Decimal("0.000001")


def test_the_whole_table(market: Market) -> None:
    def rates(on_demand: str | None, spot: str | None) -> Rates:
        return Rates(*(None if price is None else Decimal(price) for price in (on_demand, spot)))

    assert compare(Question(), market) == Comparison(
        clouds=("aws", "gcp", "nebius", "vast"),
        rates={
            "A100": {"aws": rates("4.096575", "1.01875"), "gcp": rates("3.67", "1.52")},
            "A10G": {"aws": rates("1.006", "0.39")},
            "H100": {"aws": rates(None, None)},
            "L4": {"aws": rates("0.8048", "0.4"), "gcp": rates("0.71", "0.28")},
            "RTX4090": {"nebius": rates("0.7", "0.6"), "vast": rates("0.4", "0.15")},
            "Trainium2": {"aws": rates(None, "0.25625")},
            "V100": {"gcp": rates("2.95", "0.84")},
        },
        notes=(),
    )


def cells(question: Question, market: Market) -> dict[str, list[str]]:
    return {gpu: sorted(by_cloud) for gpu, by_cloud in compare(question, market).rates.items()}


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ({"gpu": "A100"}, {"A100": ["aws", "gcp"]}),
        ({"gpu": "a100", "gpu_count": 8.0}, {"A100": ["aws"]}),
        ({"gpu": "rtx 4090"}, {"RTX4090": ["nebius", "vast"]}),
        ({"gpu": "RTX_4090", "gpu_count": 2.0}, {"rtx-4090": ["vast"]}),
        ({"gpu": "L4", "clouds": ("gcp",)}, {"L4": ["gcp"]}),
        ({"clouds": ("vast", "nebius")}, {"rtx-4090": ["nebius", "vast"]}),
        ({"region": "EU"}, {"rtx-4090": ["vast"]}),
        ({"region": "us-west-2"}, {"A100": ["aws"]}),
        ({"zone": "use2-az3"}, {"Trainium2": ["aws"]}),
        ({"min_gpu_memory_gib": 39.0, "region": "us-east-1"}, {"A100": ["aws"], "H100": ["aws"]}),
        ({"min_gpu_memory_gib": 40.5, "region": "us-east-1"}, {"H100": ["aws"]}),
        ({"instance_type": "g6.xlarge"}, {"L4": ["aws"]}),
    ],
)
def test_only_what_fits_the_question_is_compared(
    market: Market, question: dict[str, Any], expected: dict[str, list[str]]
) -> None:
    assert cells(Question(**question), market) == expected


def test_a_count_compares_instances_of_that_size_only(market: Market) -> None:
    one = compare(Question(gpu="RTX4090", gpu_count=1.0), market).rates["RTX4090"]["vast"]
    assert one == Rates(Decimal("0.45"), None)


def test_a_region_is_priced_by_what_it_costs_there(market: Market) -> None:
    there = compare(Question(gpu="A100", clouds=("aws",), region="us-east-1"), market)
    assert there.rates["A100"]["aws"] == Rates(Decimal("4.096575"), Decimal("1.22875"))


def test_the_clouds_are_those_that_have_something(market: Market) -> None:
    assert compare(Question(gpu="V100"), market).clouds == ("gcp",)


def test_a_cloud_without_a_catalog_is_told_and_the_others_are_compared(market: Market) -> None:
    found = compare(Question(gpu="L4", clouds=("modal", "azure", "gcp")), market)

    assert found.clouds == ("gcp",)
    assert [text in " ".join(found.notes) for text in ("No prices for modal: ", "no prices for azure here")] == [
        True
    ] * 2


def test_another_name_of_the_same_card_is_told() -> None:
    found = compare(Question(gpu="A6000", clouds=("runpod",)), open_market(CATALOGS))

    assert list(found.rates) == ["RTXA6000"]
    assert [note.partition(":")[0] for note in found.notes] == [
        "A6000 is offered under another name of the same card",
        "Sample data, not today's prices (RunPod)",
    ]


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ({"gpu": "H9000"}, "no accelerator 'H9000'"),
        ({"gpu": "A100", "gpu_count": 3.0}, "aws has A100:8; gcp has A100:1"),
        ({"gpu": "A100", "region": "mars-1"}, "no region 'mars-1'"),
        ({"gpu": "V100", "region": "us-east-1"}, "it is in us-central1"),
        ({"clouds": ("modal",)}, "no prices for modal"),
        ({"min_gpu_memory_gib": 1000.0}, "1000 GB per GPU"),
        ({"gpu": "tpu-v6e-8"}, "TPUs are not priced"),
    ],
)
def test_nothing_to_compare_is_explained(market: Market, question: dict[str, Any], reason: str) -> None:
    with pytest.raises(NoPrice, match=reason):
        compare(Question(**question), market)
