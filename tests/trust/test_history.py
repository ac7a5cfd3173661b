"""Every failure of `history.csv` is replayed by one test that is named after it, or cannot happen here."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.trust.history import CANNOT_HAPPEN, failures, replays, rows


def test_every_failure_is_replayed_once_or_cannot_happen() -> None:
    numbers = [failure.number for failure in failures()]
    assert numbers == list(range(1, 37))
    covered = Counter([number for number, _, _ in replays()] + [entry.number for entry in CANNOT_HAPPEN])
    assert covered == Counter(numbers)


def test_what_cannot_happen_is_a_failure_of_the_list() -> None:
    assert {(entry.number, entry.where) for entry in CANNOT_HAPPEN} <= {(f.number, f.where) for f in failures()}
    assert all(entry.why for entry in CANNOT_HAPPEN)


@pytest.mark.parametrize("row", rows(), ids=lambda row: str(row.number))
def test_a_replay_is_named_after_its_failure_and_says_its_rule(row: tuple[int, str, str, str, str | None]) -> None:
    number, where, _, rule, test = row
    assert len(rule) > 20
    if test is not None:
        project, _, place = where.partition(",")[0].replace("-", "_").partition("#" if "#" in where else " ")
        named_after = f"test_{number:02}_{project}_{re.sub(r'[^a-z0-9]+', '_', place.lower()).strip('_')}"
        assert test.partition("::")[2].startswith(named_after)
