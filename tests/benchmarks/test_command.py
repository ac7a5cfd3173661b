"""The command `python -m benchmarks`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import startup
from benchmarks.measure import Failed, Series


def test_a_part_keeps_the_results_of_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "VERSIONS", {})  # no peer is installed
    place = tmp_path / "made" / "for it"
    assert command.main(["startup", "--quick", "--output", str(place)]) == 0
    first = json.loads((place / "benchmarks.json").read_text())
    cases = {(one["case"], one["who"]) for one in first["startup"]["series"]}
    assert {(startup.HELP, "fetch-catalog"), (startup.IMPORT, "gpu-catalog"), (startup.JOB, "gpu-catalog")} <= cases

    def nothing(runs: int, *, quick: bool) -> list[Series]:
        return []

    monkeypatch.setitem(command.PARTS, "fetch", nothing)
    assert command.main(["fetch", "--output", str(place)]) == 0
    both = json.loads((place / "benchmarks.json").read_text())
    assert list(both) == ["fetch", "startup"]
    assert both["startup"] == first["startup"]
    assert "| `--help` of every command" in (place / "benchmarks.md").read_text()


def test_what_cannot_be_measured_is_said_and_nothing_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(runs: int, *, quick: bool) -> list[Series]:
        raise Failed("fetch-catalog runpod: exit code 1")

    monkeypatch.setattr(command, "VERSIONS", {})
    monkeypatch.setitem(command.PARTS, "fetch", fails)
    assert command.main(["fetch", "--output", str(tmp_path)]) == 1
    assert "fetch-catalog runpod: exit code 1" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_part_must_exist(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["fecth"])
    assert "no such part: fecth" in capsys.readouterr().err


def test_every_command_has_its_help_measured() -> None:
    words = {" ".join(words) for words in startup.helps()}
    assert {"fetch-catalog", "publish-catalog push", "gpu-catalog list", "estimate-cost"} <= words
