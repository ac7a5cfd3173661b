"""`python -m tests.trust`: play what the project promises about bad days; the outcome goes to `docs/trust.md`."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import click

from tests.trust.faults import Case
from tests.trust.matrix import FIRST_ROUTES, Outcome, cells, new_pool, start

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "trust.md"

_INTRODUCTION = """\
# What is promised about bad days, and shown

Written by `make trust`; do not edit. Run on commit {commit} with Python {python}.
"""

_MATRIX = """\
## Faults between a cloud and us

Each cell is one real fetch of one cloud from a server on this machine, on which the fault is played: the first
mark is a first run, the second a run over a good catalog. `✓` means that all of this held: the exit code; the line
that says why; files whole, or as they were; the deadline; no more requests than the policy allows; and the cloud's
key in no output, file, recorded answer or URL. `✗` is a promise broken.

*fresh*: the fetch gets over it, exit code 0, and what it wrote verifies. *refused*: exit code 1 and not one byte
changed, at once where no retry can mend it, else after retries by the deadline.
"""

_FURTHER = """\
## The same on the other requests of a fetch

Where an answer can be done without, the fetch is fresh and says so; else it is refused.
"""


def matrix_page(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The two tables of faults."""
    first = [outcome for outcome in outcomes if outcome.cell.route in FIRST_ROUTES.values()]
    further = [outcome for outcome in outcomes if outcome.cell.route not in FIRST_ROUTES.values()]
    yield _MATRIX
    yield f"{len(first)} fetches, {sum(not outcome.problems for outcome in first)} as promised.\n"
    rows = []
    for case, of_case in groupby(first, key=lambda outcome: outcome.cell.case):
        row = list(of_case)
        marks = (_marks([item for item in row if item.cell.cloud == cloud]) for cloud in FIRST_ROUTES)
        rows.append([case.name, _ending(case), *marks, _said(row)])
    yield _table(["fault", "outcome", *FIRST_ROUTES, "it says"], rows)
    yield _FURTHER
    yield f"{len(further)} fetches, {sum(not outcome.problems for outcome in further)} as promised.\n"
    rows = []
    for (case, route, with_key), of_route in groupby(
        further, key=lambda o: (o.cell.case, o.cell.route, o.cell.with_key)
    ):
        row = list(of_route)
        where = f"`{route[1]}`" + ("" if with_key else ", without a key")
        rows.append([where, case.name, _ending(case), _marks(row)])
    yield _table(["request", "fault", "outcome", ""], rows)


def _ending(case: Case) -> str:
    if case.held_by_drift:
        return "fresh; held back by the drift gate"
    return {"fresh": "fresh", "at once": "refused at once"}.get(case.ending, "refused by the deadline")


def _marks(outcomes: Sequence[Outcome]) -> str:
    return " ".join("✗" if outcome.problems else "✓" for outcome in outcomes)


def _said(outcomes: Sequence[Outcome]) -> str:
    """The line of Lambda, without its name and what to do next."""
    line = next((item.line for item in outcomes if item.cell.cloud == "lambda"), "")
    return line.removeprefix("lambda: ").partition("; ")[0]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _commit() -> str:
    """The commit that is checked out, and whether anything differs from it."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout

    changed = git("status", "--porcelain", "--", ".", ":!docs/trust.md").strip()
    return f"`{git('rev-parse', '--short=12', 'HEAD').strip()}`" + (" with changes" if changed else "")


@click.command("python -m tests.trust", context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Play every fault, corruption and failure, and write docs/trust.md; some minutes."""
    wanted = cells()
    outcomes = []
    with new_pool() as pool:
        futures = start(wanted, pool)
        with click.progressbar(wanted, label="faults", file=sys.stderr) as bar:
            outcomes = [futures[cell.name].result() for cell in bar]
    sections = [_INTRODUCTION.format(commit=_commit(), python=platform.python_version()), *matrix_page(outcomes)]
    PAGE.write_text("\n".join(sections), encoding="utf-8")
    broken = [outcome for outcome in outcomes if outcome.problems]
    for outcome in broken:
        click.echo(f"{outcome.cell.name}: {'; '.join(outcome.problems)}", err=True)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
