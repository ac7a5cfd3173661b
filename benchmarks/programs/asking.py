"""The questions of the lookups, and asking them once or many times over; standard library only."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

Answer = tuple[str, float] | None
"""Instance type and USD per hour; None when there is none."""

QUESTIONS = (("A100", 1), ("H100", 8), ("RTX4090", 1))
"""GPU and how many: the cheapest instance with them, on any cloud."""


def report(ask: Callable[[str, int], Answer], warm: int) -> None:
    """Print answers by question and, of each, the median time of asking it again in microseconds.

    Args:
        ask: what answers.
        warm: how often each question is asked again; 0 asks the first one once and no other.
    """
    said: dict[str, object] = {}
    for gpu, count in QUESTIONS if warm else QUESTIONS[:1]:
        question = f"{gpu}:{count}"
        said[question] = ask(gpu, count)
        times = []
        for _ in range(warm):
            started = time.perf_counter()
            ask(gpu, count)
            times.append(time.perf_counter() - started)
        if times:
            said[f"{question} us"] = statistics.median(times) * 1e6
    print(json.dumps(said))
