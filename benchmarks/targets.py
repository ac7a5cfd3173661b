"""The targets of `targets.json`, and whether a measurement meets them."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.measure import BARE, Series

FILE = Path(__file__).with_name("targets.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What one figure must be."""

    wording: str
    """For people."""

    part: str
    """As in `Series`."""

    case: str
    """As in `Series`."""

    who: str
    """As in `Series`; `*` for everybody but the bare interpreter, the worst of whom counts."""

    figures: Sequence[str]
    """Of the runs; the worst of them counts."""

    how: Literal["median", "ratio", "over"]
    """The median itself; or of the pairs, how many times as much `against` has, or how much more than it."""

    unit: str
    """Of the limit: x, s, us, MB, or nothing for a count."""

    against: str | None = None
    """Whom it is compared with, for `ratio` and `over`."""

    at_most: float | None = None
    """Upper limit."""

    at_least: float | None = None
    """Lower limit, where there is no upper one."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a target."""

    target: Target
    """The target."""

    measured: float | None
    """In the target's unit; None when it was not measured."""

    @property
    def met(self) -> bool | None:
        """None when it was not measured."""
        if self.measured is None:
            return None
        if self.target.at_most is not None:
            return self.measured <= self.target.at_most
        return self.target.at_least is not None and self.measured >= self.target.at_least


def targets() -> list[Target]:
    """All of them, in the order of the file."""
    return [Target(**entry) for entry in json.loads(FILE.read_text(encoding="utf-8"))]


def judged(target: Target, found: Sequence[Series]) -> Verdict:
    """Compare a target with what was measured; the worst of its figures counts."""
    there = [series for series in found if (series.part, series.case) == (target.part, target.case) and series.runs]
    subjects = [
        series for series in there if target.who == series.who or (target.who == "*" and series.who != BARE)
    ]
    against = next((series for series in there if series.who == target.against), None)
    if not subjects or (against is None and target.how != "median"):
        return Verdict(target, None)
    worst = max if target.at_most is not None else min
    return Verdict(
        target, worst(figure(series, name, target.how, against) for series in subjects for name in target.figures)
    )


def figure(series: Series, name: str, how: str, against: Series | None) -> float:
    """The median, or the median of what the pairs of runs give."""
    if how == "median" or against is None:
        return series.median(name)
    pairs = [(run[name], other[name]) for run, other in zip(series.runs, against.runs, strict=False)]
    return statistics.median(other / own if how == "ratio" else own - other for own, other in pairs)
