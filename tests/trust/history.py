"""Real failures of projects like this one, and the test here that replays each.

1 to 25 were reported to those projects, 26 to 36 were seen in their source; `history.csv` has them all. A test is
named after its failure, `test_01_skypilot_3615_...`, and the first line of its docstring is the rule that stops it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from tests.trust import (
    test_history_clients,
    test_history_fetches,
    test_history_prices,
    test_history_publication,
    test_history_sizes,
)

MODULES = (
    test_history_prices,
    test_history_sizes,
    test_history_fetches,
    test_history_publication,
    test_history_clients,
)
"""Where the tests are."""

_NUMBERED = re.compile(r"test_(\d\d)_\w+", re.ASCII)


class Failure(NamedTuple):
    """One thing that went wrong elsewhere."""

    number: int
    """From 1."""

    where: str
    """Issues or files of the other project, separated by commas."""

    what_happened: str
    """The symptom."""


class CannotHappen(NamedTuple):
    """A failure that is not replayed."""

    number: int
    """As in `history.csv`."""

    where: str
    """As in `history.csv`."""

    why: str
    """What there is none of here."""


CANNOT_HAPPEN = (
    CannotHappen(
        14,
        "skypilot#1367, skypilot#1368",
        "no page is scraped: a price is a field of an API's answer, or a dated row of the rate card with its "
        "source. Of two prices for one thing none is taken: that is number 15",
    ),
)


class Row(NamedTuple):
    """One line of the table for the documentation."""

    number: int
    """From 1."""

    where: str
    """Issues or files of the other project."""

    what_happened: str
    """The symptom there."""

    rule: str
    """What stops it here, or why it cannot happen."""

    test: str | None
    """`module::test`, below tests/trust; None where it cannot happen."""


def failures() -> list[Failure]:
    """All of `history.csv`, in its order."""
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return [Failure(int(row.pop("number")), **row) for row in csv.DictReader(file)]


def replays() -> Iterator[tuple[int, ModuleType, str]]:
    """(number, module, name) of every test that replays a failure."""
    for module in MODULES:
        for name in vars(module):
            if found := _NUMBERED.fullmatch(name):
                yield int(found[1]), module, name


def rows() -> list[Row]:
    """The table: every failure with the rule against it and its test."""
    why = {number: why for number, _, why in CANNOT_HAPPEN}
    tests = {number: (module, name) for number, module, name in replays()}
    table = []
    for number, where, what in failures():
        if number in why:
            table.append(Row(number, where, what, why[number], None))
        else:
            module, name = tests[number]
            rule = (vars(module)[name].__doc__ or "").partition("\n")[0]
            table.append(Row(number, where, what, rule, f"{module.__name__.rpartition('.')[2]}.py::{name}"))
    return table
