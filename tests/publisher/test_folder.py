"""Writing a folder: whole or not at all, also on a full disk, under two publishers, after a kill."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gpu_catalog.manifest import read_manifest
from publisher.errors import FolderProblem
from publisher.folder import Folder
from tests.publisher.commands import digests, fetch, publish


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


def test_a_rename_that_fails_leaves_no_temporary_file(catalogs: Path) -> None:
    target = catalogs / "v8/yotta/vms.csv"
    target.unlink()
    target.mkdir()
    with pytest.raises(FolderProblem, match="cannot write"):
        Folder(catalogs).replace({"v8/yotta/vms.csv": b"new"}, read_manifest(catalogs))
    assert not list(catalogs.rglob(".tmp-*"))


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
