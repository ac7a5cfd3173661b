"""What every store promises, in a folder and on S3."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TypeVar

import pytest

import publisher.folder_store
import publisher.store
from publisher.errors import StoreProblem
from publisher.store import Store, open_store
from tests.publisher.objects import every_verb, keys
from tests.publisher.s3 import S3Server, aws_fixture, s3_fixture, server_fixture  # noqa: F401

T = TypeVar("T")
ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of either kind."""
    if request.param == "folder":
        return open_store(tmp_path / "store")
    server: S3Server = request.getfixturevalue("s3")
    return open_store(server.new_place())


def all_at_once(work: Callable[[int], T], threads: int) -> list[T]:
    """What `work(number)` gave in each of several threads that start together."""
    start = threading.Barrier(threads)

    def run(number: int) -> T:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


def test_what_was_put_is_there(store: Store) -> None:
    assert store.get("v8/lambda/vms.csv") is None
    assert store.put_if_absent("v8/lambda/vms.csv", b"a\r\n\x00\xff")
    stored = store.get("v8/lambda/vms.csv")
    assert stored is not None
    assert stored.content == b"a\r\n\x00\xff"
    assert store.put_if_absent("empty", b"")
    empty = store.get("empty")
    assert empty is not None
    assert empty.content == b""
    assert empty.version != stored.version


def test_several_pieces_come_back_whole(store: Store) -> None:
    content = random.Random(1).randbytes(3 * 1024 * 1024 + 17)
    assert store.put_if_absent("large", content)
    stored = store.get("large")
    assert stored is not None
    assert stored.content == content


def test_put_if_absent_never_overwrites(store: Store) -> None:
    assert store.put_if_absent("pointer", b"first")
    assert not store.put_if_absent("pointer", b"second")
    assert not store.put_if_absent("pointer", b"first"), "the same bytes are something that is there too"
    stored = store.get("pointer")
    assert stored is not None
    assert stored.content == b"first"


def test_put_if_match_replaces_only_its_version(store: Store) -> None:
    store.put_if_absent("pointer", b"1")
    first = store.get("pointer")
    assert first is not None
    assert store.put_if_match("pointer", b"2", first.version)
    assert not store.put_if_match("pointer", b"3", first.version)
    second = store.get("pointer")
    assert second is not None
    assert second.content == b"2"
    assert second.version != first.version


def test_put_if_match_of_nothing_writes_nothing(store: Store) -> None:
    store.put_if_absent("pointer", b"1")
    stored = store.get("pointer")
    assert stored is not None
    assert not store.put_if_match("other", b"2", stored.version)
    store.delete("pointer")
    assert not store.put_if_match("pointer", b"2", stored.version)
    assert keys(store) == []


def test_delete(store: Store) -> None:
    store.delete("never/there")
    store.put_if_absent("a/b", b"x")
    store.put_if_absent("a/c", b"x")
    store.delete("a/b")
    store.delete("a/b")
    assert store.get("a/b") is None
    assert keys(store) == ["a/c"]
    assert store.put_if_absent("a/b", b"again")


def test_the_name_of_an_emptied_folder_is_free_again(store: Store) -> None:
    store.put_if_absent("a/b/c", b"x")
    store.delete("a/b/c")
    assert store.put_if_absent("a", b"x")


def test_list_is_sorted_by_whole_key_and_says_size_and_time(store: Store) -> None:
    before = datetime.now(timezone.utc) - timedelta(seconds=5)
    # As text `a-b` < `a/b` < `a0`, and folder by folder it is not.
    for size, key in enumerate(["a0", "a/b", "a-b", "a/b-c", "B", "history/cloud=lambda/1"]):
        store.put_if_absent(key, b"x" * size)
    entries = list(store.list(""))
    assert [(entry.key, entry.size_bytes) for entry in entries] == [
        ("B", 4), ("a-b", 2), ("a/b", 1), ("a/b-c", 3), ("a0", 0), ("history/cloud=lambda/1", 5),
    ]  # fmt: skip
    for entry in entries:
        assert entry.modified_at.tzinfo is timezone.utc
        assert before < entry.modified_at < datetime.now(timezone.utc) + timedelta(seconds=5)


