"""Tests run on a copy of the checkout, each time in a fork that has not imported the code under test.

A fork costs milliseconds where a new interpreter spends seconds on importing the same libraries.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coverage
import hypothesis
import pytest

OURS = ("gpu_catalog", "schemas", "fetchers", "publisher", "tests")
_MOST_MEMORY = 8 << 30
_LIBRARIES = (
    "boto3", "click", "duckdb", "graphql", "great_expectations", "jsonschema", "pandas", "pyarrow", "requests",
    "rich", "yaml",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What the tests do with the code as it is."""

    seconds: Mapping[str, float]
    """Of each test that passes, by its pytest id."""

    reached_by: Mapping[str, Mapping[int, frozenset[str]]]
    """Ids of the tests that run a line, by module and line; "" is the import of the module."""

    def tests_of(self, module: str, lines: Iterable[int]) -> list[str]:
        """Tests that run one of these lines, fastest first; then the others of the module and of its test file.

        Those may see what the lines did as well: a line that is run once, by an import or behind a cache, is run by
        whichever test came first, and a constant is looked at without running anything.
        """
        reached = self.reached_by.get(module, {})
        here = {test for line in lines for test in reached.get(line, ())}
        package, _, name = module.removesuffix(".py").partition("/")
        its_file = f"tests/{package}/test_{name}.py::"
        tests = {test for tests in reached.values() for test in tests} & self.seconds.keys()
        tests |= {test for test in self.seconds if test.startswith(its_file)}
        return sorted(tests, key=lambda test: (test not in here, self.seconds[test]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the tests say about the code in a copy."""

    result: str
    """`passed`, `failed`, or `timeout`."""

    by: str
    """Id of the first test that failed, or what failed instead of a test."""


@contextlib.contextmanager
def copy_of(root: Path) -> Any:
    """A temporary copy of what git knows of the checkout (and has not ignored)."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        tree = Path(folder) / "checkout"
        for name in listed.stdout.split("\0"):
            if name and (root / name).is_file():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, tree / name)
        yield tree


def import_libraries() -> None:
    """Import what the tests use, once for all forks."""
    for name in _LIBRARIES:
        importlib.import_module(name)


def measured(tree: Path, paths: Collection[str], limit_seconds: float) -> Baseline:
    """Run the tests of these paths in a copy, and note which lines each of them runs.

    Raises:
        RuntimeError: they did not come to an end.
    """
    notes = tree.parent / "baseline.json"

    def run() -> int:
        watch = coverage.Coverage(
            data_file=None, config_file=False, source=[str(tree / name) for name in OURS[:-1]]
        )
        watch.start()
        plugin = _Measuring(watch)
        pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:randomly", *paths], [plugin])
        watch.stop()
        data = watch.get_data()
        reached = {
            str(Path(file).relative_to(tree)): data.contexts_by_lineno(file) for file in data.measured_files()
        }
        notes.write_text(json.dumps({"seconds": plugin.seconds, "reached": reached}), "utf-8")
        return 0

    if _in_fork(tree, run, limit_seconds) != 0:
        raise RuntimeError(
            f"the tests did not come to an end: {(tree.parent / 'output').read_text('utf-8')[-2000:]}"
        )
    told = json.loads(notes.read_text("utf-8"))
    reached = {
        module: {int(line): frozenset(tests) for line, tests in lines.items()}
        for module, lines in told["reached"].items()
    }
    return Baseline(seconds=told["seconds"], reached_by=reached)


def outcome(tree: Path, tests: Collection[str], limit_seconds: float) -> Outcome:
    """Run these tests, in this order, up to the first failure."""
    notes = tree.parent / "failed"
    notes.unlink(missing_ok=True)

    def run() -> int:
        files = dict.fromkeys(test.partition("::")[0] for test in tests)
        plugin = _Choosing({test: place for place, test in enumerate(tests)})
        code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *files], [plugin]))
        notes.write_text(plugin.failed or f"pytest ended with {code}", "utf-8")
        return code

    code = _in_fork(tree, run, limit_seconds)
    if code == 0:
        return Outcome(result="passed", by="")
    if code is None:
        return Outcome(result="timeout", by="")
    return Outcome(result="failed", by=notes.read_text("utf-8") if notes.exists() else f"ended with {code}")


def _in_fork(tree: Path, run: Callable[[], int], limit_seconds: float) -> int | None:
    """What `run` returns in a fork whose imports and temporary files are those of the copy; None: out of time."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            _enter(tree)
            code = run()
        finally:
            os._exit(code)
    until = time.monotonic() + limit_seconds
    done, status = 0, 0
    while not done and time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if not done:
            time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # and what the tests have started
    if not done:
        os.waitpid(child, 0)
        return None
    return os.waitstatus_to_exitcode(status)


def _enter(tree: Path) -> None:
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    output = os.open(tree.parent / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.chdir(tree)
    temporary = tree.parent / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    tempfile.tempdir = None
    os.environ.update(TMPDIR=str(temporary), PYTHONPATH=str(tree), PYTHONDONTWRITEBYTECODE="1")
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(tree))
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    importlib.invalidate_caches()


class _Repeatable:
    """The same examples on every run, and no search for smaller ones: one failure is enough."""

    def pytest_sessionstart(self) -> None:
        settings = hypothesis.settings
        phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
        settings.register_profile(
            "mutation", settings.get_profile("tests"), derandomize=True, database=None, phases=phases
        )
        settings.load_profile("mutation")


class _Measuring(_Repeatable):
    """Tells coverage which test is running."""

    def __init__(self, watch: coverage.Coverage) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._watch = watch
        self._failed: set[str] = set()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self._watch.switch_context(item.nodeid)
        yield
        self._watch.switch_context("")
        if item.nodeid in self._failed:
            self.seconds.pop(item.nodeid, None)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        if not report.passed:
            self._failed.add(report.nodeid)


class _Choosing(_Repeatable):
    """Runs what was asked for, in that order, and remembers the first failure."""

    def __init__(self, places: Mapping[str, int]) -> None:
        self.failed = ""
        self._places = places

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self._places), key=lambda item: self._places[item.nodeid]
        )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed = self.failed or f"importing {report.nodeid}"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = self.failed or report.nodeid
