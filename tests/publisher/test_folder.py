"""Writing a folder: whole or not at all, also on a full disk, under two publishers, after a kill."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import publisher.folder
from gpu_catalog.manifest import read_manifest
from publisher.errors import FolderProblem
from publisher.folder import Folder
from tests.emulator import Emulator
from tests.publisher.commands import digests, fetch, publish

ROOT = Path(__file__).parents[2]


def test_an_output_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    result = fetch("yotta", "--recorded", "--output", tmp_path / "file" / "catalogs")
    assert result.exit_code == 1
    assert "cannot write" in result.stderr
    assert "Not a directory" in result.stderr


def test_a_full_disk_changes_nothing(catalogs: Path) -> None:
    """The kernel refuses to let any file grow beyond 100 kB, as a full disk would."""
    (catalogs / "v8/runpod/vms.csv").write_text("old\n")
    before = digests(catalogs)
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "from publisher.cli import fetch_catalog; fetch_catalog()"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, "runpod", "--recorded", "--output", catalogs],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert run.returncode == 1, run.stderr
    assert "runpod: cannot write" in run.stderr
    assert digests(catalogs) == before
    assert not list(catalogs.rglob(".tmp-*"))


@pytest.mark.parametrize("in_the_way", ["v8/yotta/vms.csv", "v8/yotta", "manifest.json"])
def test_something_in_the_way_is_found_before_anything_is_written(in_the_way: str, catalogs: Path) -> None:
    place = catalogs / in_the_way
    if place.is_dir():
        shutil.rmtree(place)
        place.write_text("a file where a folder belongs")
    else:
        place.unlink()
        place.mkdir()
    before = digests(catalogs)
    result = fetch("yotta", "--recorded", "--output", catalogs)
    assert result.exit_code == 1
    assert "yotta" in result.stderr or "manifest.json" in result.stderr
    assert digests(catalogs) == before


def test_a_relative_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert fetch("yotta", "--recorded").exit_code == 0
    assert publish("verify", "catalogs").exit_code == 0


KILLED_BEFORE_RENAME = """
import os, signal, sys
from pathlib import Path
left = int(sys.argv.pop(1))
rename = Path.replace
def replace(self, target):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(self, target)
Path.replace = replace
from publisher.cli import fetch_catalog
fetch_catalog()
"""


@pytest.mark.parametrize("renames", [0, 1, 4, 7])
def test_a_run_killed_between_renames_is_finished_by_the_next(
    renames: int, catalogs: Path, emulator: Emulator, tmp_path: Path
) -> None:
    """The kill is SIGKILL; the first rename is that of the journal."""
    fresh = tmp_path / "fresh"
    for entry in emulator.data.lambda_types.values():
        entry["instance_type"]["price_cents_per_hour"] += 1
    environ = {**os.environ, **emulator.environ}
    command = [sys.executable, "-c", KILLED_BEFORE_RENAME, str(renames), "lambda", "--output", str(catalogs)]
    run = subprocess.run(command, capture_output=True, check=False, cwd=ROOT, env=environ)
    assert run.returncode == -signal.SIGKILL
    for file in catalogs.rglob("*.csv"):
        assert file.read_bytes().endswith(b"\n")
    verified = publish("verify", catalogs)
    if renames == 0:
        assert verified.exit_code == 0, verified.stderr
    else:
        assert "was killed while it wrote here" in verified.stderr
    assert fetch("yotta", "--recorded", "--output", catalogs).exit_code == 0
    assert publish("verify", catalogs).exit_code == 0
    assert not list(catalogs.rglob(".tmp-*"))
    assert fetch("lambda", "--output", fresh, env=emulator.environ).exit_code == 0
    new = (catalogs / "v8/lambda/vms.csv").read_bytes() == (fresh / "v8/lambda/vms.csv").read_bytes()
    assert new == (renames > 0)


@pytest.mark.parametrize(
    "journal",
    ["half", "[]", '{".tmp-x": "../outside"}', '{".tmp-x": "/outside"}', '{"v8/.tmp-x": "manifest.json"}',
     '{"manifest.json": "other.json"}', '{"../.tmp-x": "../outside"}'],
)  # fmt: skip
def test_a_journal_that_is_not_ours_moves_nothing(journal: str, catalogs: Path) -> None:
    (catalogs / ".tmp-x").write_text("planted")
    (catalogs / ".journal.json").write_text(journal)
    before = digests(catalogs)
    result = fetch("yotta", "--recorded", "--output", catalogs)
    assert result.exit_code == 1
    assert ".journal.json" in result.stderr
    assert "; remove it" in result.stderr
    assert digests(catalogs) == before
    assert not (catalogs.parent / "outside").exists()


def test_a_folder_that_stays_locked_is_given_up(catalogs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher.folder, "LONGEST_WAIT_SECONDS", 0.2)
    with Folder(catalogs).locked(), pytest.raises(FolderProblem, match="is being written by another run"):
        Folder(catalogs).locked().__enter__()


def test_a_subset_of_versions_is_not_mixed_with_older_files(catalogs: Path) -> None:
    before = digests(catalogs)
    result = fetch("lambda", "--recorded", "--schema", "v7", "--output", catalogs)
    assert result.exit_code == 1
    assert "holds lambda in schema v8 too" in result.stderr
    assert digests(catalogs) == before


def test_leftovers_of_a_killed_run_do_not_fail_verify_and_are_removed(catalogs: Path) -> None:
    leftover = catalogs / "v8/yotta/.tmp-abc"
    leftover.write_text("half")
    assert publish("verify", catalogs).exit_code == 0
    assert fetch("yotta", "--recorded", "--output", catalogs).exit_code == 0
    assert not leftover.exists()


def test_a_manifest_that_cannot_be_read_is_not_overwritten(catalogs: Path) -> None:
    (catalogs / "manifest.json").write_text('{"format": 99}')
    result = fetch("yotta", "--recorded", "--output", catalogs)
    assert result.exit_code == 1
    assert "newer" in result.stderr
    assert (catalogs / "manifest.json").read_text() == '{"format": 99}'


def test_the_second_publisher_waits_for_the_first(catalogs: Path) -> None:
    order = []
    entered = threading.Event()

    def second() -> None:
        entered.set()
        with Folder(catalogs).locked():
            order.append("second")

    thread = threading.Thread(target=second)
    with Folder(catalogs).locked():
        thread.start()
        entered.wait()
        thread.join(timeout=0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_files_are_readable_by_others_whatever_their_temporary_mode(catalogs: Path) -> None:
    os.umask(0o022)
    Folder(catalogs).replace({"v8/yotta/new.csv": b"x"}, read_manifest(catalogs))
    assert (catalogs / "v8/yotta/new.csv").stat().st_mode & 0o777 == 0o644
