"""What only a store in a folder can go through."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import publisher.folder_store
import publisher.store
from publisher.errors import StoreProblem
from publisher.folder_store import FolderStore
from publisher.store import Store, open_store
from tests.publisher.objects import every_verb, keys
from tests.publisher.s3 import S3Server, aws_fixture, s3_fixture, server_fixture  # noqa: F401

ROOT = Path(__file__).parents[2]


def test_nothing_but_put_makes_the_folder(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "deep" / "store"))
    assert store.place == str(tmp_path / "deep" / "store")
    assert store.get("a") is None
    assert not store.put_if_match("a", b"x", "version")
    store.delete("a")
    assert keys(store) == []
    assert list(tmp_path.iterdir()) == []
    assert store.put_if_absent("a", b"x")
    assert (tmp_path / "deep" / "store" / "a").read_bytes() == b"x"


def test_a_folder_holds_nothing_but_objects_and_the_lock(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.put_if_absent("v8/a", b"1")
    store.put_if_absent("v8/a", b"2")
    store.put_if_match("v8/a", b"3", hashlib.sha256(b"1").hexdigest())
    store.put_if_match("v8/a", b"4", hashlib.sha256(b"1").hexdigest())
    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))
    assert found == [".store-lock", "v8", "v8/a"]
    assert (tmp_path / "v8/a").stat().st_mode & 0o777 == 0o644


def test_old_leftovers_of_killed_writers_go_with_the_next_write(tmp_path: Path) -> None:
    now = time.time()
    store = FolderStore(tmp_path, clock=lambda: now)
    old, young = tmp_path / ".tmp-old", tmp_path / ".tmp-young"
    for file, age_seconds in ((old, 3601), (young, 3599)):
        file.write_text("half")
        os.utime(file, (now - age_seconds, now - age_seconds))
    assert keys(store) == []
    assert store.get("a") is None
    assert old.exists()
    store.put_if_absent("a", b"x")
    assert (old.exists(), young.exists()) == (False, True)
    now += 2
    store.delete("a")
    assert not young.exists()


def test_what_is_not_ours_is_not_listed(tmp_path: Path) -> None:
    for name in ("a b", "é", ".hidden", "back\\slash", "ok", "new\nline"):
        (tmp_path / name).write_text("x")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "ok")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert keys(FolderStore(tmp_path)) == ["ok"]


@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_what_is_no_file_is_neither_read_nor_replaced(kind: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("precious")
    store, place = FolderStore(tmp_path / "store"), tmp_path / "store" / "key"
    store.put_if_absent("other", b"x")
    if kind == "folder":
        place.mkdir()
    elif kind == "link":
        place.symlink_to(outside)
    else:
        os.mkfifo(place)
    for verb in every_verb(store, "key"):
        with pytest.raises(StoreProblem, match=r"key is (a folder|no plain file), not an object; "):
            verb()
    assert outside.read_text() == "precious"


def test_a_file_where_a_folder_belongs(tmp_path: Path) -> None:
    (tmp_path / "v8").write_text("a file")
    root, below = FolderStore(tmp_path), FolderStore(tmp_path / "v8")
    for store, key in ((root, "v8/a"), (root, "v8/a/b"), (below, "a")):
        for verb in every_verb(store, key):
            with pytest.raises(StoreProblem, match=r"^cannot .*: Not a directory; a file is where"):
                verb()
    with pytest.raises(StoreProblem, match=r"^cannot list .*: Not a directory"):
        FolderStore(tmp_path / "v8").list("")
    assert (tmp_path / "v8").read_text() == "a file"


def test_a_full_disk_changes_nothing(tmp_path: Path) -> None:
    """The kernel refuses to let any file grow beyond 1 kB, as a full disk would."""
    store = FolderStore(tmp_path)
    store.put_if_absent("there", b"old")
    script = (
        "import hashlib, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "from publisher.errors import StoreProblem; from publisher.store import open_store\n"
        "store = open_store(sys.argv[1])\n"
        "for verb, *more in ((store.put_if_match, 'there', hashlib.sha256(b'old').hexdigest()),"
        " (store.put_if_absent, 'deep/new')):\n"
        "    try: print(verb(more[0], b'x' * 5000, *more[1:]))\n"
        "    except StoreProblem as exc: print(exc)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True, cwd=ROOT
    )
    lines = run.stdout.splitlines()
    assert len(lines) == 2
    assert lines[0] == f"cannot write {tmp_path}/there: File too large; make room there and run again"
    assert lines[1].startswith(f"cannot write {tmp_path}/deep/new: File too large; ")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".store-lock", "there"]
    assert (tmp_path / "there").read_bytes() == b"old"


def test_a_folder_that_may_be_read_only(tmp_path: Path) -> None:
    """As another user when the tests run as root, who may write everywhere."""
    store = FolderStore(tmp_path)
    store.put_if_absent("there", b"old")
    tmp_path.chmod(0o555)
    script = (
        "import os, sys; from publisher.errors import StoreProblem; from publisher.store import open_store\n"
        "import publisher.folder_store\n"
        "os.chdir(sys.argv[1])\n"
        "os.geteuid() or os.setuid(65534)\n"
        "store = open_store('.')\n"
        "print(store.get('there').content, [entry.key for entry in store.list('')])\n"
        "for verb in (lambda: store.put_if_absent('new', b'x'), lambda: store.delete('there')):\n"
        "    try: print(verb())\n"
        "    except StoreProblem as exc: print(exc)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=False, cwd=ROOT
    )
    tmp_path.chmod(0o755)
    assert run.returncode == 0, run.stderr
    read, *written = run.stdout.splitlines()
    assert read == "b'old' ['there']"
    assert len(written) == 2
    for line in written:
        assert "Permission denied; give this user the right to, or name another place" in line


def test_a_lock_that_is_never_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher.folder_store, "LONGEST_WAIT_SECONDS", 0.1)
    store = FolderStore(tmp_path)
    store.put_if_absent("a", b"x")
    with (
        store._locked(),
        pytest.raises(StoreProblem, match=r"is being written by others .*, nothing was changed; "),
    ):
        store.put_if_absent("b", b"x")
    assert keys(store) == ["a"]


def test_put_if_absent_does_not_overwrite_what_came_without_our_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody's `cp` at the worst moment: after the last look, before the name is given."""
    link = os.link

    def late(source: Path, target: Path) -> None:
        Path(target).write_bytes(b"copied")
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    assert not FolderStore(tmp_path).put_if_absent("key", b"ours")
    assert (tmp_path / "key").read_bytes() == b"copied"
    assert not list(tmp_path.glob(".tmp-*"))


