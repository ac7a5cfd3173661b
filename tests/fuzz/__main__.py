"""`python -m tests.fuzz --minutes 5`: every parser, each for that long, with new random inputs.

Prints one line per parser; exit code 1 when there are findings. A finding is remembered in `.hypothesis/fuzz` and
tried first by the next run; the input that is shown belongs into `regressions.py`, where the test suite tries it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.campaign import Campaign, Outcome
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
MEMORY = ROOT / ".hypothesis" / "fuzz"
GRACE_SECONDS = 600
"""For making a finding small; a process that takes longer hangs."""


def main(arguments: list[str] | None = None) -> int:
    """Run the targets, each in a process of its own; 0 when nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"default all: {', '.join(TARGETS)}")
    parser.add_argument("--minutes", type=float, default=5.0, help="for each target")
    parser.add_argument("--jobs", type=int, default=1, help="targets at the same time")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)  # one target, in this process
    options = parser.parse_args(arguments)
    if unknown := set(options.targets) - set(TARGETS):
        parser.error(f"unknown target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    if options.here:
        (name,) = options.targets
        print(Campaign(TARGETS[name], options.minutes, MEMORY).run().to_json())  # noqa: T201
        return 0
    found = 0
    for outcome in _outcomes(options.targets or list(TARGETS), options.minutes, options.jobs):
        print(outcome, flush=True)  # noqa: T201
        if outcome.finding:
            found += 1
            again = f'python -m tests.fuzz "{outcome.name}"'
            keep = "put it into FOUND of tests/fuzz/regressions.py"
            print(f"{outcome.finding}\nTo see it again: {again}; to keep it, {keep}.\n", flush=True)  # noqa: T201
    print(f"{found} findings" if found else "nothing found")  # noqa: T201
    return 1 if found else 0


def _outcomes(names: list[str], minutes: float, jobs: int) -> Iterator[Outcome]:
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda name: _apart(name, minutes), names)


def _apart(name: str, minutes: float) -> Outcome:
    """What comes of a target in a process that may die, with nobody's home and keys."""
    command = [sys.executable, "-m", "tests.fuzz", "--here", f"--minutes={minutes}", name]
    with tempfile.TemporaryDirectory() as home:
        environ = {key: os.environ[key] for key in ("PATH", "LANG", "TZ") if key in os.environ} | {"HOME": home}
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False,
                timeout=60 * minutes + GRACE_SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Outcome(
                name, seconds=60 * minutes + GRACE_SECONDS, finding="It hangs, without using the processor."
            )
    if done.returncode:
        return Outcome(name, finding=f"The process died ({done.returncode}).\n{done.stderr[-4000:]}")
    return Outcome(**json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    sys.exit(main())
