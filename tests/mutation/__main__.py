"""`python -m tests.mutation`: would the tests notice a small defect in the pure modules?

Draws mutants of the modules below, and runs for each the tests that reach the changed lines, in a copy of the
checkout. Prints what survived and a table by module; exit code 1 below the share that has to be found.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutation.mutants import Mutant, draw
from tests.mutation.trials import Baseline, copy_of, import_libraries, measured, outcome

ROOT = Path(__file__).resolve().parents[2]

MODULES = [
    *(f"gpu_catalog/{name}.py" for name in (
        "accelerators", "cloud_names", "cost_estimate", "estimate", "gcp", "gpu_info", "lambda_cloud", "listing",
        "market", "matching", "numbers", "offering", "offers", "own_prices", "places", "priced_offer", "prices",
        "question", "reasons", "runpod", "sizes", "skypilot_csv", "yotta",
    )),
    *(f"fetchers/{name}.py" for name in (
        "answers", "exchange", "lambda_cloud", "naming", "runpod", "runpod_graphql", "runpod_listing",
        "runpod_sizes", "shapes", "tables", "yotta", "yotta_offers",
    )),
    *(f"schemas/{name}.py" for name in ("acceptance", "cross_row_rules", "limits")),
    *(f"publisher/{name}.py" for name in ("diff", "drift", "drift_pairs", "steady")),
]  # fmt: skip
"""Normalisers, grammars, rules, the drift gate and the estimate: what takes values and gives values."""

TESTS = [
    "tests/gpu_catalog",
    "tests/fetchers",
    "tests/schemas",
    *(f"tests/publisher/test_{name}.py" for name in ("diff", "drift", "drift_held_back", "drift_limits", "steady")),
]
FOUND_AT_LEAST = 0.80
_NOT_FOUND = ("survived", "unreached")
_MOST_SECONDS_OF_TESTS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a mutant."""

    mutant: Mutant
    """It."""

    result: str
    """`killed`, `timeout` (it ran on and on: as good), `survived`, or `unreached`: no test runs the module."""

    by: str = field(default="")
    """Id of the first test that failed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when enough of the mutants were found."""
    options = _parser().parse_args(arguments)
    started = time.monotonic()
    import_libraries()
    drawn = draw(ROOT, options.module or MODULES, options.count or None, options.seed)
    if options.again:
        earlier = json.loads(options.again.read_text("utf-8"))
        survived = {_identity(entry) for entry in earlier if entry["result"] in _NOT_FOUND}
        drawn = [mutant for mutant in drawn if _identity(_as_json(mutant)) in survived]
    with copy_of(ROOT) as tree:
        baseline = measured(tree, options.tests or TESTS, limit_seconds=3600)
    print(f"{len(drawn)} mutants, {len(baseline.seconds)} tests ({time.monotonic() - started:.0f} s)", flush=True)
    verdicts = []
    context = multiprocessing.get_context("fork")
    with context.Pool(options.jobs, _take, (baseline,)) as pool:
        for n, verdict in enumerate(pool.imap(_judge, drawn), 1):
            verdicts.append(verdict)
            if verdict.result in _NOT_FOUND:
                print(f"{n}: {_shown(verdict)}", flush=True)
    _check_that_they_pass_without({verdict.by for verdict in verdicts if "::" in verdict.by})
    if options.output:
        told = [{**_as_json(verdict.mutant), "result": verdict.result, "by": verdict.by} for verdict in verdicts]
        options.output.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    print(_summary(verdicts, time.monotonic() - started))
    missed = sum(verdict.result in _NOT_FOUND for verdict in verdicts)
    return 1 if missed > (1 - FOUND_AT_LEAST) * len(verdicts) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=500, help="mutants to draw, 0 for all (default 500)")
    parser.add_argument("--seed", type=int, default=7, help="of the draw (default 7)")
    parser.add_argument("--module", action="append", help="only this one, e.g. gpu_catalog/numbers.py")
    parser.add_argument("--tests", action="append", help="ask only these tests, a path; quicker, if the right ones")
    parser.add_argument("--jobs", type=int, default=2, help="mutants tried at a time (default 2)")
    parser.add_argument("--again", type=Path, metavar="OUTPUT", help="of the same draw, only what survived before")
    parser.add_argument("--output", type=Path, help="JSON file with every mutant and what became of it")
    return parser