WRITER = """
import sys
from publisher.store import open_store
store = open_store(sys.argv[1])
print("ready", flush=True)
for number in range(1_000_000):
    stored = store.get("pointer")
    assert store.put_if_match("pointer", b"%09d" % number * 20_000, stored.version)
    assert store.put_if_absent(f"run-{sys.argv[2]}/{number}", b"%09d" % number * 2_000)
"""


def test_a_killed_writer_leaves_whole_objects(tmp_path: Path) -> None:
    store, moments = FolderStore(tmp_path), random.Random(5)
    store.put_if_absent("pointer", b"%09d" % 0 * 20_000)
    written = 0
    for run in range(20):
        command = [sys.executable, "-c", WRITER, str(tmp_path), str(run)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(moments.uniform(0.005, 0.08))
            writer.send_signal(signal.SIGKILL)
        assert writer.returncode == -signal.SIGKILL, "it ended by itself"
        pointer = store.get("pointer")
        assert pointer is not None
        assert pointer.content == pointer.content[:9] * 20_000
        numbers = []
        for entry in store.list(f"run-{run}/"):
            numbers.append(int(entry.key.split("/")[1]))
            stored = store.get(entry.key)
            assert stored is not None
            assert stored.content == b"%09d" % numbers[-1] * 2_000
        # None is missing: all up to the pointer's, but perhaps for the last, which comes after the pointer.
        assert sorted(numbers) == list(range(len(numbers)))
        if numbers:
            assert int(pointer.content[:9]) - max(numbers) in (0, 1)
        written += len(numbers)
    assert written > 0, "no writer ever got to write"
    FolderStore(tmp_path, clock=lambda: time.time() + 7200).put_if_absent("last", b"x")
    assert not list(tmp_path.rglob(".tmp-*"))


MODEL_KEYS = st.sampled_from(["a", "b", "a/b", "a/c", "a/b/c", "b/a", "c-1/x.csv"])
OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["get", "absent", "match", "stale", "delete", "list"]), MODEL_KEYS, st.binary(max_size=3)
    ),
    max_size=30,
)


@given(OPERATIONS)
def test_a_folder_behaves_like_a_dictionary(operations: list[tuple[str, str, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store: Store = FolderStore(Path(folder) / "store")
        model: dict[str, bytes] = {}
        for verb, key, content in operations:
            blocked = any(one.startswith(f"{key}/") or key.startswith(f"{one}/") for one in model)
            if verb == "list":
                listed = [(entry.key, entry.size_bytes) for entry in store.list(key)]
                assert listed == sorted((one, len(held)) for one, held in model.items() if one.startswith(key))
            elif blocked:
                with pytest.raises(StoreProblem):
                    _apply(store, verb, key, content, model)
            else:
                _apply(store, verb, key, content, model)
        assert {entry.key for entry in store.list("")} == set(model)


def _apply(store: Store, verb: str, key: str, content: bytes, model: dict[str, bytes]) -> None:
    held = model.get(key)
    if verb == "get":
        stored = store.get(key)
        assert (stored.content if stored else None) == held
    elif verb == "absent":
        assert store.put_if_absent(key, content) == (held is None)
        model.setdefault(key, content)
    elif verb == "match":
        stored = store.get(key)
        assert store.put_if_match(key, content, stored.version if stored else "none") == (held is not None)
        if held is not None:
            model[key] = content
    elif verb == "stale":
        assert not store.put_if_match(key, content, "0" * 64)
    else:
        store.delete(key)
        model.pop(key, None)
