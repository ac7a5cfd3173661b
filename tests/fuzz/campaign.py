"""One target for as long as one likes, in this process: new random inputs all the time, until one is a finding."""

from __future__ import annotations

import json
import random
import resource
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, seed, settings
from hypothesis.database import DirectoryBasedExampleDatabase

from tests.fuzz.publishing import warm_up
from tests.fuzz.target import Target, peak_mib

ROUND = 500
"""Inputs from one random seed."""
MAX_ADDRESS_SPACE_BYTES = 8 * 2**30
"""Of the process: what asks for more gets a MemoryError, not the machine."""
_LONGEST_SHOWN = 4000


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

    finding: str | None = None
    """The exception and the smallest input that raises it; None: nothing was found."""

    def __str__(self) -> str:
        facts = f"{self.examples:>8} inputs {self.seconds:>7.1f} s  worst {self.worst_seconds:.3f} s  "
        return (
            f"{self.name:<28} {facts}peak {self.peak_mib:>4.0f} MiB  {'FOUND' if self.finding else 'nothing found'}"
        )

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
        self._outcome = Outcome(target.name)

    def run(self) -> Outcome:
        """Try inputs; what raises is made as small as Hypothesis can make it."""
        resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_SPACE_BYTES, MAX_ADDRESS_SPACE_BYTES))
        warm_up()
        started = time.monotonic()
        self._ends_at = started + 60 * self._minutes
        while time.monotonic() < self._ends_at and self._outcome.finding is None:
            self._round(random.getrandbits(32))
        self._outcome.seconds = time.monotonic() - started
        self._outcome.peak_mib = peak_mib()
        return self._outcome

    def _round(self, number: int) -> None:
        config = settings(
            max_examples=ROUND, database=self._memory, deadline=None, suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        )  # fmt: skip
        try:
            seed(number)(self._target.test(config, self._watched))()
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
            self._target.bounded(value)
        except BaseException:
            self._failing.append(value)
            raise
        finally:
            self._outcome.worst_seconds = max(self._outcome.worst_seconds, time.process_time() - started)