_baseline: Baseline


def _take(baseline: Baseline) -> None:
    global _baseline  # noqa: PLW0603  # one per process of the pool, given once
    _baseline = baseline


def _judge(mutant: Mutant) -> Verdict:
    """Run the tests of the file that has most of those that reach the module, then the others."""
    tests = _baseline.tests_of(mutant.module, mutant.lines)
    if not tests:
        return Verdict(mutant=mutant, result="unreached")
    most_tests = Counter(test.partition("::")[0] for test in tests).most_common(1)[0][0]
    nearest = [test for test in tests if test.startswith(f"{most_tests}::")]
    others = [test for test in tests if not test.startswith(f"{most_tests}::")]
    with copy_of(ROOT) as tree:
        (tree / mutant.module).write_text(mutant.source, "utf-8")
        for stage in filter(None, (nearest, others)):
            chosen = _within(stage, _MOST_SECONDS_OF_TESTS)
            seconds = sum(_baseline.seconds[test] for test in chosen)
            said = outcome(tree, chosen, limit_seconds=30 + 10 * seconds)
            if said.result != "passed":
                result = "killed" if said.result == "failed" else "timeout"
                return Verdict(mutant=mutant, result=result, by=said.by)
    return Verdict(mutant=mutant, result="survived")


def _check_that_they_pass_without(killers: Collection[str]) -> None:
    """Whether the tests that failed with a mutant pass without one.

    Raises:
        RuntimeError: one fails, so that its failures say nothing about mutants.
    """
    with copy_of(ROOT) as tree:
        said = outcome(tree, sorted(killers), limit_seconds=3600)
    if killers and said.result != "passed":
        raise RuntimeError(f"without a mutant, too, {said.result}: {said.by}")


def _within(tests: Sequence[str], seconds: float) -> list[str]:
    """The fastest tests, as many as fit."""
    chosen: list[str] = []
    for test in tests:
        seconds -= _baseline.seconds[test]
        if seconds < 0 and chosen:
            break
        chosen.append(test)
    return chosen


def _shown(verdict: Verdict) -> str:
    mutant = verdict.mutant
    where = f"{mutant.module}:{mutant.lines.start} {mutant.operator} {verdict.result}"
    return f"{where}\n  - {mutant.before}\n  + {mutant.after}"


def _as_json(mutant: Mutant) -> dict[str, object]:
    return {
        "module": mutant.module,
        "line": mutant.lines.start,
        "operator": mutant.operator,
        "before": mutant.before,
        "after": mutant.after,
    }


def _identity(entry: Mapping[str, object]) -> tuple[object, ...]:
    """What stays when lines move."""
    return tuple(entry[key] for key in ("module", "operator", "before", "after"))


def _summary(verdicts: Sequence[Verdict], seconds: float) -> str:
    lines = [f"{'module':<32} mutants  found  survived"]
    for module in sorted({verdict.mutant.module for verdict in verdicts}):
        results = Counter(verdict.result for verdict in verdicts if verdict.mutant.module == module)
        found = results["killed"] + results["timeout"]
        lines.append(f"{module:<32} {results.total():>7} {found:>6} {results.total() - found:>9}")
    results = Counter(verdict.result for verdict in verdicts)
    found = results["killed"] + results["timeout"]
    share = 100 * found / max(results.total(), 1)
    lines.append(f"{found} of {results.total()} found, {share:.1f} % ({dict(results)}; {seconds:.0f} s)")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
