"""`gpu-catalog install` and `uninstall`: SkyPilot's folder before and after."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gpu_catalog import install as installing
from gpu_catalog.cli import main
from gpu_catalog.errors import CannotInstall
from gpu_catalog.install import install, uninstall
from gpu_catalog.places import sky_home
from tests.samples import CATALOGS


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def base(home: Path) -> Path:
    return home / ".sky" / "catalogs"


def put(home: Path, *clouds: str, dry_run: bool = False) -> dict[str, str]:
    changes = install(CATALOGS, clouds or ("yotta",), home, allow_sample=True, dry_run=dry_run)
    return {change.path.relative_to(base(home)).as_posix(): change.action for change in changes}


def tree(folder: Path) -> dict[str, bytes]:
    """Every file but our own record and lock."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in {"installed.json", "lock"}
    }


def test_yotta_in_both_schemas_and_the_accelerators(home: Path) -> None:
    actions = put(home)

    assert set(actions) == {
        f"{v}/{name}" for v in ("v7", "v8") for name in ("yotta/vms.csv", "common/accelerators.csv")
    }
    assert set(actions.values()) == {"write"}
    for schema in ("v7", "v8"):
        assert (base(home) / schema / "yotta/vms.csv").read_bytes() == (
            CATALOGS / schema / "yotta/vms.csv"
        ).read_bytes()
    assert set(put(home).values()) == {"same"}


def test_what_was_there_comes_back_to_the_byte(home: Path) -> None:
    edited = base(home) / "v8/lambda/vms.csv"
    md5 = base(home) / "v8/.meta/lambda/vms.csv.md5"
    common = base(home) / "v8/common/accelerators.csv"
    for path, text in ((edited, "my own\n"), (md5, "0" * 32), (common, "AcceleratorName,Clouds\nT4,\"['AWS']\"\n")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    before = tree(home)

    result = run("install", "--clouds", "lambda", "--allow-sample", home=home)

    assert result.exit_code == 0
    assert (
        f"replace {edited} (what was there is kept as {base(home)}/.gpu-catalog/v8/lambda/vms.csv." in result.stdout
    )
    assert "SkyPilot no longer refreshes Lambda by itself" in result.stdout
    assert "sky api stop" in result.stdout
    assert not md5.exists()
    put(home, "lambda")  # A second install is no reason to forget the first backup.
    uninstall(home)
    assert tree(home) == before


def test_an_edit_after_the_install_is_kept(home: Path) -> None:
    put(home)
    mine = base(home) / "v8/yotta/vms.csv"
    mine.write_text("mine\n")

    changes = {change.path: change for change in uninstall(home)}
    assert (changes[mine].action, mine.read_text()) == ("keep", "mine\n")
    assert not (base(home) / "v7/yotta/vms.csv").exists()

    assert put(home)["v8/yotta/vms.csv"] == "replace"
    uninstall(home)
    assert mine.read_text() == "mine\n"


def test_a_dry_run_changes_nothing(home: Path) -> None:
    assert set(put(home, dry_run=True).values()) == {"write"}
    assert not home.exists()
    put(home)
    before = tree(home)
    assert {change.action for change in uninstall(home, dry_run=True)} == {"remove"}
    assert tree(home) == before


def run(*arguments: str, home: Path, root: Path = CATALOGS) -> Result:
    where = [] if arguments[0] == "uninstall" else ["--root", str(root)]
    return CliRunner().invoke(main, [*arguments, *where, "--sky-home", str(home)])


def test_refusals_are_one_line_and_change_nothing(home: Path, tmp_path: Path) -> None:
    changed = shutil.copytree(CATALOGS, tmp_path / "changed")
    csv_file = changed / "v8/yotta/vms.csv"
    csv_file.write_bytes(csv_file.read_bytes().replace(b"0.65", b"0.05"))
    cases = [
        (("install",), CATALOGS, "sample data, not today's prices"),
        (("install", "--clouds", "cumulus"), CATALOGS, "no catalog of 'cumulus'; it has lambda, runpod, yotta"),
        (("install", "--allow-sample"), changed, "not the file of the manifest"),
        (("install",), tmp_path / "nowhere", "no such folder"),
        (("install",), CATALOGS / "v8", "manifest.json: not there"),
    ]
    for arguments, root, message in cases:
        result = run(*arguments, home=home, root=root)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1), arguments
        assert message in result.stderr
    assert not home.exists()
    assert run("install", "--clouds", ",", home=home).exit_code == 2


def test_a_home_that_cannot_be_written_is_named(home: Path) -> None:
    home.mkdir()
    (home / ".sky").write_text("in the way")
    result = run("install", "--allow-sample", home=home)
    assert result.exit_code == 1
    assert "mend it or name another --sky-home" in result.stderr


def test_nothing_installed(home: Path) -> None:
    assert run("uninstall", home=home).stdout == "nothing of ours is installed there\n"


def test_a_download_of_skypilot_is_waited_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "LONGEST_WAIT_SECONDS", 0.1)
    lock_file = base(home) / "v8/.meta/yotta/vms.csv.lock"
    lock_file.parent.mkdir(parents=True)
    with lock_file.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CannotInstall, match="SkyPilot is downloading"):
            put(home)
    assert put(home)["v8/yotta/vms.csv"] == "write"


def test_the_home_is_that_of_skypilot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SKY_RUNTIME_DIR", raising=False)
    assert sky_home() == Path.home()
    monkeypatch.setenv("SKY_RUNTIME_DIR", str(tmp_path))
    assert sky_home() == tmp_path


@pytest.mark.parametrize(
    "record",
    [
        '{"a": 1}',
        "[",
        '{"../../x": {"sha256": "a", "backup": null, "md5": null}}',
        '{"v8/yotta/vms.csv": {"sha256": "a", "backup": "../../../etc/passwd", "md5": null}}',
        '{"v8/yotta/vms.csv": {"sha256": "a", "backup": ".gpu-catalog/../../x", "md5": null}}',
    ],
)
def test_a_record_that_is_not_ours_moves_nothing(home: Path, record: str) -> None:
    (base(home) / ".gpu-catalog").mkdir(parents=True)
    (base(home) / ".gpu-catalog" / "installed.json").write_text(record)
    result = run("uninstall", home=home)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
