"""`publish-catalog verify`: everything that can differ from the manifest is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.publisher.commands import publish


def append(path: str) -> Callable[[Path], object]:
    return lambda folder: (folder / path).write_bytes((folder / path).read_bytes() + b"x")


def add_a_foreign_catalog(folder: Path) -> None:
    (folder / "v8/aws").mkdir()
    (folder / "v8/aws/vms.csv").write_text("x")


def edit(folder: Path) -> None:
    file = folder / "v8/lambda/vms.csv"
    file.write_text(file.read_text().replace("1.29", "1.28"))


def claim(key: str, value: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest[key] = value
        (folder / "manifest.json").write_text(json.dumps(manifest))

    return change


def fail_a_cloud(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["clouds"]["yotta"]["state"] = "failed"
    (folder / "manifest.json").write_text(json.dumps(manifest))


def leave_the_folder(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["../outside.csv"] = manifest["files"]["v8/yotta/vms.csv"]
    (folder / "manifest.json").write_text(json.dumps(manifest))


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "longer": (append("v8/runpod/vms.csv"), "v8/runpod/vms.csv: "),
    "edited": (edit, "v8/lambda/vms.csv: sha256"),
    "gone": (lambda folder: (folder / "v7/yotta/vms.csv").unlink(), "v7/yotta/vms.csv: cannot be read"),
    "parquet edited": (append("v8/yotta/vms.parquet"), "v8/yotta/vms.parquet: "),
    "foreign catalog": (add_a_foreign_catalog, "v8/aws/vms.csv: not in the manifest"),
    "other id": (claim("id", "20260101T000000Z-000000000000"), "manifest.json: id"),
    "state": (fail_a_cloud, "yotta is failed, but has vms.csv"),
    "path out": (leave_the_folder, "'../outside.csv' is not"),
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "not there"),
    "half a manifest": (
        lambda folder: (folder / "manifest.json").write_bytes((folder / "manifest.json").read_bytes()[:900]),
        "manifest.json: ",
    ),
    "newer": (claim("format", 2), "newer than this version"),
}


def test_a_good_folder(catalogs: Path) -> None:
    result = publish("verify", catalogs)
    assert result.exit_code == 0
    assert "all files are as the manifest says" in result.stdout


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damage_is_named(name: str, catalogs: Path) -> None:
    damage, message = DAMAGES[name]
    damage(catalogs)
    result = publish("verify", catalogs)
    assert result.exit_code == 1
    assert message in result.stderr
    document = json.loads(publish("verify", catalogs, "--json").stdout)
    assert any(message in problem for problem in document["problems"])
