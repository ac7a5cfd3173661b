"""A push, rollback or prune that breaks off at any of its operations: readers get the old or the new, whole.

In a folder every operation fails in turn. In a bucket that would take minutes, and what publishes is the same, so
there only the writes fail that matter most, of manifests and of the pointer, unless GPU_CATALOG_SOAK is set.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest

from publisher.errors import LostRace, StoreProblem
from publisher.folder_store import FolderStore
from publisher.push import push
from publisher.s3_store import S3Store
from publisher.store import Entry, Store, Stored
from publisher.upkeep import log, prune, rollback, verify_store
from tests.publisher.nights import night, times
from tests.publisher.s3 import S3Server, aws_fixture, s3_fixture, server_fixture  # noqa: F401
from tests.publisher.seen import Read, chain, check_all_is_right, price, problems, published, read, unfinished_ids

ANY = re.compile("")
VITAL = re.compile(r"put publications/[^/]*/manifest\.json|put latest\.json|delete .*manifest\.json")
SOAK = bool(os.environ.get("GPU_CATALOG_SOAK"))
T = TypeVar("T")


class Faulty(Store):
    """Counts operations; the `fails_at`-th one raises, before it happened or after (its answer was lost)."""

    def __init__(self, store: Store, fails_at: int = 0, *, after: bool = False) -> None:
        self.place = store.place
        self.operations: list[str] = []
        self._store, self._fails_at, self._after = store, fails_at, after

    def get(self, key: str) -> Stored | None:
        return self._run(f"get {key}", lambda: self._store.get(key))

    def put_if_absent(self, key: str, content: bytes) -> bool:
        return self._run(f"put {key}", lambda: self._store.put_if_absent(key, content))

    def put_if_match(self, key: str, content: bytes, version: str) -> bool:
        return self._run(f"put {key}", lambda: self._store.put_if_match(key, content, version))

    def list(self, prefix: str) -> Iterator[Entry]:
        return self._run(f"list {prefix}", lambda: iter([*self._store.list(prefix)]))

    def delete(self, key: str) -> None:
        self._run(f"delete {key}", lambda: self._store.delete(key))

    def _run(self, what: str, operation: Callable[[], T]) -> T:
        self.operations.append(what)
        fails = len(self.operations) == self._fails_at
        if fails and not self._after:
            raise StoreProblem("the network is down")
        result = operation()
        if fails:
            raise StoreProblem("the answer was lost")
        return result


class Spoiled(Store):
    """A store in which something else happens before an operation, once: what another publisher does meanwhile.

    `before` is the verb and the key, or `/` and how the key ends.
    """

    def __init__(self, store: Store, before: tuple[str, str], meanwhile: Callable[[], object]) -> None:
        self.place = store.place
        self._store, self._before, self._meanwhile = store, before, [meanwhile]

    def get(self, key: str) -> Stored | None:
        self._happens("get", key)
        return self._store.get(key)

    def put_if_absent(self, key: str, content: bytes) -> bool:
        self._happens("put", key)
        return self._store.put_if_absent(key, content)

    def put_if_match(self, key: str, content: bytes, version: str) -> bool:
        self._happens("put", key)
        return self._store.put_if_match(key, content, version)

    def list(self, prefix: str) -> Iterator[Entry]:
        return self._store.list(prefix)

    def delete(self, key: str) -> None:
        self._store.delete(key)

    def _happens(self, verb: str, key: str) -> None:
        wanted_verb, wanted = self._before
        found = key.endswith(wanted) if wanted.startswith("/") else key == wanted
        if self._meanwhile and verb == wanted_verb and found:
            self._meanwhile.pop()()


@dataclass(frozen=True)
class Place:
    """Stores of one kind, and the operations that fail in them."""

    new: Callable[[], Store]
    fails: re.Pattern[str]

    def holding(self, contents: Mapping[str, bytes]) -> Store:
        store = self.new()
        for key, content in contents.items():
            assert store.put_if_absent(key, content)
        return store

    def faults(self, operation: Callable[[Store], object], contents: Mapping[str, bytes]) -> Iterator[Store]:
        """Stores of these contents in each of which another fault has happened."""
        whole = Faulty(self.holding(contents))
        operation(whole)
        for number, what in enumerate(whole.operations, start=1):
            for after in (False, True) if self.fails.match(what) else ():
                store = self.holding(contents)
                with pytest.raises(StoreProblem, match="the answer was lost" if after else "the network is down"):
                    operation(Faulty(store, number, after=after))
                yield store


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    numbers = itertools.count()
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3")
        client, bucket = server.client(), server.new_place("").removeprefix("s3://")
        return Place(lambda: S3Store(client, bucket, f"store-{next(numbers)}"), ANY if SOAK else VITAL)
    # Nobody pulls the plug here, and syncing is most of the time that a folder takes.
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    return Place(lambda: FolderStore(tmp_path / f"store-{next(numbers)}"), ANY)


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Five nights, every one with other prices; the first one is number 0 and of 0.65 USD."""
    folder = tmp_path_factory.mktemp("fetched")
    return [night(folder / f"{n}", n + 1, {"yotta": (times(f"1.0{n}"),)}) for n in range(5)]


