"""The catalogs in the repository, and that they are what the bundled responses give."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.emulator import Emulator
from tests.publisher.commands import digests, fetch, publish
from tests.samples import CATALOGS as SAMPLES

CATALOGS = Path(__file__).resolve().parents[1] / "catalogs"


def test_recorded_answers_give_the_samples_byte_by_byte(recorded_catalogs: Path) -> None:
    """But for Parquet, whose bytes differ between versions of the library that writes it."""
    written = {path: digest for path, digest in digests(recorded_catalogs).items() if not _varies(path)}
    assert written == {path: digest for path, digest in digests(SAMPLES).items() if not _varies(path)}


def _varies(path: str) -> bool:
    return path.endswith(".parquet") or path == "manifest.json"


def test_two_runs_give_the_same_bytes(recorded_catalogs: Path, tmp_path: Path) -> None:
    result = fetch("all", "--recorded", "--output", tmp_path)
    assert result.exit_code == 0, result.output
    assert digests(tmp_path) == digests(recorded_catalogs)


def test_a_second_run_into_the_same_folder_changes_nothing(catalogs: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in catalogs.rglob("*") if file.is_file() and file.suffix}
    assert fetch("all", "--recorded", "--output", catalogs).exit_code == 0
    assert {file: file.stat().st_mtime_ns for file in before} == before


def test_the_committed_catalogs_are_valid(tmp_path: Path) -> None:
    """Whatever they hold: the nightly job replaces them."""
    assert publish("validate", CATALOGS).exit_code == 0
    result = publish("verify", CATALOGS)
    assert result.exit_code == 0, result.stderr


def test_a_git_export_without_parquet_verifies(catalogs: Path) -> None:
    for file in catalogs.rglob("*.parquet"):
        file.unlink()
    assert publish("verify", catalogs).exit_code == 0


def csv_files(folder: Path) -> dict[str, str]:
    return {path: digest for path, digest in digests(folder).items() if path.endswith(".csv")}


def test_the_live_path_gives_the_catalogs_of_the_recorded_one(
    emulator: Emulator, recorded_catalogs: Path, tmp_path: Path
) -> None:
    result = fetch("all", "--output", tmp_path, env=emulator.environ)
    assert result.exit_code == 0, result.output
    assert csv_files(tmp_path) == csv_files(recorded_catalogs)
    assert not emulator.violations
    requests = {cloud: sum(f"/{cloud}/" in request.path for request in emulator.requests) for cloud in
                ("yotta", "lambda", "runpod")}  # fmt: skip
    assert requests == {"yotta": 2, "lambda": 2, "runpod": 4}


def test_runpod_without_a_key_gives_the_same_catalog_in_one_request(
    emulator: Emulator, recorded_catalogs: Path, tmp_path: Path
) -> None:
    env = {name: value for name, value in emulator.environ.items() if not name.endswith("_KEY")}
    result = fetch("runpod", "--output", tmp_path, env=env)
    assert result.exit_code == 0, result.output
    assert len(emulator.requests) == 1
    recorded = csv_files(recorded_catalogs)
    for version in ("v7", "v8"):
        path = f"{version}/runpod/vms.csv"
        assert csv_files(tmp_path)[path] == recorded[path]


def test_what_was_recorded_live_replays_to_the_same_catalogs(
    emulator: Emulator, recorded_catalogs: Path, tmp_path: Path
) -> None:
    record, live, replayed = tmp_path / "answers", tmp_path / "live", tmp_path / "replayed"
    assert fetch("all", "--output", live, "--record", record, env=emulator.environ).exit_code == 0
    saved = "".join(file.read_text(encoding="utf-8") for file in record.rglob("*.json"))
    assert not [key for name, key in emulator.environ.items() if name.endswith("_KEY") and key in saved]
    assert fetch("all", "--output", replayed, "--replay", record).exit_code == 0
    assert csv_files(replayed) == csv_files(live) == csv_files(recorded_catalogs)


def test_clouds_not_asked_for_stay_as_they_are(catalogs: Path, emulator: Emulator) -> None:
    before = digests(catalogs)
    emulator.data.lambda_types["gpu_1x_a10"]["instance_type"]["price_cents_per_hour"] = 130
    assert fetch("lambda", "--output", catalogs, env=emulator.environ).exit_code == 0
    after = digests(catalogs)
    changed = {path for path in after if after[path] != before.get(path)}
    assert changed >= {"v7/lambda/vms.csv", "v8/lambda/vms.csv", "manifest.json"}
    assert all("/lambda/" in path or path == "manifest.json" for path in changed)
    assert publish("verify", catalogs).exit_code == 0


def test_one_schema_version_alone(tmp_path: Path) -> None:
    assert fetch("lambda", "--recorded", "--schema", "v7", "--output", tmp_path).exit_code == 0
    assert (tmp_path / "v7/lambda/vms.csv").exists()
    assert not (tmp_path / "v8/lambda").exists()
    assert publish("verify", tmp_path).exit_code == 0


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "none"
    assert fetch("all", "--recorded", "--dry-run", "--output", folder).exit_code == 0
    assert not folder.exists()


def test_a_foreign_folder_of_skypilot_is_checked_file_by_file(recorded_catalogs: Path, tmp_path: Path) -> None:
    copy = tmp_path / "vms.csv"
    shutil.copy(recorded_catalogs / "v8/lambda/vms.csv", copy)
    assert publish("validate", copy, "--cloud", "lambda", "--schema", "v8").exit_code == 0
    result = publish("validate", copy)
    assert result.exit_code == 1
    assert "--schema" in result.stderr
