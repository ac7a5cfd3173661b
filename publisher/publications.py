"""Publications in a store: the pointer to the latest, manifests and files, each held against its hash.

latest.json                         the pointer, replaced by compare-and-swap, written last
publications/<id>/manifest.json     what the publication holds; written after all of its files
publications/<id>/v8/<cloud>/...    its files, never changed
manifest.json, v8/<cloud>/...       a copy of the latest, for readers that follow no pointer; not atomic
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gpu_catalog.errors import BadCatalogFile
from gpu_catalog.manifest import MANIFEST_NAME, FileEntry, Manifest, parse_manifest
from gpu_catalog.offers import Offer, parse_offers
from gpu_catalog.pointer import POINTER_NAME, PUBLICATIONS, Pointer, parse_pointer
from publisher.errors import BadPublication, LostRace
from publisher.store import Store

PLACE = f"{PUBLICATIONS}/"


@dataclass(frozen=True, slots=True)
class Latest:
    """What the pointer of a store points to."""

    pointer: Pointer
    """The pointer."""

    version: str
    """Version of the pointer's object, for compare-and-swap."""

    manifest: Manifest
    """The manifest of the publication, held against the pointer."""


def place_of(publication: str, name: str = "") -> str:
    """Key of a file of a publication."""
    return f"{PLACE}{publication}/{name}"


def read_latest(store: Store) -> Latest | None:
    """The latest publication; None in a store without a pointer.

    Raises:
        BadPublication: the pointer cannot be read, or what it points to is not what it says.
        StoreProblem: the store cannot be read.
    """
    stored = store.get(POINTER_NAME)
    if stored is None:
        return None
    try:
        pointer = parse_pointer(stored.content)
    except BadCatalogFile as exc:
        raise BadPublication(f"{store.place}: {exc}; `publish-catalog rollback ID` writes a good pointer") from exc
    return Latest(pointer, stored.version, read_manifest_of(store, pointer.id, pointer.sha256))


def read_manifest_of(store: Store, publication: str, sha256: str | None = None) -> Manifest:
    """The manifest of a publication; `sha256` is what it must have, where that is known.

    Raises:
        BadPublication: it is not there, cannot be read, or is another one.
        StoreProblem: the store cannot be read.
    """
    key = place_of(publication, MANIFEST_NAME)
    stored = store.get(key)
    if stored is None:
        raise BadPublication(f"{store.place}: no publication {publication}; `publish-catalog log` lists them")
    if sha256 is not None and hashlib.sha256(stored.content).hexdigest() != sha256:
        raise BadPublication(f"{store.place}: {key} is not the manifest that {POINTER_NAME} points to")
    try:
        manifest = parse_manifest(stored.content, key)
    except BadCatalogFile as exc:
        raise BadPublication(f"{store.place}: {exc}") from exc
    if manifest.id != publication:
        raise BadPublication(f"{store.place}: {key} is the manifest of {manifest.id}")
    return manifest


def read_file(store: Store, manifest: Manifest, name: str) -> bytes:
    """A file of a publication, as its manifest describes it.

    Raises:
        BadPublication: it is not there, or not that file.
        StoreProblem: the store cannot be read.
    """
    entry = manifest.files.get(name) or manifest.parquet[name]
    stored = store.get(place_of(manifest.id, name))
    if stored is None or FileEntry.of(stored.content, entry.rows) != entry:
        what = "is not there" if stored is None else "is not the file of the manifest"
        raise BadPublication(f"{store.place}: {place_of(manifest.id, name)} {what}; roll back, or publish again")
    return stored.content


def read_offers(store: Store, manifest: Manifest, cloud: str) -> list[Offer]:
    """The offers of a cloud in a publication, of its newest schema version; empty when it has none.

    Raises:
        BadPublication, StoreProblem: as `read_file`.
    """
    for schema in sorted(manifest.schemas, reverse=True):
        name = f"{schema}/{cloud}/offers.jsonl"
        if name in manifest.files:
            try:
                return parse_offers(read_file(store, manifest, name).decode("utf-8"), name)
            except (BadCatalogFile, UnicodeDecodeError) as exc:
                raise BadPublication(f"{store.place}: {exc}") from exc
    return []