# Faults.


@pytest.mark.parametrize("published_before", [0, 1])
def test_a_push_that_breaks_off_anywhere_leaves_the_old_or_the_new_and_the_next_one_succeeds(
    published_before: int, place: Place, fetched: list[Path]
) -> None:
    old, new, next_one = fetched[0], fetched[published_before], fetched[3]
    contents = published(place.new(), old) if published_before else {}
    before = read(place.holding(contents))
    whole = place.holding(contents)
    push(new, whole)
    after, seen = read(whole), set()
    for number, store in enumerate(place.faults(lambda store: push(new, store), contents)):
        found = read(store)
        assert found in (before, after)
        assert price(store) == (None if found is None else Decimal("0.65") if found[0] == old_id(before) else
                                Decimal("0.6565" if published_before else "0.65"))  # fmt: skip
        assert problems(store) == []
        seen.add(found == after)
        if number % 2 == 0:  # the same again, which takes over what was written; else other prices come first
            push(new, store)
            check_all_is_right(store, "0.6565" if published_before else "0.65")
        push(next_one, store)
        check_all_is_right(store, "0.6695")
    assert seen == {False, True}


def old_id(before: Read | None) -> str | None:
    return before[0] if before else None


def test_a_rollback_that_breaks_off_anywhere_leaves_the_old_or_the_new_and_can_be_repeated(
    place: Place, fetched: list[Path]
) -> None:
    whole = place.new()
    contents = published(whole, *fetched[:2])
    first = chain(whole)[-1]
    before = read(whole)
    rollback(whole, first)
    after, seen = read(whole), set()
    for store in place.faults(lambda store: rollback(store, first), contents):
        found = read(store)
        assert found in (before, after)
        assert problems(store) == []
        seen.add(found == after)
        rollback(store, first)
        assert (price(store), problems(store)) == (Decimal("0.65"), [])
        push(fetched[3], store)
        assert (price(store), problems(store)) == (Decimal("0.6695"), [])
    assert seen == {False, True}


def test_a_prune_that_breaks_off_anywhere_is_not_seen_and_the_next_one_does_the_rest(
    place: Place, fetched: list[Path]
) -> None:
    whole = place.new()
    contents = published(whole, *fetched[:2])
    before = read(whole)
    for store in place.faults(lambda store: prune(store, 1), contents):
        assert read(store) == before
        assert verify_store(store) == []
        prune(store, 1)
        push(fetched[3], store, now=datetime.now(timezone.utc) + timedelta(hours=2))
        assert (price(store), verify_store(store)) == (Decimal("0.6695"), [])
        assert len(log(store)) == 2
        assert unfinished_ids(store) == set()


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_pruning_after_a_push_that_broke_off_while_it_copied_leaves_no_strange_copies(
    place: Place, fetched: list[Path]
) -> None:
    contents = published(place.new(), fetched[0])
    for store in place.faults(lambda store: push(fetched[1], store), contents):
        prune(store, 1)
        assert verify_store(store) == []


