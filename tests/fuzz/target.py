"""A parser under fuzzing: what it is given, what must hold, and what one example may cost."""

from __future__ import annotations

import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hypothesis import example, given, settings
from hypothesis.strategies import SearchStrategy

MAX_CPU_SECONDS = 5.0
"""For one example: a hundred times what the slowest target takes, and little for anything quadratic."""
MAX_GROWTH_MIB = 512
"""By which one example may raise the process's peak of memory; inputs are at most a quarter of a MiB."""


class TooCostly(AssertionError):
    """An example that took too much time or memory."""


@dataclass(frozen=True, slots=True)
class Target:
    """One parser, with everything that is asked of it."""

    name: str
    """What it reads, e.g. `offers.jsonl`."""

    inputs: SearchStrategy[Any] = field(repr=False)
    """What it is given; bounded in size."""

    check: Callable[[Any], None] = field(repr=False)
    """Runs the parser on one input; an exception of any kind is a finding."""

    examples: int = 60
    """How many inputs the test suite tries."""

    known: tuple[Any, ...] = field(default=(), repr=False)
    """Inputs that were findings once; tried first, every time."""

    def test(self, config: settings, watch: Callable[[Any], Any] | None = None) -> Callable[[], None]:
        """The Hypothesis test; `watch` takes the place of `bounded(check)`."""

        def check(value: Any) -> None:
            (watch or self.bounded)(value)

        test = given(self.inputs)(check)
        for value in self.known:
            test = example(value)(test)
        return settings(config)(test)

    def bounded(self, value: Any) -> None:
        """The check, within the limits of one example."""
        with limits():
            self.check(value)


@contextmanager
def limits() -> Iterator[None]:
    """Raise TooCostly in a body that takes too much time or memory.

    Time is that of the processor, so that a busy machine is no finding. The main thread only.
    """

    def too_long(*_: object) -> None:
        raise TooCostly(f"more than {MAX_CPU_SECONDS:g} s of processor time")

    before = peak_mib()
    handler = signal.signal(signal.SIGVTALRM, too_long)
    signal.setitimer(signal.ITIMER_VIRTUAL, MAX_CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, handler)
    if (grown := peak_mib() - before) > MAX_GROWTH_MIB:
        raise TooCostly(f"{grown:.0f} MiB of memory more than ever before")


def peak_mib() -> float:
    """The most memory that this process has had so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
