"""Measuring a process: what it took, what it reported, and whose turn it is."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from benchmarks.measure import ROOT, Command, Failed, Series, Subject, interleaved, measured


def python(program: str, **options: object) -> Command:
    return Command(arguments=[sys.executable, "-c", program], **options)  # type: ignore[arg-type]


def test_the_memory_is_the_child_s_own() -> None:
    ours = b"x" * 150_000_000  # which a plain child would be said to have had
    small, _ = measured(python("pass"))
    large, _ = measured(python("x = b'x' * 150_000_000"))
    del ours
    assert small["peak_mb"] < 60
    assert 150 < large["peak_mb"] < 250


def test_time_is_that_of_the_process() -> None:
    slept, _ = measured(python("import time; time.sleep(0.3)"))
    assert slept["wall_seconds"] >= 0.3
    assert slept["cpu_seconds"] < slept["wall_seconds"]


def test_what_a_program_reports(tmp_path: Path) -> None:
    program = "import sys, os, json; print('noise'); print(json.dumps({'rows': 3, 'A100:1': sys.stdin.read()}))"
    run, answers = measured(python(program, stdin=b"hello", cwd=tmp_path, reports=True))
    assert run["rows"] == 3
    assert answers == {"A100:1": "hello"}


def test_settings_of_the_caller_are_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_CATALOG_ROOT", "mine")
    monkeypatch.setenv("SKY_RUNTIME_DIR", "mine")
    names = ("GPU_CATALOG_ROOT", "SKY_RUNTIME_DIR")
    program = f"import os, json; print(json.dumps({{name: os.environ.get(name) for name in {names}}}))"
    _, answers = measured(python(program, environ={"GPU_CATALOG_ROOT": "theirs"}, reports=True))
    assert answers == {"GPU_CATALOG_ROOT": "theirs", "SKY_RUNTIME_DIR": None}


def test_a_command_is_shown_as_one_would_type_it() -> None:
    command = Command(arguments=[sys.executable, ROOT / "benchmarks/programs/lookup_ours.py", "estimate", "0"])
    assert re.fullmatch(r"python[\d.]* benchmarks/programs/lookup_ours.py estimate 0", str(command))


@pytest.mark.parametrize("program", ["import sys; sys.exit('no such cloud')", "import os; os.kill(os.getpid(), 9)"])
def test_a_command_that_fails_is_no_measurement(program: str) -> None:
    with pytest.raises(Failed, match="exit code"):
        measured(python(program))
    with pytest.raises(Failed, match="reported nothing"):
        measured(python("pass", reports=True))


def test_subjects_take_turns() -> None:
    turns: list[str] = []

    def subject(who: str) -> tuple[Series, Subject]:
        def run() -> tuple[dict[str, float], dict[str, object]]:
            turns.append(who)
            return {"wall_seconds": float(len(turns))}, {}

        return Series(part="fetch", case="c", who=who, command=who), run

    subjects = [subject("fast"), subject("slow")]
    interleaved(subjects, lambda who: 3 if who == "fast" else 1, warm_up=True)
    assert turns == ["fast", "slow", "fast", "slow", "fast", "fast"]
    assert [len(series.runs) for series, _ in subjects] == [3, 1]
    assert subjects[0][0].median("wall_seconds") == 5
