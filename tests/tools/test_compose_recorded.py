"""The bundled sample answers are what the facts say."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tools" / "compose_recorded.py"
FACTS = ROOT / "tools" / "facts"
BUNDLED = ROOT / "fetchers" / "data"
TABLES = [
    *sorted(FACTS.glob("*.csv")),
    BUNDLED / "lambda_regions.csv",
    BUNDLED / "runpod_cpu_flavors.csv",
    BUNDLED / "runpod_pod_sizes.csv",
    BUNDLED / "runpod_sites.csv",
    BUNDLED / "yotta_rate_card.csv",
]


def check(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "--check", "--root", str(root)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def column(path: Path, name: str) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row[name] for row in csv.DictReader(file)]


def test_committed_answers_match_the_facts() -> None:
    result = check(ROOT)
    assert result.returncode == 0, result.stderr


def test_changed_fact_fails_the_check(tmp_path: Path) -> None:
    for folder in ("tools/facts", "fetchers/data", "fetchers/recorded"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    assert check(tmp_path).returncode == 0
    facts = tmp_path / "tools" / "facts" / "runpod_gpus.csv"
    text = facts.read_text(encoding="utf-8")
    assert ",6.79," in text
    facts.write_text(text.replace(",6.79,", ",6.80,"), encoding="utf-8")
    result = check(tmp_path)
    assert result.returncode == 1
    assert "catalog_gpus.json: differs from the facts" in result.stderr
    assert "graphql.json: differs from the facts" in result.stderr


@pytest.mark.parametrize("path", TABLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_tables_are_sorted_and_sourced(path: Path) -> None:
    text = path.read_bytes().decode()
    assert "\r" not in text
    header, *rows = csv.reader(text.splitlines())
    assert rows == sorted(rows)
    assert all(column(path, "source"))
    if "date" in header:
        assert all(re.fullmatch(r"(\d{4}(-\d\d-\d\d)?)?", date) for date in column(path, "date"))


@pytest.mark.parametrize(
    ("facts", "bundled", "shared"),
    [
        ("runpod_sites.csv", "runpod_sites.csv", ("id",)),
        ("runpod_cpus.csv", "runpod_cpu_flavors.csv", ("id", "ram_gb_per_vcpu")),
    ],
)
def test_bundled_tables_agree_with_the_facts(facts: str, bundled: str, shared: tuple[str, ...]) -> None:
    for name in shared:
        expected = column(FACTS / facts, name)
        assert column(BUNDLED / bundled, name) == expected