def offers_of(store: Store, publication: str | None = None) -> dict[str, list[Offer]]:
    """The offers of every cloud in a publication, by default the latest.

    Raises:
        BadPublication: there is none such, or it is not whole.
        StoreProblem: the store cannot be read.
    """
    if publication is not None:
        manifest = read_manifest_of(store, publication)
    elif latest := read_latest(store):
        manifest = latest.manifest
    else:
        raise BadPublication(f"{store.place}: no {POINTER_NAME}: nothing is published here")
    return {cloud: read_offers(store, manifest, cloud) for cloud in manifest.clouds}


def csv_digests(manifest: Manifest) -> dict[str, str]:
    """What buyers see of a publication: the sha256 of each `vms.csv`."""
    return {name: entry.sha256 for name, entry in manifest.files.items() if name.endswith("/vms.csv")}


def publications(store: Store) -> list[tuple[str, datetime]]:
    """(id, when it was written) of every whole publication, newest first."""
    found = [
        (entry.key.split("/")[1], entry.modified_at)
        for entry in store.list(PLACE)
        if entry.key.count("/") == 2 and entry.key.endswith(f"/{MANIFEST_NAME}")
    ]
    return sorted(found, key=lambda one: (one[1], one[0]), reverse=True)


def unfinished(store: Store, older_than: datetime) -> Iterator[str]:
    """Keys below ids without a manifest, all of them written before `older_than`: what killed publishers left."""
    keys: dict[str, list[str]] = {}
    newest: dict[str, datetime] = {}
    for entry in store.list(PLACE):
        publication = entry.key.split("/")[1]
        keys.setdefault(publication, []).append(entry.key)
        newest[publication] = max(entry.modified_at, newest.get(publication, entry.modified_at))
    for publication, its_keys in keys.items():
        if place_of(publication, MANIFEST_NAME) not in its_keys and newest[publication] < older_than:
            yield from its_keys


def move_pointer(store: Store, before: Latest | None, pointer: Pointer) -> None:
    """Point to another publication, if the pointer is still what it was.

    Raises:
        LostRace: somebody else has moved it meanwhile.
        StoreProblem: the store cannot be written.
    """
    content = pointer.to_json()
    if before is None:
        moved = store.put_if_absent(POINTER_NAME, content)
    else:
        moved = store.put_if_match(POINTER_NAME, content, before.version)
    if not moved:
        raise LostRace(f"{store.place}: another publisher was faster; fetch and push again")


def copy_to_familiar_paths(store: Store, manifest: Manifest, former: Manifest | None = None) -> None:
    """Copy a publication to the paths of readers that follow no pointer, its manifest last.

    What only `former` has, the one that was there before, is deleted.

    When the pointer has moved meanwhile, the newer one is copied too: whoever writes last has looked since.

    Raises:
        BadPublication, StoreProblem: some paths may be copied, others not yet; the next run copies them all.
    """
    while True:
        for name in (*sorted(manifest.files), *sorted(manifest.parquet)):
            _overwrite(store, name, read_file(store, manifest, name))
        _overwrite(store, MANIFEST_NAME, manifest.to_json())
        for name in (*former.files, *former.parquet) if former else ():
            if name not in manifest.files and name not in manifest.parquet:
                store.delete(name)
        latest = read_latest(store)
        if latest is None or latest.manifest.id == manifest.id:
            return
        manifest, former = latest.manifest, manifest


def _overwrite(store: Store, key: str, content: bytes) -> None:
    """Make an object hold this; one that keeps changing is left to those who write it, who look at the pointer."""
    for _ in range(_MOST_TRIES):
        held = store.get(key)
        if held is not None and held.content == content:
            return
        done = store.put_if_absent(key, content) if held is None else store.put_if_match(key, content, held.version)
        if done:
            return


_MOST_TRIES = 10
