"""The README's commands are the real ones, and its Python runs."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from gpu_catalog import estimate_cost
from gpu_catalog.cli import main as gpu_catalog
from gpu_catalog.estimate_cli import estimate_command
from publisher.cli import fetch_catalog, publish_catalog
from publisher.push import push
from publisher.store import open_store
from tests.publisher.nights import night, times
from tests.samples import CATALOGS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "fetchers").rglob("*.md")])


def test_the_two_set_up_commands_stand_on_lines_of_their_own() -> None:
    assert README.count("\npip install '.[fetch]' && fetch-catalog all --recorded\n") == 1
    assert README.count("\npip install '.[test]' && pytest\n") == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_named_in_the_docs_exist(page: Path) -> None:
    helps = [CliRunner().invoke(fetch_catalog, ["-h"]).output, CliRunner().invoke(publish_catalog, ["-h"]).output]
    helps.append(CliRunner().invoke(estimate_command, ["-h"]).output)
    for group in (publish_catalog, gpu_catalog):
        helps += [CliRunner().invoke(group, [name, "-h"]).output for name in group.commands]
    known = set(re.findall(r"--[a-z-]+", " ".join(helps)))
    ours = re.compile("catalog|(?<!--)estimate-cost")
    lines = [line for line in page.read_text(encoding="utf-8").splitlines() if ours.search(line)]
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
    assert re.fullmatch(r"1.99\n8x_H100-SXM_SECURE 26.32 2026-.*\n26.32\n", run.stdout)


def test_the_list_in_the_readme_is_the_real_one(recorded_catalogs: Path) -> None:
    block = README.split("$ gpu-catalog list H100 --count 8\n")[1].split("```")[0]
    shown = CliRunner().invoke(gpu_catalog, ["list", "H100", "--count", "8", "--root", str(recorded_catalogs)])
    assert shown.stdout == block


def test_the_push_in_the_readme_is_the_real_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "catalogs").symlink_to(CATALOGS)
    command, shown = re.findall(r"\n\$ publish-catalog (push .*)\n((?:.*\n)*?)```", README)[0]
    assert CliRunner().invoke(publish_catalog, shlex.split(command)).stdout == shown


def test_the_query_in_the_docs_gives_the_price_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, factor in ((1, "1"), (2, "1.1")):
        fetched = night(tmp_path / str(number), number, {"lambda": [times(factor, "H100")]})
        push(fetched, open_store(tmp_path / "store"))
    query = (ROOT / "docs/operations.md").read_text().split("```sql\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path / "store")
    rows = duckdb.connect().execute(query).fetchall()
    prices = [
        price for cloud, instance_type, _, price in rows if (cloud, instance_type) == ("lambda", "gpu_8x_h100_sxm5")
    ]
    assert set(prices) == {Decimal("31.92"), Decimal("35.112")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize(
    ("page", "printed"),
    [
        ("docs/skypilot.md", "(['gpu_8x_a100'], [])\n15.92\n"),
        ("docs/yotta-plugin.md", "1 14 119 NVIDIA_GeForce_RTX_5090_32G SECURE\nNVIDIA_L4_24G\n"),
        ("docs/estimates.md", "46.24 554.88 runpod AU 2026-07-01\n"),
        ("docs/node-config.md", "['high', 'low', 'medium']\n"),
    ],
)
def test_the_python_in_the_docs_runs(page: str, printed: str, tmp_path: Path) -> None:
    (tmp_path / "catalogs").symlink_to(CATALOGS)
    code = (ROOT / page).read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert run.stdout == printed


@pytest.mark.parametrize("page", ["README.md", "docs/estimates.md"])
def test_the_estimates_in_the_docs_are_what_is_printed(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_CATALOG_ROOT", str(CATALOGS))
    blocks = re.findall(r"```console\n\$ estimate-cost (.*)\n((?:.*\n)*?)```", (ROOT / page).read_text())
    assert blocks
    for arguments, shown in blocks:
        result = CliRunner().invoke(estimate_command, shlex.split(arguments))
        printed = re.sub(r"are \d+ days old", "are N days old", result.output)
        expected = re.sub(r"are \d+ days old", "are N days old", shown)
        assert printed.startswith(expected.removesuffix("  ...\n")), arguments
        assert "...\n" in shown or printed == expected, arguments


def test_the_own_prices_in_the_docs_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs/estimates.md").read_text().split("```toml\n")[1].split("```")[0]
    (tmp_path / "gpu-catalog").mkdir()
    (tmp_path / "gpu-catalog/overrides.toml").write_text(text)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("GPU_CATALOG_ROOT", str(CATALOGS))
    answer = estimate_cost(instance_type="gpu_8x_h100_sxm5")
    assert answer.hourly_cost == 25.0
    assert "Own price for gpu_8x_h100_sxm5 on lambda: not the list price" in answer.warnings


def test_the_node_config_in_the_docs_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_CATALOG_ROOT", str(CATALOGS))
    page = (ROOT / "docs/node-config.md").read_text()
    found = re.search(r"\$ echo '(.*)' \| estimate-cost (.*)\n", page)
    assert found
    result = CliRunner().invoke(estimate_command, shlex.split(found[2]), input=found[1])
    assert [answer["provider"] for answer in json.loads(result.stdout)] == ["runpod"]
