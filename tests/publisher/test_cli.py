"""Wrong usage, messages and machine-readable output of the commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.emulator import Emulator
from tests.publisher.commands import fetch, publish


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["yota"], "did you mean yotta?"),
        (["aws"], "choose from yotta, lambda, runpod, all."),
        ([], "Missing argument"),
        (["yotta", "--schema", "v9"], "is not a comma-separated list of v7, v8"),
        (["yotta", "--schema", ""], "is not a comma-separated list"),
        (["yotta", "--deadline", "0"], "is not in the range"),
        (["yotta", "--sites", "some"], "is not one of"),
        (["yotta", "--recorded", "--record", "x"], "--recorded and --record do not go together"),
        (["yotta", "--recorded", "--sites", "in-stock"], "samples say nothing about stock"),
        (["yotta", "--replay", "no-such-folder"], "does not exist"),
        (["yotta", "--api-key", "x"], "No such option"),
        (["yotta,lambda"], "separate clouds by spaces"),
        (["yotta", "--output", ""], "an empty path"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str], message: str) -> None:
    result = fetch(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_names_compare_without_case_and_once(tmp_path: Path) -> None:
    result = fetch("Yotta", "yotta", "--recorded", "--output", tmp_path, "--json")
    assert list(json.loads(result.stdout)["clouds"]) == ["yotta"]


def test_json_is_one_document_and_nothing_else(tmp_path: Path) -> None:
    result = fetch("all", "--recorded", "--output", tmp_path, "--json")
    document = json.loads(result.stdout)
    assert result.stderr == ""
    assert document["exit_code"] == result.exit_code == 0
    assert document["output"] == str(tmp_path)
    assert document["clouds"]["lambda"]["state"] == "fresh"
    assert document["clouds"]["lambda"]["cheapest_usd_per_gpu_hour"] == 0.69
    assert document["clouds"]["runpod"]["kind"] == "sample"


def test_json_of_a_failure_says_why_on_stdout(tmp_path: Path) -> None:
    result = fetch("yotta", "--output", tmp_path / "none", "--json")
    document = json.loads(result.stdout)
    assert result.stderr == ""
    assert document["exit_code"] == result.exit_code == 1
    assert document["output"] is None
    assert "YOTTA_API_KEY" in document["clouds"]["yotta"]["reason"]
    (tmp_path / "manifest.json").write_text("{")
    result = fetch("yotta", "--recorded", "--output", tmp_path, "--json")
    assert "manifest.json" in json.loads(result.stdout)["error"]


def test_in_stock_leaves_out_what_is_sold_out(emulator: Emulator, tmp_path: Path) -> None:
    for entry in emulator.data.lambda_types.values():
        entry["regions_with_capacity_available"] = [{"name": "us-east-1", "description": "Virginia, USA"}]
    result = fetch("lambda", "--sites", "in-stock", "--output", tmp_path, env=emulator.environ)
    assert result.exit_code == 0, result.output
    assert "400 rows out of stock now were left out" in result.stderr
    text = (tmp_path / "v8/lambda/vms.csv").read_text()
    assert text.count("\n") == 26
    assert "us-west" not in text


def test_probe_reports_on_every_endpoint(emulator: Emulator) -> None:
    result = fetch("all", "--probe", env=emulator.environ)
    assert result.exit_code == 0, result.output
    assert "GET /v2/vms/types: 200" in result.stdout
    assert "? How is a bad key refused?" in result.stdout
    assert "not answered" not in result.stdout
    assert not [key for name, key in emulator.environ.items() if name.endswith("_KEY") and key in result.stdout]


def test_probe_with_a_key_that_is_rejected_everywhere_fails(emulator: Emulator) -> None:
    result = fetch("lambda", "--probe", env={**emulator.environ, "LAMBDA_API_KEY": "not-the-right-key"})
    assert result.exit_code == 1
    assert "GET /api/v1/instance-types: 401" in result.stdout


def test_probe_records_too(emulator: Emulator, tmp_path: Path) -> None:
    result = fetch("lambda", "--probe", "--record", tmp_path, env=emulator.environ)
    assert result.exit_code == 0, result.output
    assert len(list((tmp_path / "lambda").glob("*-instance-types.json"))) == 2  # with the key, and with a wrong one
    assert emulator.environ["LAMBDA_API_KEY"] not in "".join(f.read_text() for f in tmp_path.rglob("*.json"))


def test_probe_without_a_key_says_so() -> None:
    result = fetch("yotta", "--probe", "--json")
    assert result.exit_code == 1
    assert "YOTTA_API_KEY" in json.loads(result.stdout)[0]["endpoints"][0]["error"]


def test_validate_names_row_column_value_and_rule(catalogs: Path) -> None:
    file = catalogs / "v8/lambda/vms.csv"
    file.write_text(file.read_text().replace(",,1.29,", ",,0,", 1))
    result = publish("validate", catalogs)
    assert result.exit_code == 1
    assert "Price '0" in result.stdout
    document = json.loads(publish("validate", file, "--json").stdout)
    assert document[0]["cloud"] == "lambda"
    assert document[0]["findings"]


def test_validate_of_nothing(tmp_path: Path) -> None:
    result = publish("validate", tmp_path)
    assert result.exit_code == 1
    assert "no vms.csv below" in result.stderr


def test_the_light_installation_says_what_to_install(tmp_path: Path) -> None:
    """As if the libraries of the extra were not there: their import is refused."""
    script = (
        "import sys, importlib.util; find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *a: None if name == 'pandas' else find(name, *a)\n"
        "from publisher.cli import fetch_catalog; fetch_catalog()"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, "yotta", "--recorded", "--output", tmp_path],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2], env=dict(os.environ),
    )  # fmt: skip
    assert run.returncode == 1
    assert run.stderr == (
        "Error: fetch-catalog needs the extra `fetch` (no pandas here): pip install 'gpu-catalog[fetch]'\n"
    )
