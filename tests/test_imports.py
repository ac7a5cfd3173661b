"""Imports run one way, and light things stay light."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.samples import CATALOGS

ROOT = Path(__file__).resolve().parents[1]
ORDER = ("gpu_catalog", "schemas", "fetchers", "publisher")
"""Each may import those before it."""

HEAVY = {"pandas", "numpy", "pyarrow", "great_expectations", "boto3", "rich"}


def imported(file: Path) -> Iterator[str]:
    """Top-level names of all modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("package", ORDER)
def test_a_package_imports_only_those_below_it(package: str) -> None:
    forbidden = {*ORDER[ORDER.index(package) + 1 :], "tests", "tools", "benchmarks"}
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    offenders = {file.name: sorted(forbidden & set(imported(file))) for file in files}
    assert {name: names for name, names in offenders.items() if names} == {}


@pytest.mark.parametrize(
    "statement",
    [
        "import gpu_catalog",
        "import schemas",
        "import fetchers",
        "from publisher.cli import fetch_catalog; fetch_catalog(['--help'], standalone_mode=False)",
        "from publisher.cli import publish_catalog; publish_catalog(['--help'], standalone_mode=False)",
        "from publisher.cli import publish_catalog; publish_catalog(['validate', '-h'], standalone_mode=False)",
        "from publisher.cli import publish_catalog; publish_catalog(['verify', '-h'], standalone_mode=False)",
        "from publisher.cli import publish_catalog; publish_catalog(['push', '-h'], standalone_mode=False)",
        "from publisher.cli import publish_catalog; publish_catalog(['diff', '-h'], standalone_mode=False)",
        "from publisher.cli import publish_catalog; publish_catalog(['log', 'x'], standalone_mode=False)",
    ],
)
def test_light_things_load_nothing_heavy(statement: str) -> None:
    script = f"import sys\n{statement}\nprint('LOADED', *sorted({HEAVY!r} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.splitlines()[-1] == "LOADED"


@pytest.mark.parametrize("command", ["fetch_catalog", "publish_catalog"])
def test_help_loads_no_more_than_the_commands(command: str) -> None:
    script = (
        f"import sys; from publisher.cli import {command}\n"
        f"{command}(['--help'], standalone_mode=False)\n"
        "print('LOADED', *sorted({'schemas', 'fetchers', 'requests', 'gpu_catalog.reading'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.splitlines()[-1] == "LOADED"


def test_publishing_loads_no_great_expectations(tmp_path: Path) -> None:
    script = (
        "import sys; from publisher.cli import publish_catalog\n"
        f"try: publish_catalog(['push', {str(CATALOGS)!r}, {str(tmp_path)!r}, '--allow-sample'])\n"
        "except SystemExit as exc: print(exc.code, 'great_expectations' in sys.modules, 'boto3' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.splitlines()[-1] == "0 False False"


ONLY_WHEN_NEEDED = {"csv_text", "gcp", "listing", "reasons", "sky", "skypilot_csv", "sync", "sites"}
"""Modules that a lookup in published catalogs does without."""


def test_a_lookup_in_published_catalogs_loads_what_it_needs() -> None:
    script = (
        "import sys; from gpu_catalog import estimate_cost\n"
        f"assert estimate_cost('A100:1', catalog_dir={str(CATALOGS)!r}).found\n"
        f"others = {{'click', 'requests', 'ssl', *(f'gpu_catalog.{{name}}' for name in {ONLY_WHEN_NEEDED!r})}}\n"
        "print('LOADED', *sorted(others & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.splitlines()[-1] == "LOADED"
