"""Targets, tables and the published page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import lookup, pipeline, report, startup
from benchmarks.fetch import CLOUDS, LATENCIES_MS
from benchmarks.measure import BARE, GPUHUNT, OURS, SKYPILOT, Failed, Run, Series
from benchmarks.programs.asking import QUESTIONS
from benchmarks.targets import Target, judged, targets

TARGET = Target(
    wording="w", part="lookup", case="cold", who=OURS, figures=["wall_seconds"], how="median", unit="s", at_most=1
)


def series(who: str, *runs: Run, case: str = "cold") -> Series:
    return Series(part="lookup", case=case, who=who, command=f"run {who}", runs=list(runs))


def seconds(who: str, *values: float) -> Series:
    return series(who, *({"wall_seconds": value} for value in values))


def test_a_median_is_compared_with_its_limit() -> None:
    assert judged(TARGET, [seconds(OURS, 0.5, 9, 1)]).met is True
    missed = judged(TARGET, [seconds(OURS, 0.5, 1.1, 9)])
    assert (missed.measured, missed.met) == (1.1, False)


def test_ratios_and_differences_are_those_of_pairs() -> None:
    found = [seconds(OURS, 1, 2, 4), seconds(SKYPILOT, 10, 10, 80), seconds(BARE, 0.5, 1, 1)]
    ratio = replace(TARGET, how="ratio", against=SKYPILOT, at_most=None, at_least=10)
    over = replace(TARGET, how="over", against=BARE)
    assert judged(ratio, found).measured == 10
    assert judged(over, found).measured == 1
    assert judged(replace(ratio, at_least=10.1), found).met is False


def test_fewer_runs_of_the_slow_one_are_paired_with_the_first_of_the_other() -> None:
    ratio = replace(TARGET, how="ratio", against=SKYPILOT, at_most=None, at_least=1)
    assert judged(ratio, [seconds(OURS, 1, 100, 100), seconds(SKYPILOT, 7)]).measured == 7


def test_the_worst_figure_and_the_worst_command_count() -> None:
    warm = replace(TARGET, figures=["a us", "b us"])
    assert judged(warm, [series(OURS, {"a us": 3, "b us": 7})]).measured == 7
    everybody = replace(TARGET, who="*", how="over", against=BARE)
    assert judged(everybody, [seconds("one", 3), seconds("two", 5), seconds(BARE, 1)]).measured == 4


def test_what_was_not_measured_is_not_met() -> None:
    for found in ([], [seconds(SKYPILOT, 1)], [series(OURS)]):
        verdict = judged(TARGET, found)
        assert (verdict.measured, verdict.met) == (None, None)
    assert judged(replace(TARGET, how="over", against=BARE), [seconds(OURS, 1)]).met is None


def test_every_target_is_about_something_that_is_measured() -> None:
    cases = {
        "fetch": {f"{cloud}, {latency} ms" for cloud in CLOUDS for latency in LATENCIES_MS},
        "lookup": {f"{how}, {case}" for how in ("cold", "warm") for case in (lookup.PUBLISHED, lookup.LARGE)}
        | {lookup.BATCH_CASE},
        "pipeline": {pipeline.case(step, rows) for step in pipeline.STEPS for rows in pipeline.ROWS},
        "startup": {startup.HELP, startup.IMPORT, startup.JOB},
    }
    for target in targets():
        assert target.case in cases[target.part], target.wording
        assert (target.at_most is None) != (target.at_least is None)
        assert (target.against is None) == (target.how == "median")


def test_different_answers_are_a_failure() -> None:
    ours, theirs = seconds(OURS, 1), seconds(GPUHUNT, 1)
    ours.answers = {f"{gpu}:{count}": ["gpu_1x_a100", 1.99] for gpu, count in QUESTIONS}
    theirs.answers = dict(ours.answers)
    lookup.agree([ours, theirs])
    for answer in (["gpu_1x_a100", 2.99], ["gpu_1x_a10", 1.99], None):
        theirs.answers["H100:8"] = answer
        with pytest.raises(Failed, match="different answers to H100:8"):
            lookup.agree([ours, theirs])


def test_the_table_of_a_case(tmp_path: Path) -> None:
    figures = {"cpu_seconds": 0.2, "peak_mb": 30.4}
    found = [
        series(BARE, {"wall_seconds": 0.01, **figures}),
        series(OURS, {"wall_seconds": 0.082, **figures}),
        series(SKYPILOT, {"wall_seconds": 1.61, **figures}),
    ]
    results: dict[str, Any] = {"lookup": {"about": about(), "series": [one.to_dict() for one in found]}}
    report.write(results, tmp_path)
    assert report.read(tmp_path) == results
    page = (tmp_path / "benchmarks.md").read_text()
    assert "| cold | SkyPilot | 1.61 s | 1.60 s | 19.6x | 200 ms | 30.4 | 1 |" in page
    assert "| cold | gpu-catalog | 82.0 ms | 72.0 ms |  | 200 ms | 30.4 | 1 |" in page
    assert "not measured" in page
    assert "- SkyPilot: `run SkyPilot`" in page


def about() -> dict[str, Any]:
    names = ("at", "commit", "cpu", "cores", "os", "python", "load_before", "load_after", "seconds")
    return {**dict.fromkeys(names, "1"), "versions": {"pandas": "3"}}


def test_the_published_page_is_that_of_the_published_results(tmp_path: Path) -> None:
    results = report.read()
    if not results:
        pytest.skip("nothing has been measured: make bench")
    report.write(results, tmp_path)
    for name in ("benchmarks.md", "benchmarks.json"):
        assert (tmp_path / name).read_text() == (report.DOCS / name).read_text()
    assert list(results) == ["fetch", "lookup", "pipeline", "startup"]
    assert json.loads((report.DOCS / "benchmarks.json").read_text()) == results
