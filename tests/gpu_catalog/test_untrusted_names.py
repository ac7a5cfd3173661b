"""Names, reasons and times of a hostile catalog reach a terminal as plain characters only."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gpu_catalog.cli import main
from gpu_catalog.cvl import print_estimate
from tests.gpu_catalog.test_untrusted import rewrite
from tests.samples import CATALOGS

ESCAPES = "\x1b]0;pwned\x07\x1b[2J\x9b2J\x85\u202e\ud800"
"""A title, cleared screens in 7 and 8 bits, a line end, a reversal of what follows, half a surrogate pair."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(CATALOGS, tmp_path / "catalogs", ignore=shutil.ignore_patterns("*.parquet"))


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


def hostile_names(folder: Path) -> Path:
    """Every text that people get to see, with escapes in it."""
    for cloud in ("yotta", "lambda"):
        lines = []
        for line in (folder / f"v8/{cloud}/offers.jsonl").read_text().splitlines():
            entry = json.loads(line)
            for key in filter(entry.get, ("source", "listing", "observed_at")):
                entry[key] += ESCAPES
            entry["instance_type"] += ESCAPES
            entry["regions"] = {
                f"{r}{ESCAPES}": [f"{z}{ESCAPES}" for z in zs] for r, zs in entry["regions"].items()
            }
            entry["in_stock"], entry["out_of_stock"], entry["marks"] = [], [], [ESCAPES]
            if cloud == "lambda" and entry["accelerator_name"]:
                entry["accelerator_name"] += ESCAPES
            lines.append(json.dumps(entry))
        rewrite(folder, f"v8/{cloud}/offers.jsonl", "".join(f"{line}\n" for line in lines).encode())
    change = {
        "cloud": "yotta", "instance_type": ESCAPES, "kind": "spot", "price_usd_per_hour": 1, "publication": ESCAPES,
        "valid_from": "2026-11-22T02:30:00Z", "accelerator": "RTX5090", "accelerator_count": 1,
        "regions": [ESCAPES],
    }  # fmt: skip
    rewrite(folder, "history/yotta.jsonl", f"{json.dumps(change)}\n".encode())
    document = json.loads((folder / "manifest.json").read_bytes())
    document["observed_at"] = ESCAPES
    for entry in document["clouds"].values():
        entry |= {"reason": ESCAPES, "observed_at": ESCAPES, "warnings": [ESCAPES], "sources": [ESCAPES]}
        for skipped in entry["skipped"]:
            skipped |= {"reason": ESCAPES, "rule": ESCAPES, "listing": f"{skipped['listing']}{ESCAPES}"}
    (folder / "manifest.json").write_text(json.dumps(document))
    return folder


COMMANDS = [
    ["list"],
    ["list", "RTX5090", "--all-regions"],
    ["list", "nonsense"],
    ["list", "--region", "nowhere"],
    ["why", "RTX5090"],
    ["why", "A10"],
    ["why", "nonsense"],
    ["history", "RTX5090"],
    ["history", "nonsense"],
    ["estimate", "RTX5090:1"],
    ["estimate", "RTX5090:1", "--all", "--top", "9"],
    ["estimate", "RTX5090:7"],
    ["estimate", "nonsense"],
    ["estimate", "--instance-type", "gpu_1x_a10"],
    ["estimate", "--compare"],
    ["install", "--dry-run", "--clouds", "yotta"],
]


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_text_of_a_catalog_can_do_anything_to_a_terminal(
    arguments: list[str], as_json: bool, folder: Path, tmp_path: Path
) -> None:
    where = ["--sky-home", str(tmp_path / "home")] if arguments[0] == "install" else ["--json"] * as_json
    result = run(*arguments, "--root", hostile_names(folder), *where)
    assert result.output
    assert [c for c in result.output if not c.isprintable() and c != "\n"] == []


def test_a_reason_that_cvl_prints_can_do_nothing_either(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_estimate({"runner": ESCAPES}) == 1
    assert print_estimate({"platform": ESCAPES}) == 1
    told = capsys.readouterr()
    assert told.err.count("\n") == 2
    assert [c for c in told.out + told.err if not c.isprintable() and c != "\n"] == []
