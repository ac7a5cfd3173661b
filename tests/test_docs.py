"""The README's commands are the real ones, and its Python runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from gpu_catalog.cli import main as gpu_catalog
from publisher.cli import fetch_catalog, publish_catalog

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "fetchers").rglob("*.md")])


def test_the_two_set_up_commands_stand_on_lines_of_their_own() -> None:
    assert README.count("\npip install '.[fetch]' && fetch-catalog all --recorded\n") == 1
    assert README.count("\npip install '.[test]' && pytest\n") == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_named_in_the_docs_exist(page: Path) -> None:
    helps = [CliRunner().invoke(fetch_catalog, ["-h"]).output, CliRunner().invoke(publish_catalog, ["-h"]).output]
    for group in (publish_catalog, gpu_catalog):
        helps += [CliRunner().invoke(group, [name, "-h"]).output for name in group.commands]
    known = set(re.findall(r"--[a-z-]+", " ".join(helps)))
    lines = [line for line in page.read_text(encoding="utf-8").splitlines() if "catalog" in line]
    named = {option for line in lines for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", line)}
    assert named <= known


def test_the_session_in_the_readme_shows_the_real_figures(recorded_catalogs: Path) -> None:
    block = README.split("```console\n")[1].split("```")[0]
    second = "\n".join(block.split("$ head -2 catalogs/v8/lambda/vms.csv\n")[1].strip().splitlines())
    assert (recorded_catalogs / "v8/lambda/vms.csv").read_text().startswith(second + "\n")
    for cloud in ("yotta", "lambda", "runpod"):
        rows = (recorded_catalogs / "v8" / cloud / "vms.csv").read_text().count("\n") - 1
        assert re.search(rf"^{cloud}\s+fresh\s+sample\s+{rows}\s", block, re.MULTILINE)


def test_the_python_in_the_readme_runs(recorded_catalogs: Path) -> None:
    code = README.split("```python\n")[1].split("```")[0]
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=recorded_catalogs.parent
    )
    assert re.fullmatch(r"8x_H100-SXM_SECURE 26.32 2026-.*\n26.32\n", run.stdout)


def test_the_list_in_the_readme_is_the_real_one(recorded_catalogs: Path) -> None:
    block = README.split("$ gpu-catalog list H100 --count 8\n")[1].split("```")[0]
    shown = CliRunner().invoke(gpu_catalog, ["list", "H100", "--count", "8", "--root", str(recorded_catalogs)])
    assert shown.stdout == block


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize(
    ("page", "printed"),
    [
        ("docs/skypilot.md", "(['gpu_8x_a100'], [])\n15.92\n"),
        ("docs/yotta-plugin.md", "1 14 119 NVIDIA_GeForce_RTX_5090_32G SECURE\nNVIDIA_L4_24G\n"),
    ],
)
def test_the_python_in_the_docs_runs(page: str, printed: str) -> None:
    code = (ROOT / page).read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == printed
