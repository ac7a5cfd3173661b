"""The commands around a store, as somebody types them: what they print, and how they end."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gpu_catalog.manifest import read_manifest
from publisher.publications import read_latest
from publisher.push import push
from publisher.store import open_store
from publisher.upkeep import log
from tests.publisher.commands import digests, publish
from tests.publisher.nights import night, times


@pytest.fixture(scope="module")
def three_nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the publications of three nights; not to be changed."""
    folder = tmp_path_factory.mktemp("nights")
    store = open_store(str(folder / "store"))
    for number in (1, 2, 3):
        push(night(folder / f"fetched-{number}", number, {"lambda": (times(f"1.0{number}"),)}), store)
    return folder / "store"


@pytest.fixture
def place(three_nights: Path, tmp_path: Path) -> Path:
    """A copy of that store."""
    return shutil.copytree(three_nights, tmp_path / "store")


def ids(place: Path) -> list[str]:
    """Publications, newest first."""
    return [line.manifest.id for line in log(open_store(str(place)))]


def followed(place: Path) -> str:
    latest = read_latest(open_store(str(place)))
    assert latest is not None
    return latest.manifest.id


def test_a_push_says_what_it_published(place: Path, tmp_path: Path) -> None:
    fetched = night(tmp_path / "fetched-4", 4, {"lambda": (times("1.04"),)}, failed={"yotta": "no connection"})
    said = publish("push", fetched, place)
    assert said.stdout.startswith(f"{followed(place)}: published: ")
    assert "yotta" in said.stderr
    assert said.exit_code == 3
    again = publish("push", fetched, place)
    assert again.stdout.startswith(f"{followed(place)}: unchanged, the check is recorded: ")


def test_a_push_in_json_has_the_same_and_the_differences(place: Path, tmp_path: Path) -> None:
    fetched = night(tmp_path / "fetched-4", 4, {"lambda": (times("1.04"),)})
    said = publish("push", fetched, place, "--json")
    document = json.loads(said.stdout)
    assert (document["id"], document["changed"]) == (followed(place), True)
    assert document["exit_code"] == said.exit_code == (3 if document["alarms"] else 0)
    assert {change["cloud"] for change in document["diff"]["changed"]} == {"lambda"}
    assert said.stderr == ""


def test_a_push_appends_a_summary_for_people(place: Path, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("# Before\n", "utf-8")
    fetched = night(tmp_path / "fetched-4", 4, {"lambda": (times("1.04"),)}, failed={"yotta": "no connection"})
    publish("push", fetched, place, "--summary", summary)
    text = summary.read_text("utf-8")
    assert text.startswith(f"# Before\n## {followed(place)}\n\n")
    [line] = [line for line in text.splitlines() if line.startswith("| Lambda |")]
    entry = read_manifest(place).clouds["lambda"]
    assert line == f"| Lambda | fresh | {entry.rows} | {entry.instance_types} | {entry.observed_at} |"
    assert "| Yotta | failed | " in text
    assert "\n- yotta" in text


def test_the_log_is_newest_first_and_marks_what_readers_follow(place: Path) -> None:
    newest, middle, _ = ids(place)
    assert publish("rollback", place, middle).exit_code == 0
    lines = publish("log", place).stdout.splitlines()
    assert [line[:2] + line[2:].split()[0] for line in lines] == [
        f"  {newest}", f"* {middle}", f"  {ids(place)[2]}"
    ]  # fmt: skip
    assert lines[0].endswith("  live  lambda fresh")


def test_the_log_in_json(place: Path) -> None:
    entries = json.loads(publish("log", place, "--json").stdout)
    assert [entry["id"] for entry in entries] == ids(place)
    assert [entry["latest"] for entry in entries] == [True, False, False]
    assert [entry["previous"] for entry in entries] == [*ids(place)[1:], None]
    assert entries[0]["clouds"] == {"lambda": "fresh"}


def test_the_log_of_an_empty_store_says_so(tmp_path: Path) -> None:
    said = publish("log", tmp_path)
    assert (said.exit_code, said.stdout) == (0, "")
    assert said.stderr == f"{tmp_path}: nothing is published here\n"
    assert json.loads(publish("log", tmp_path, "--json").stdout) == []


def test_a_rollback_says_whom_readers_follow(place: Path) -> None:
    oldest = ids(place)[-1]
    said = publish("rollback", place, oldest)
    assert said.stdout == f"{place}: readers follow {oldest} again, prices of 2026-12-01T02:00:00Z\n"
    assert followed(place) == oldest


def test_a_rollback_to_nothing_is_one_line(place: Path) -> None:
    before = followed(place)
    said = publish("rollback", place, "20260101T000000Z-00000000")
    assert (said.exit_code, said.stdout, followed(place)) == (1, "", before)
    assert said.stderr.startswith("Error: ")
    assert said.stderr.count("\n") == 1


def test_pruning_says_how_many_went(place: Path) -> None:
    newest = ids(place)[0]
    assert publish("prune", place, "--keep", "1").stdout == f"{place}: 2 deleted\n"
    assert ids(place) == [newest]
    assert publish("prune", place, "--keep", "0").exit_code == 2


def test_an_export_says_what_it_wrote(place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "catalogs"
    (folder / "v8/yotta").mkdir(parents=True)
    (folder / "v8/yotta/vms.csv").write_text("of a cloud that is not published any more\n")
    (folder / "v8/yotta/notes.txt").write_text("of nobody's business\n")
    said = publish("export", place, folder)
    assert said.stdout == f"{folder}: {followed(place)}\n"
    names = {"manifest.json", "v8/yotta/notes.txt", *read_manifest(folder).files}
    assert digests(folder).keys() == names


@pytest.mark.parametrize("command", [("export", "folder"), ("watch",)])
def test_where_nothing_is_published_a_command_ends_with_1(command: tuple[str, ...], tmp_path: Path) -> None:
    name, *more = command
    said = publish(name, tmp_path / "empty", *(tmp_path / folder for folder in more))
    assert said.exit_code == 1
    assert "nothing is published here" in said.stderr
    assert not (tmp_path / "folder").exists()


def test_the_watchdog_says_that_all_is_well(place: Path) -> None:
    said = publish("watch", place, "--max-hours", "2")
    assert (said.exit_code, said.stdout) == (0, f"{place}: checked within 2 hours\n")


@pytest.mark.parametrize(
    ("checked_at", "alarm"), [("2026-01-01T00:00:00Z", "not checked since 2026-01-01"), ("soon", "is no time")]
)
def test_the_watchdog_raises_an_alarm(place: Path, checked_at: str, alarm: str) -> None:
    pointer = place / "latest.json"
    pointer.write_text(json.dumps({**json.loads(pointer.read_text()), "checked_at": checked_at}))
    said = publish("watch", place)
    assert (said.exit_code, said.stdout) == (1, "")
    assert said.stderr.startswith(f"ALARM: {place}: ")
    assert alarm in said.stderr


def test_a_problem_in_json_is_an_object(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    said = publish("push", tmp_path / "store", tmp_path / "other", "--json")
    document = json.loads(said.stdout)
    assert (document["exit_code"], said.exit_code, said.stderr) == (1, 1, "")
    assert str(tmp_path / "store") in document["error"]
