"""`python -m tests.trust`: play what the project promises about bad days; the outcome goes to `docs/trust.md`."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import click

from tests.trust import history
from tests.trust.corruptions import CORRUPTIONS
from tests.trust.corruptions import Outcome as Corrupted
from tests.trust.corruptions import outcomes as corrupted
from tests.trust.faults import Case
from tests.trust.matrix import FIRST_ROUTES, Outcome, cells, new_pool, start
from tests.trust.soak import soak

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "trust.md"
NIGHTS = 30

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


_CORRUPTIONS = """\
## Corruptions of good data

Each row is something good with one thing made wrong: a catalog before it is validated, a fetch, a publication
that is pushed, read or synced. *caught by* is the rule of [schema.md](schema.md), the drift gate or the class
of the error that must notice it; `✓` means that it did, and that nothing corrupt was published or read.

What nothing here can catch: a price that is wrong and still inside its accelerator's band on a first night, or
moves less than the drift gate allows; GB for GiB of main memory; GPU memory wrong by less than 7 %; a region
that nobody has seen before; Parquet that differs from the CSV beside it; a hand-made folder whose files all say
the same wrong thing; a pointer set back to an older publication by somebody who may write it.
"""

_HISTORY = """\
## Failures of other projects, replayed

What went wrong elsewhere, the rule that stops it here, and the test that replays it (below `tests/trust`).
"""

_NIGHTS = """\
## Nights in a row

The nightly job's own commands, one night after the other: one request in ten fails, one push in twenty is
killed, the market moves; a reader looks on and must only see whole, valid publications with prices that really
stood. A violation names its night and `--seed`. `make soak` plays 500.
"""

_ELSEWHERE = """\
## Shown by other commands

- `make fuzz`: every parser of foreign bytes, five minutes each. By 2026-11-25 each of the 40 went through its five
  minutes without a finding, 4 million inputs in all. What was found on the way is mended and kept in
  `tests/fuzz/regressions.py`: endless nesting in the index of recorded answers, endless names and very many parts
  in settings files, very many columns and a name that cannot be printed in lists written by hand.
- `make coverage`: branch coverage of the four packages, at least 92 %; 98.7 % on 2026-11-25.
- `make mutants`: whether tests notice 500 small defects, at least 80 %; 450 on 2026-11-25, 432 of them at once.
  Those that stay are in `tests/mutation/survivors.md`, each with the reason.
- pip-audit and zizmor's online audits need the internet and run in CI; they were not run where this page was made.
"""


def corruptions_page(found: Sequence[Corrupted]) -> Iterator[str]:
    """The table of corruptions."""
    yield _CORRUPTIONS
    yield f"{len(found)} corruptions, {sum(outcome.ok for outcome in found)} caught.\n"
    rows = [
        [outcome.name, outcome.where, f"`{outcome.caught_by}`", "✓" if outcome.ok else "✗"] for outcome in found
    ]
    yield _table(["corruption", "of", "caught by", ""], rows)


def history_page() -> Iterator[str]:
    """The table of replayed failures; that they pass is what pytest says."""
    yield _HISTORY
    rows = [
        [str(row.number), row.where, row.what_happened, row.rule, f"`{row.test}`" if row.test else "cannot happen"]
        for row in history.rows()
    ]
    yield _table(["", "where", "what happened", "rule", "test"], rows)


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
    with click.progressbar(corrupted(), len(CORRUPTIONS), "corruptions", file=sys.stderr) as corruption_bar:
        found = list(corruption_bar)
    click.echo(f"{NIGHTS} nights ...", err=True)
    report = soak(NIGHTS, seed=5)
    sections = [
        _INTRODUCTION.format(commit=_commit(), python=platform.python_version()),
        *matrix_page(outcomes),
        *corruptions_page(found),
        *history_page(),
        _NIGHTS,
        "".join(f"- {line}\n" for line in report.to_text().splitlines()),
        _ELSEWHERE,
    ]
    PAGE.write_text("\n".join(sections), encoding="utf-8")
    problems = [f"{o.cell.name}: {'; '.join(o.problems)}" for o in outcomes if o.problems]
    problems += [f"{outcome.name}: not caught by {outcome.caught_by}" for outcome in found if not outcome.ok]
    problems += report.violations
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
