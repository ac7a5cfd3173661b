"""Validating, writing, publishing and reading 1,000 to 100,000 rows; each step in a process of its own.

`call_seconds` are those of the step, without the process's imports; the peak memory is that of the whole process.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.measure import OURS, PROGRAMS, ROOT, Command, Series, interleaved, measured, of_command

STEPS = ("validate", "write", "push, first", "push, nothing changed", "push, 5 % of prices changed", "read")
ROWS = (1_000, 10_000, 40_000, 100_000)
MOST_RUNS = 3
"""Of a step other than validating and reading all rows: they only show how it grows."""


def measure(runs: int, *, quick: bool = False) -> list[Series]:
    """Every step at every number of rows.

    Raises:
        Failed: a step failed.
    """
    found: list[Series] = []
    for rows in ROWS[:2] if quick else ROWS:
        with tempfile.TemporaryDirectory() as place:
            measured(command("prepare", rows, Path(place)))
            subjects = [
                of_command("pipeline", case(step, rows), OURS, command(step, rows, Path(place))) for step in STEPS
            ]
            many = [runs if rows == ROWS[-1] and step in {"validate", "read"} else MOST_RUNS for step in STEPS]
            for subject, most in zip(subjects, many, strict=True):
                interleaved([subject], lambda _, most=most: min(runs, most), warm_up=False)  # type: ignore[misc]
            found += [series for series, _ in subjects]
    return found


def case(step: str, rows: int) -> str:
    """Name of a step at a number of rows."""
    return f"{step}, {rows:,} rows"


def command(step: str, rows: int, place: Path) -> Command:
    """What runs a step."""
    return Command(
        arguments=[sys.executable, PROGRAMS / "pipeline_step.py", step, str(rows), place],
        environ={"PYTHONPATH": str(ROOT)},
        reports=True,
    )
