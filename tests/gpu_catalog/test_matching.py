"""What an index answers is what looking at every line answers, and looks at less."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from gpu_catalog import estimate_cost
from gpu_catalog.estimate import estimate
from gpu_catalog.market import Market
from gpu_catalog.question import ask
from tests.gpu_catalog.trees import AWS, GCP, tree
from tests.samples import CATALOGS

ABOVE_ALL = Decimal(999_999_999)
"""A highest price that no offer has: it changes no answer, but is in no index."""


@pytest.mark.parametrize("root", [CATALOGS, CATALOGS / "v7", None], ids=["published", "bare", "SkyPilot's"])
@pytest.mark.parametrize("use_spot", [False, True], ids=["on-demand", "spot"])
def test_an_index_answers_as_a_look_at_every_line_does(root: Path | None, use_spot: bool, tmp_path: Path) -> None:
    market = Market(root or tree(tmp_path, {"aws": AWS, "gcp": GCP}))
    names = {name for cloud in market if (prices := market.cloud(cloud)) for name in prices.gpu_names.values()}
    assert len(names) > 3
    found = 0
    for name in sorted(names | {"nonesuch", "A6000", "tpu-v5e-8"}):
        for count in (1, 2, 4, 8, 0.5, 1.004, 7.996, 3):
            question = ask({name: count}, use_spot=use_spot)
            for asked in (question, replace(question, clouds=("aws", "lambda"))):
                answer = estimate(asked, market)
                by_every_line = estimate(replace(asked, max_price_usd_per_hour=ABOVE_ALL), market)
                assert replace(by_every_line, question=asked, estimated_at=answer.estimated_at) == answer
                found += answer.found
    assert found > 10 or (use_spot and root)  # Our samples have no spot prices.


def calls_of(action: Callable[[], object]) -> int:
    """How many functions of Python are called."""
    calls = 0

    def count(frame: object, event: str, arg: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(None)
    return calls


def test_a_repeated_question_costs_the_same_however_many_lines_there_are(tmp_path: Path) -> None:
    calls = []
    for number in (1, 300):
        rows = [
            (f"p{row}", "A100", "8", "96", "1152", "", str(1 + row), "", "us-east-1", "a") for row in range(number)
        ]
        root = tree(tmp_path / str(number), {"aws": rows})
        assert estimate_cost("A100:8", catalog_dir=root).hourly_cost == 1
        calls.append(calls_of(lambda root=root: estimate_cost("A100:8", catalog_dir=root)))  # type: ignore[misc]
    assert calls[0] == calls[1] < 60


def test_a_repeated_question_opens_no_file() -> None:
    script = f"""
import sys
from gpu_catalog import estimate_cost
estimate_cost("A100:1", catalog_dir={str(CATALOGS)!r})
opened = []
sys.addaudithook(lambda event, args: opened.append(args) if event == "open" else None)
for gpu in ("A100:1", "A100:1", "a100"):
    assert estimate_cost(gpu, catalog_dir={str(CATALOGS)!r}).found
print(len(opened))
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "0\n"
