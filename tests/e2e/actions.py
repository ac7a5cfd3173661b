"""Runs the `run:` steps of a GitHub workflow on this machine, as far as our workflows need it.

Every step runs in bash with the flags that GitHub gives it and with nothing but the environment that GitHub would
give it. `${{ }}` is looked up in a table, by its text; what is not in the table fails the test. `uses:` steps are
played by functions. `pip install` steps are skipped: what they install is what runs the tests.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"

Action = Callable[["Job", Mapping[str, str]], bool]
"""Plays a `uses:` step, given its `with:`; False when it fails."""

INSTALL = ".github/nightly/install.sh"
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_STEP_SECONDS = 120


def workflow(name: str) -> dict[str, Any]:
    """A workflow file, parsed. YAML 1.1 reads the key `on` as true."""
    parsed: dict[Any, Any] = yaml.safe_load((WORKFLOWS / name).read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in parsed.items()}


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step that was run."""

    name: str
    """Its name, else what it uses or runs."""

    ok: bool
    """Whether it ended with 0."""

    output: str = ""
    """What it printed, standard output and error."""


@dataclass(kw_only=True)
class Runner:
    """A fresh machine for each job."""

    home: Path
    """Folder in which the machines are made."""

    expressions: Mapping[str, str]
    """The value of each `${{ }}`, by its text."""

    environ: Mapping[str, str]
    """What is in the environment of the machine; stands in for its network."""

    programs: Path
    """Folder of programs that come before all others."""

    actions: Mapping[str, Action]
    """What plays `owner/action`."""

    log: list[str] = field(default_factory=list)
    """All that was printed or written into files of the runner, by all jobs."""

    _made: int = 0

    def run(
        self, name: str, job: str, needs: Job | None = None, expressions: Mapping[str, str] | None = None
    ) -> Job:
        """Run a job of a workflow; `expressions` come before those that hold for all jobs."""
        self._made += 1
        given = dict(expressions or {})
        if needs is not None:
            given |= {f"needs.{needs.name}.outputs.{key}": value for key, value in needs.outputs.items()}
        running = Job(job, workflow(name), self, self.home / f"{self._made:02}-{job}", given)
        if needs is None or needs.ok or not running.needs_success:
            running.play()
        return running


class Job:
    """One run of a job."""

    def __init__(
        self, name: str, whole: Mapping[str, Any], runner: Runner, home: Path, given: Mapping[str, str]
    ) -> None:
        self.name = name
        self.workspace = home / "work"
        self.steps: list[Step] = []
        self.outputs: dict[str, str] = {}
        self.environ: dict[str, str] = {}
        """What actions have added for the steps after them."""
        self._definition = whole["jobs"][name]
        self._whole = whole
        self._runner = runner
        self._given = dict(given)
        self._files = {file: home / file for file in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}

    @property
    def ok(self) -> bool:
        """Whether every step so far went well: what GitHub shows green."""
        return all(step.ok for step in self.steps)

    @property
    def failures(self) -> list[Step]:
        """The steps that failed."""
        return [step for step in self.steps if not step.ok]

    @property
    def needs_success(self) -> bool:
        """Whether it runs only after the jobs that it needs went well."""
        return "cancelled()" not in str(self._definition.get("if", ""))

    @property
    def summary(self) -> str:
        """What was written for the page of the run."""
        return self._files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")

    @property
    def output(self) -> str:
        """What all steps printed."""
        return "".join(step.output for step in self.steps)

    def play(self) -> None:
        """Run all steps whose `if:` holds."""
        self.workspace.mkdir(parents=True)
        (self.workspace.parent / "home").mkdir()
        for file in self._files.values():
            file.touch()
        for step in self._definition["steps"]:
            if self._holds(str(step.get("if", ""))):
                self._step(step)
        for key, text in self._definition.get("outputs", {}).items():
            self.outputs[key] = self._resolved(text)
        self._runner.log += [self.output, *(file.read_text(encoding="utf-8") for file in self._files.values())]

    def _step(self, step: Mapping[str, Any]) -> None:
        name = step.get("name") or step.get("uses", "").partition("@")[0] or step["run"]
        if "uses" in step:
            given = {key: self._resolved(str(value)) for key, value in step.get("with", {}).items()}
            self.steps.append(Step(name=name, ok=self._runner.actions[name](self, given)))
        elif step["run"] == INSTALL:  # What it would install is what runs the tests.
            self.steps.append(Step(name=name, ok=True))
        else:
            self.steps.append(self._ran(name, step))
            self._note_outputs(step.get("id"))

    def _ran(self, name: str, step: Mapping[str, Any]) -> Step:
        assert "${{" not in step["run"], "values belong into env:, where they are no code"
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.workspace,
            env=self._environ(step),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_STEP_SECONDS,
            check=False,
        )
        return Step(name=name, ok=done.returncode == 0, output=done.stdout.decode("utf-8"))

    def _environ(self, step: Mapping[str, Any]) -> dict[str, str]:
        programs = (str(self._runner.programs), str(Path(sys.executable).parent), os.environ["PATH"])
        machine = {
            "PATH": os.pathsep.join(programs),
            "HOME": str(self.workspace.parent / "home"),
            "LANG": "C.UTF-8",
            "GITHUB_ACTIONS": "true",
            "GITHUB_REF_NAME": "main",
            "GITHUB_RUN_ID": "4711",
            **{name: str(file) for name, file in self._files.items()},
        }
        levels = (self._whole.get("env", {}), self._definition.get("env", {}), step.get("env", {}))
        asked = {key: self._resolved(str(value)) for level in levels for key, value in level.items()}
        return {**machine, **self._runner.environ, **self.environ, **asked}

    def _note_outputs(self, step_id: str | None) -> None:
        if step_id is not None:
            for line in self._files["GITHUB_OUTPUT"].read_text(encoding="utf-8").splitlines():
                key, _, value = line.partition("=")
                self._given[f"steps.{step_id}.outputs.{key}"] = value

    def _resolved(self, text: str) -> str:
        known = {**self._runner.expressions, "job.status": "success" if self.ok else "failure", **self._given}
        return _EXPRESSION.sub(lambda found: known[found[1]], text)

    def _holds(self, condition: str) -> bool:
        """An `if:`: names, each with or without a `!`, joined by `&&`. Nothing is ever cancelled here."""
        terms = [term.strip() for term in _EXPRESSION.sub(r"\1", condition).split("&&") if term.strip()]
        if "!cancelled()" not in terms and not self.ok:
            return False
        others = [term for term in terms if term != "!cancelled()"]
        return all(
            (self._resolved("${{" + term.lstrip("!") + "}}") == "true") != term.startswith("!") for term in others
        )
