"""What readers of a store see, and whether all of it is right: for tests that break publishing off or race it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

from gpu_catalog import Catalog
from gpu_catalog.errors import NoCatalog
from publisher.folder_store import FolderStore
from publisher.publications import read_file, read_latest, read_offers
from publisher.push import push
from publisher.store import Store, Stored
from publisher.upkeep import log, verify_store

Read = tuple[str, Mapping[str, bytes]]


def published(store: Store, *sources: Path) -> dict[str, bytes]:
    """What a store holds after these pushes."""
    for source in sources:
        push(source, store)
    return contents_of(store)


def contents_of(store: Store) -> dict[str, bytes]:
    return {entry.key: stored.content for entry in store.list("") if (stored := store.get(entry.key)) is not None}


def read(store: Store) -> Read | None:
    """What a reader gets: the id and every file, each held against its hash."""
    latest = read_latest(store)
    if latest is None:
        return None
    names = (*latest.manifest.files, *latest.manifest.parquet)
    return latest.manifest.id, {name: read_file(store, latest.manifest, name) for name in names}


def price(store: Store) -> Decimal | None:
    """A price, in a folder as a catalog reader sees it."""
    if isinstance(store, FolderStore):
        with suppress(NoCatalog):
            return Catalog.load(store.path).clouds["yotta"].offers[0].offering.price_usd_per_hour
        return None
    latest = read_latest(store)
    return read_offers(store, latest.manifest, "yotta")[0].offering.price_usd_per_hour if latest else None


def problems(store: Store) -> list[str]:
    """What `verify` says, but that nothing was published yet."""
    return [problem for problem in verify_store(store) if "nothing is published here" not in problem]


def chain(store: Store) -> list[str]:
    """Ids from the latest publication back to the first."""
    previous = {line.manifest.id: line.manifest.previous for line in log(store)}
    latest = read_latest(store)
    ids = [latest.manifest.id] if latest else []
    while ids and (before := previous.get(ids[-1])) is not None:
        ids.append(before)
    return ids


def check_all_is_right(store: Store, wanted: str) -> None:
    """The price is this, and every trace of the fault is gone but leftovers."""
    assert price(store) == Decimal(wanted)
    assert verify_store(store) == []
    latest = read_latest(store)
    assert latest is not None
    for name in (*latest.manifest.files, *latest.manifest.parquet):
        copy = store.get(name)
        assert copy is not None
        assert copy.content == read_file(store, latest.manifest, name)
    ids = chain(store)
    histories = [entry.key for entry in store.list("history/cloud=yotta/")]
    assert histories == [f"history/cloud=yotta/{publication}.parquet" for publication in sorted(ids)]
    text = (store.get("history/yotta.jsonl") or Stored(b"", "")).content.decode()
    assert all(publication in text for publication in ids)


def unfinished_ids(store: Store) -> set[str]:
    ids = {entry.key.split("/")[1] for entry in store.list("publications/")}
    return ids - {line.manifest.id for line in log(store)}
