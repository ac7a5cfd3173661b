"""The command `gpu-catalog`: what it shows, and what it says about wrong input."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gpu_catalog.cli import main
from gpu_catalog.texts import dollars, printable, table
from tests.samples import CATALOGS


@pytest.fixture(autouse=True)
def _catalogs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GPU_CATALOG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GPU_CATALOG_ROOT", str(CATALOGS))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_the_list_shows_price_memory_stock_and_age() -> None:
    result = run("list", "rtx 5090", "--cloud", "yotta", "--count", "8")

    assert result.exit_code == 0
    header, line, *_ = result.stdout.splitlines()
    assert header.split() == [
        "GPU", "QTY", "CLOUD", "INSTANCE_TYPE", "DEVICE_MEM", "vCPUs", "HOST_MEM", "PRICE", "SPOT", "$/GPU-H",
        "REGION", "STOCK", "AS_OF",
    ]  # fmt: skip
    assert line.split() == [
        "RTX5090", "8", "Yotta", "8x112v952g_NVIDIA_GeForce_RTX_5090_32G_SECURE", "32GB", "112", "952GB", "5.20",
        "-", "0.6500", "us-east-2", "?", "2026-03-27",
    ]  # fmt: skip
    assert "sample data, not today's prices" in result.stderr


def test_without_a_gpu_every_accelerator_of_every_cloud_is_listed_once() -> None:
    offers = json.loads(run("list", "--json").stdout)["offers"]
    pairs = [(line["cloud"], line["accelerator"]) for line in offers]
    assert len(pairs) == len(set(pairs)) > 30
    per_gpu = [line["price_usd_per_gpu_hour"] for line in offers]
    assert per_gpu == sorted(per_gpu)
    assert all(line["gpu_memory_mib"] > 0 for line in offers)


def test_filters_and_order() -> None:
    everywhere = json.loads(run("list", "H100", "--all-regions", "--json").stdout)["offers"]
    assert all(len(line["regions"]) == 1 for line in everywhere)
    american = json.loads(run("list", "H100", "--region", "us", "--json").stdout)["offers"]
    assert {tuple(line["regions"]) for line in american} == {("US",)}
    biggest = json.loads(run("list", "--sort", "gpu-memory", "--json").stdout)["offers"][0]
    assert biggest["accelerator"] == "B300"
    spot = run("list", "--spot")
    assert (spot.exit_code, spot.stdout) == (1, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("list", "H10"), "no accelerator 'H10' in the catalog; did you mean H100,"),
        (("list", "nonsense\x1b[31m"), "no accelerator 'nonsense\\x1b[31m' in the catalog"),
        (("list", "--cloud", "cumulus"), "no cloud 'cumulus' in the catalog; there are lambda, runpod, yotta"),
        (
            ("list", "H100", "--region", "us-est-1"),
            "no region 'us-est-1' in these clouds; did you mean us-west-1, us-east-1",
        ),
        (("list", "--root", "nowhere"), "nowhere: no such folder"),
        (("list", "--root", ""), "an empty root; name a folder or URL"),
        (("list", "--root", "https://[::1"), "https://[::1: no URL (Invalid IPv6 URL)"),
        (("sync", "https://[::1"), "https://[::1: no URL (Invalid IPv6 URL)"),
        (
            ("sync", "https://me:secret@example.com"),
            "https://...@example.com: a URL with a user name or password in it",
        ),
        (("why", "RTX509"), "did you mean RTX5090,"),
    ],
)
def test_wrong_input_gets_one_line_that_helps(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert "secret" not in result.stderr


def test_errors_in_json_mode_are_json() -> None:
    result = run("list", "H10", "--json")
    assert (result.exit_code, result.stderr) == (1, "")
    assert json.loads(result.stdout)["error"].startswith("no accelerator")


def test_why_tells_the_row_its_source_and_its_marks() -> None:
    result = run("why", "1x_A40_SECURE")
    assert result.exit_code == 0
    assert "RunPod: 1x_A40_SECURE: 0.4400 USD/h in AU, CA" in result.stdout
    assert "from: sample:" in result.stdout
    assert "derived: vCPUs or memory are SkyPilot's published figure" in result.stdout
    assert "SkyPilot's launcher does not know this name" in run("why", "1x_B300_SECURE").stdout


@pytest.mark.parametrize("name", ["NVIDIA A30", "a30"])
def test_why_tells_why_something_was_skipped(name: str) -> None:
    result = run("why", name)
    assert result.exit_code == 1
    assert result.stdout == "RunPod: NVIDIA A30: skipped: not sold on secure cloud (rule not-offered)\n"


def test_why_knows_the_names_of_schema_v7_and_of_the_clouds() -> None:
    old = json.loads(run("why", "1x_RTX5090_SECURE", "--json").stdout)["offers"]
    assert {line["cloud"] for line in old} == {"yotta", "runpod"}
    assert json.loads(run("why", "NVIDIA H100 PCIe", "--json").stdout)["offers"]
    synonym = json.loads(run("why", "A100_80GB", "--json").stdout)["offers"]
    assert {line["accelerator"] for line in synonym} == {"A100-80GB"}


def test_names_from_a_catalog_cannot_reach_the_terminal(tmp_path: Path) -> None:
    shutil.copytree(CATALOGS / "v8/lambda", tmp_path / "lambda")
    path = tmp_path / "lambda/vms.csv"
    path.write_text(path.read_text().replace("gpu_8x_v100", "gpu\x1b[2J"))
    assert "\x1b" not in run("list", "--root", str(tmp_path)).output


def test_help_and_list_load_nothing_heavy() -> None:
    program = (
        "import sys; from gpu_catalog.cli import main; main(['list', 'H100'], standalone_mode=False); "
        "print('LOADED', *sorted({'pandas', 'numpy', 'pyarrow', 'requests', 'rich'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines()[-1] == "LOADED"


def test_texts() -> None:
    assert printable("a\x1b\u202e\n") == "a\\x1b\\u202e\\n"
    assert (dollars(None), dollars(Decimal("0.5"))) == ("-", "0.5000")
    assert table(("A", "B"), [("x", "10"), ("yy", "2")], frozenset({1})) == "A    B\nx   10\nyy   2"