def test_a_prefix_is_of_characters(store: Store) -> None:
    for key in ("a", "ab/c", "ab/d/e", "b"):
        store.put_if_absent(key, b"x")
    wanted = {
        "": ["a", "ab/c", "ab/d/e", "b"], "a": ["a", "ab/c", "ab/d/e"], "ab/": ["ab/c", "ab/d/e"],
        "ab/d": ["ab/d/e"], "ab/d/e": ["ab/d/e"], "ab/d/e/": [], "c": [], "abc/": [],
    }  # fmt: skip
    assert {prefix: keys(store, prefix) for prefix in wanted} == wanted


def test_an_empty_store_lists_nothing(store: Store) -> None:
    assert keys(store) == []
    assert keys(store, "v8/") == []


BAD_KEYS = ["", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", ".hidden", "a/.tmp-x", "a\\b", "a b",
            "a\nb", "a\n", "a\x00", "é", "a:b", "s3://x/y", "~", "-a", "=a", "a" * 201,
            "a/" * 300 + "a"]  # fmt: skip


def test_bad_keys_are_refused_by_every_verb(store: Store) -> None:
    for key in BAD_KEYS:
        for verb in every_verb(store, key):
            with pytest.raises(StoreProblem, match=r"^key .*; ") as caught:
                verb()
            assert str(caught.value).isprintable()


def test_a_prefix_that_begins_no_key_is_refused_before_iterating(store: Store) -> None:
    for prefix in ("/", "a//", "../", ".", "a b", "a\n"):
        with pytest.raises(StoreProblem):
            store.list(prefix)


def test_more_than_the_limit_is_neither_written_nor_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put_if_absent("there", b"12345")
    monkeypatch.setattr(publisher.store, "MAX_OBJECT_BYTES", 4)
    with pytest.raises(StoreProblem, match=r"there: 5 bytes, 4 are allowed; "):
        store.get("there")
    with pytest.raises(StoreProblem, match="5 bytes, 4 are allowed"):
        store.put_if_absent("new", b"12345")
    with pytest.raises(StoreProblem, match="5 bytes, 4 are allowed"):
        store.put_if_match("there", b"12345", "version")
    assert store.put_if_absent("new", b"1234")


def test_no_update_is_lost(store: Store) -> None:
    """Eight threads count to 25 each on one object."""
    store.put_if_absent("count", b"0")

    def count(_: int) -> int:
        for _ in range(25):
            while True:
                stored = store.get("count")
                assert stored is not None
                if store.put_if_match("count", str(int(stored.content) + 1).encode(), stored.version):
                    break
        return 25

    assert all_at_once(count, 8) == [25] * 8
    stored = store.get("count")
    assert stored is not None
    assert stored.content == b"200"


def test_one_of_eight_is_first(store: Store) -> None:
    for round_ in range(5):
        key = f"pointer-{round_}"
        won = all_at_once(lambda number: store.put_if_absent(key, b"writer %d" % number), 8)  # noqa: B023
        assert sorted(won) == [False] * 7 + [True]
        stored = store.get(key)
        assert stored is not None
        assert stored.content == b"writer %d" % won.index(True)


def test_readers_see_whole_objects_while_they_are_replaced(store: Store) -> None:
    contents = [bytes([65 + number]) * 100_000 for number in range(20)]
    store.put_if_absent("file", contents[0])

    def work(number: int) -> bool:
        for content in contents:
            stored = store.get("file")
            assert stored is not None
            if number == 0:
                assert store.put_if_match("file", content, stored.version)
            assert stored.content in contents
        return True

    assert all_at_once(work, 4) == [True] * 4


# Opening.


@pytest.mark.parametrize("place", ["", "gs://bucket/x", "https://bucket.s3.amazonaws.com", "file:///tmp/x", "a\nb"])
def test_what_is_no_place(place: str) -> None:
    with pytest.raises(StoreProblem, match=r"is no place for a store; name a folder or s3://bucket/prefix"):
        open_store(place)


def test_a_folder_store_loads_no_boto() -> None:
    script = (
        "import sys; from publisher.store import open_store; open_store('x').get('a')\n"
        "print([name for name in sys.modules if 'boto' in name or name == 'publisher.s3_store'])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout == "[]\n"