# Leftovers.


def broken_off(store: Store, source: Path) -> set[str]:
    """Break a push off before its manifest; ids of what is left."""
    whole = Spoiled(store, ("put", "/v8/yotta/vms.csv"), lambda: (_ for _ in ()).throw(StoreProblem("killed")))
    with pytest.raises(StoreProblem, match="killed"):
        push(source, whole)
    found = unfinished_ids(store)
    assert len(found) == 1
    return found


def test_leftovers_of_a_publication_are_deleted_after_an_hour_and_not_before(
    place: Place, fetched: list[Path]
) -> None:
    store = place.holding(published(place.new(), fetched[0]))
    left = broken_off(store, fetched[1])
    push(fetched[2], store, now=datetime.now(timezone.utc) + timedelta(minutes=58))
    assert unfinished_ids(store) == left
    push(fetched[3], store, now=datetime.now(timezone.utc) + timedelta(minutes=62))
    assert unfinished_ids(store) == set()
    check_all_is_right(store, "0.6695")


def test_the_age_of_leftovers_is_that_of_their_newest_file(tmp_path: Path, fetched: list[Path]) -> None:
    store = FolderStore(tmp_path / "store")
    [left] = broken_off(store, fetched[0])
    files = [file for file in (store.path / "publications" / left).rglob("*") if file.is_file()]
    for file in files[1:]:
        os.utime(file, (1, 1))
    push(fetched[1], store)
    assert unfinished_ids(store) == {left}
    os.utime(files[0], (1, 1))
    push(fetched[2], store)
    assert unfinished_ids(store) == set()
    assert not (store.path / "publications" / left).exists()


def test_a_slow_publisher_whose_files_were_cleaned_up_meanwhile_puts_them_back(
    place: Place, fetched: list[Path]
) -> None:
    store = place.holding(published(place.new(), fetched[0]))
    much_later = datetime.now(timezone.utc) + timedelta(hours=2)
    slow = Spoiled(store, ("put", "/v8/yotta/vms.csv"), lambda: push(fetched[0], store, now=much_later))
    with pytest.raises(LostRace):  # the other one recorded a check
        push(fetched[1], slow)
    assert verify_store(store) == []
    push(fetched[1], store)
    check_all_is_right(store, "0.6565")


# Two publishers.


def test_what_a_loser_wrote_is_not_published_later_without_the_history_that_came_between(
    place: Place, fetched: list[Path]
) -> None:
    store = place.holding(published(place.new(), fetched[0]))
    with pytest.raises(LostRace, match="fetch and push again"):
        push(fetched[2], Spoiled(store, ("put", "latest.json"), lambda: push(fetched[1], store)))
    check_all_is_right(store, "0.6565")
    with pytest.raises(LostRace, match="fetch and push again"):
        push(fetched[2], store)
    push(fetched[3], store)
    check_all_is_right(store, "0.6695")


@pytest.mark.parametrize("place", ["folder"], indirect=True)
@pytest.mark.parametrize("moment", ["history/yotta.jsonl", "v7/yotta/vms.csv", "manifest.json"])
def test_a_winner_that_is_overtaken_while_it_copies_has_won_and_does_not_cover_the_newer_one(
    moment: str, place: Place, fetched: list[Path]
) -> None:
    store = place.holding(published(place.new(), fetched[0]))
    result = push(fetched[1], Spoiled(store, ("put", moment), lambda: push(fetched[2], store)))
    assert chain(store)[1] == result.manifest.id
    check_all_is_right(store, "0.663")
