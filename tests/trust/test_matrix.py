"""Every fault of every cloud: exit code, message, files, time, requests and keys are as they must be."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from tests.trust.faults import CASES
from tests.trust.matrix import Outcome, cells, new_pool, start

CELLS = {cell.name: cell for cell in cells()}


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Outcome]]]:
    """The cells that this run of pytest has selected, all under way."""
    wanted = [
        CELLS[str(item.callspec.params["name"])]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.originalname == test_cell.__name__
    ]
    with new_pool() as pool:
        yield start(wanted, pool)


@pytest.mark.parametrize("name", CELLS)
def test_cell(name: str, outcomes: dict[str, Future[Outcome]]) -> None:
    outcome = outcomes[name].result()
    assert not outcome.problems, outcome


def test_the_matrix_is_large_enough() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 25
    assert len(CELLS) == len(cells()) >= 25 * 3 * 2
