"""One target for as long as one likes, in this process: new random inputs all the time, until one is a finding.

Guided by coverage: bytes or text that took a new step through our code are damaged further in later rounds.
"""

from __future__ import annotations

import json
import random
import resource
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.strategies import SearchStrategy

from tests.fuzz.coverage import Steps
from tests.fuzz.mutation import damaged, damaged_text
from tests.fuzz.publishing import warm_up
from tests.fuzz.target import Target, peak_mib

ROUND = 500
"""Inputs from one random seed."""
WATCHED = 8
"""One input in so many is watched for new steps, which takes several times as long."""
MAX_SEED_CHARS = 8192
"""Of an input that is damaged further."""
MAX_ADDRESS_SPACE_BYTES = 8 * 2**30
"""Of the process: what asks for more gets a MemoryError, not the machine."""
_LONGEST_SHOWN = 20_000


@dataclass(slots=True)
class Outcome:
    """What came of one target."""

    name: str
    """Its name."""

    examples: int = 0
    """Inputs that were run."""

    seconds: float = 0.0
    """Wall time."""

    worst_seconds: float = 0.0
    """Processor time of the input that took the longest."""

    peak_mib: float = 0.0
    """Most memory of the process."""

    kept: int = 0
    """Inputs that took new steps and were damaged further."""

    finding: str | None = None
    """The exception and the smallest input that raises it; None: nothing was found."""

    def __str__(self) -> str:
        facts = (
            f"{self.examples:>7} inputs, {self.kept:>3} kept {self.seconds:>7.1f} s  "
            f"worst {self.worst_seconds:.3f} s  peak {self.peak_mib:>4.0f} MiB"
        )
        return f"{self.name:<28} {facts}  {'FOUND' if self.finding else 'nothing found'}"

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))


class Campaign:
    """Rounds of one target until the time is up or something is found."""

    def __init__(self, target: Target, minutes: float, memory: Path) -> None:
        """Findings are kept below `memory`, and tried first the next time."""
        self._target = target
        self._minutes, self._ends_at = minutes, 0.0
        self._memory = DirectoryBasedExampleDatabase(
            memory / "".join(c if c.isalnum() else "-" for c in target.name)
        )
        self._failing: list[Any] = []
        self._steps = Steps()
        self._seeds: list[Any] = []
        self._found: list[Any] = []
        self._outcome = Outcome(target.name)

    def run(self) -> Outcome:
        """Try inputs; what raises is made as small as Hypothesis can make it."""
        resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_SPACE_BYTES, MAX_ADDRESS_SPACE_BYTES))
        warm_up()
        started = time.monotonic()
        self._ends_at = started + 60 * self._minutes
        while time.monotonic() < self._ends_at and self._outcome.finding is None:
            self._round(random.getrandbits(32))
            # Between rounds, since Hypothesis repeats what it did, and must find the same there.
            self._seeds += self._found
            self._found.clear()
        self._outcome.seconds = time.monotonic() - started
        self._outcome.peak_mib, self._outcome.kept = peak_mib(), len(self._seeds)
        return self._outcome

    def _round(self, number: int) -> None:
        config = settings(
            max_examples=ROUND, database=self._memory, deadline=None, suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        )  # fmt: skip
        try:
            target = replace(self._target, inputs=self._target.inputs | further(self._seeds))
            seed(number)(target.test(config, self._watched))()
        except Exception as exc:  # noqa: BLE001  whatever a parser raises is what we look for
            smallest = repr(self._failing[-1]) if self._failing else "none: making it failed"
            if len(smallest) > _LONGEST_SHOWN:
                smallest = f"{smallest[:_LONGEST_SHOWN]}... ({len(smallest)} characters)"
            trace = "".join(traceback.format_exception(exc, limit=-6))
            self._outcome.finding = f"{trace}\nThe smallest input:\n    {smallest}"

    def _watched(self, value: Any) -> None:
        if time.monotonic() > self._ends_at and not self._failing:
            return  # The round goes on without us: Hypothesis has no way to end it.
        self._outcome.examples += 1
        started = time.process_time()
        try:
            if isinstance(value, (str, bytes)) and self._outcome.examples % WATCHED == 0:
                self._run_watched(value)
            else:
                self._target.bounded(value)
        except BaseException:
            self._failing.append(value)
            raise
        finally:
            self._outcome.worst_seconds = max(self._outcome.worst_seconds, time.process_time() - started)

    def _run_watched(self, value: str | bytes) -> None:
        known = len(self._steps)
        with self._steps.watched():
            self._target.bounded(value)
        if len(self._steps) > known and len(value) <= MAX_SEED_CHARS:
            self._found.append(value)


def further(seeds: Sequence[Any]) -> SearchStrategy[Any]:
    """Damages of inputs that were kept; none as long as there are none."""
    texts = [seed for seed in seeds if isinstance(seed, str)]
    contents = [seed for seed in seeds if isinstance(seed, bytes)]
    strategies = [damaged_text(texts)] if texts else [damaged(contents)] if contents else []
    return st.one_of(*strategies)
