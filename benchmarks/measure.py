"""Measuring whole processes: one after another, in turn, each with its wall time, CPU time and peak memory."""

from __future__ import annotations

import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = Path(__file__).with_name("programs")

Run = dict[str, float]
"""Figures of one run: `wall_seconds`, `cpu_seconds`, `peak_mb` (10^6 bytes), and what the program reported."""


class Failed(Exception):
    """A measured command failed, or did not answer as it must; there is nothing to measure then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command to measure."""

    arguments: Sequence[str | Path]
    """Program and arguments."""

    environ: Mapping[str, str] = field(default_factory=dict)
    """Variables set for it; SkyPilot's, Python's and ours of the caller are not handed on."""

    stdin: bytes = b""
    """Standard input."""

    cwd: Path = ROOT
    """Where it runs."""

    reports: bool = False
    """Whether its last line on standard output is a JSON object: figures go into the run, text is an answer."""

    def __str__(self) -> str:
        """As one would type it at the root of the project, in the environment of the program."""
        program, *arguments = map(str, self.arguments)
        typed = shlex.join([Path(program).name, *(argument.removeprefix(f"{ROOT}/") for argument in arguments)])
        return typed.replace(tempfile.gettempdir(), "$TMPDIR")


@dataclass(slots=True, kw_only=True)
class Series:
    """All runs of one subject in one case."""

    part: str
    """`fetch`, `lookup`, `pipeline` or `startup`."""

    case: str
    """What was asked for, e.g. `runpod, 20 ms`."""

    who: str
    """Whose program: `gpu-catalog`, `SkyPilot`, `gpuhunt` or `python -c pass`."""

    command: str
    """As one would type it."""

    runs: list[Run] = field(default_factory=list)
    """In the order in which they were made; the nth of one subject is next to the nth of another."""

    answers: dict[str, Any] = field(default_factory=dict)
    """What the program answered, where that is compared."""

    def median(self, figure: str) -> float:
        """Of all runs.

        Raises:
            KeyError: no such figure.
        """
        return statistics.median(run[figure] for run in self.runs)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def measured(command: Command) -> tuple[Run, dict[str, Any]]:
    """Run a command to its end; its figures, and the texts that it reported.

    Raises:
        Failed: it did not exit with 0, or did not report.
    """
    # Python's too: under PYTHONDONTWRITEBYTECODE our modules would be compiled in every run, which no installed
    # package is.
    foreign = ("SKY", "PYTHON", "GPU_CATALOG_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        launcher = [sys.executable, "-IS", str(PROGRAMS / "launch.py"), str(report)]
        done = subprocess.run(
            [*launcher, *map(str, command.arguments)], input=command.stdin, capture_output=True,
            env={**kept, **command.environ}, cwd=command.cwd, check=False,
        )  # fmt: skip
        if done.returncode:
            raise Failed(f"{command}: exit code {done.returncode}\n{done.stderr.decode(errors='replace')[-2000:]}")
        run: Run = json.loads(report.read_text(encoding="utf-8"))
    answers: dict[str, Any] = {}
    if command.reports:
        lines = done.stdout.decode().splitlines()
        if not lines:
            raise Failed(f"{command}: reported nothing\n{done.stderr.decode(errors='replace')[-2000:]}")
        for name, value in json.loads(lines[-1]).items():
            (run if isinstance(value, (int, float)) else answers)[name] = value
    return run, answers


Subject = Callable[[], tuple[Run, dict[str, Any]]]
"""What makes one run."""


def interleaved(subjects: Sequence[tuple[Series, Subject]], runs: Callable[[str], int], *, warm_up: bool) -> None:
    """Fill the series with runs in turn: the first of each, then the second of each.

    Args:
        subjects: series to fill, and what makes a run of it.
        runs: how many of a subject, by its name.
        warm_up: make one more run of each before, which does not count.
    """
    if warm_up:
        for _, subject in subjects:
            subject()
    for number in range(max((runs(series.who) for series, _ in subjects), default=0)):
        for series, subject in subjects:
            if number < runs(series.who):
                run, series.answers = subject()
                series.runs.append(run)


def of_command(part: str, case: str, who: str, command: Command) -> tuple[Series, Subject]:
    """The series and subject of a single command."""
    return Series(part=part, case=case, who=who, command=str(command)), lambda: measured(command)


def bare_python(part: str, case: str) -> tuple[Series, Subject]:
    """The interpreter that does nothing: what others are compared with."""
    return of_command(part, case, BARE, Command(arguments=[sys.executable, "-c", "pass"]))


OURS, SKYPILOT, GPUHUNT, BARE = "gpu-catalog", "SkyPilot", "gpuhunt", "python -c pass"
