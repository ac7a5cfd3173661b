"""Every target, shortly and with the same inputs every time; `python -m tests.fuzz` looks for new ones."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tests.fuzz.publishing import warm_up
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    warm_up()


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_nothing_foreign_breaks_it(target: Target) -> None:
    config = settings(
        max_examples=target.examples, derandomize=True, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    target.test(config)()
