"""Looking after a store: verify, log, rollback, prune, export to a folder, and the watchdog's question."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from gpu_catalog.manifest import MANIFEST_NAME, Manifest
from gpu_catalog.pointer import POINTER_NAME, PUBLICATIONS, Pointer
from gpu_catalog.texts import printable
from publisher.errors import BadPublication, LostRace, StoreProblem
from publisher.folder import Folder
from publisher.publications import (
    copy_to_familiar_paths,
    place_of,
    publications,
    read_file,
    read_latest,
    read_manifest_of,
)
from publisher.store import Store, open_store
from publisher.verify import PUBLISHED_SUFFIXES, verify_folder, wrong_claims


def verify_place(place: str) -> list[str]:
    """What is wrong with a store, or with a folder that `fetch-catalog` wrote; empty when all is right.

    Raises:
        StoreProblem: there is no such place, or it cannot be read.
    """
    folder = Path(place)
    if "://" in place or (folder / POINTER_NAME).exists() or (folder / PUBLICATIONS).exists():
        return verify_store(open_store(place))
    if not folder.is_dir():
        raise StoreProblem(f"{printable(place[:200])}: no such folder; name a folder or s3://bucket/prefix")
    return verify_folder(folder)


def verify_store(store: Store) -> list[str]:
    """What is wrong with a store, one sentence each; empty when all is right. Every hash is recomputed.

    A familiar path may hold the file of any publication there is: a publisher that was killed may not have copied
    the last one yet. Files of publications without a manifest are leftovers, not faults.

    Raises:
        StoreProblem: the store cannot be read.
    """
    problems = []
    try:
        if read_latest(store) is None:
            problems.append(f"{store.place}: no {POINTER_NAME}: nothing is published here")
    except BadPublication as exc:
        problems.append(str(exc))
    known: dict[str, set[str]] = {}
    for publication, _ in publications(store):
        try:
            manifest = read_manifest_of(store, publication)
        except BadPublication as exc:
            problems.append(str(exc))
            continue
        problems += [f"{publication}: {claim}" for claim in wrong_claims(manifest)]
        problems += _wrong_files(store, manifest)
        for name, entry in {**manifest.files, **manifest.parquet}.items():
            known.setdefault(name, set()).add(entry.sha256)
        known.setdefault(MANIFEST_NAME, set()).add(hashlib.sha256(manifest.to_json()).hexdigest())
    return problems + list(_wrong_copies(store, known))


def _wrong_files(store: Store, manifest: Manifest) -> Iterator[str]:
    for name in (*manifest.files, *manifest.parquet):
        try:
            read_file(store, manifest, name)
        except BadPublication as exc:
            yield str(exc)


def _wrong_copies(store: Store, known: Mapping[str, set[str]]) -> Iterator[str]:
    for name, digests in sorted(known.items()):
        stored = store.get(name)
        if stored is not None and hashlib.sha256(stored.content).hexdigest() not in digests:
            yield f"{store.place}: {name} is the file of no publication; push or roll back copies it anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One publication of a store."""

    manifest: Manifest
    """Its manifest."""

    written_at: datetime
    """When its manifest was written, UTC."""

    is_latest: bool
    """Whether the pointer points to it."""


def log(store: Store) -> list[LogLine]:
    """Every publication of a store, newest first; those whose manifest cannot be read are left to `verify`.

    With a pointer that cannot be read none is the latest: this lists what `rollback` may point to.

    Raises:
        StoreProblem: the store cannot be read.
    """
    latest = None
    with suppress(BadPublication):
        latest = read_latest(store)
    lines = []
    for publication, written_at in publications(store):
        try:
            manifest = read_manifest_of(store, publication)
        except BadPublication:
            continue
        is_latest = latest is not None and latest.manifest.id == publication
        lines.append(LogLine(manifest=manifest, written_at=written_at, is_latest=is_latest))
    return lines


def rollback(store: Store, publication: str, *, now: datetime | None = None) -> Manifest:
    """Point to an earlier publication again, once every file of it is found whole; mends a broken pointer too.

    Raises:
        BadPublication: there is no such publication, or it is not whole; the pointer stays.
        LostRace: somebody else moved the pointer meanwhile.
        StoreProblem: the store cannot be read or written.
    """
    manifest = read_manifest_of(store, publication)
    if problems := list(_wrong_files(store, manifest)):
        raise BadPublication(problems[0])
    stored = store.get(place_of(publication, MANIFEST_NAME))
    content = b"" if stored is None else stored.content
    held, before = store.get(POINTER_NAME), None
    with suppress(BadPublication):
        before = read_latest(store)
    moment = (now or datetime.now(timezone.utc)).astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    pointer = Pointer(
        id=publication,
        sha256=hashlib.sha256(content).hexdigest(),
        # Nobody has looked at the clouds: a watchdog is not to be told so.
        checked_at=before.pointer.checked_at if before else moment,
        confirmed={cloud: entry.observed_at for cloud, entry in manifest.clouds.items() if entry.observed_at},
    )
    if before is not None and before.manifest.id == publication:
        moved = True  # It points there already; what is left is to mend the copies.
    elif held is None:
        moved = store.put_if_absent(POINTER_NAME, pointer.to_json())
    else:
        moved = store.put_if_match(POINTER_NAME, pointer.to_json(), held.version)
    if not moved:
        raise LostRace(f"{store.place}: the pointer moved meanwhile; look at `publish-catalog log`, then try again")
    copy_to_familiar_paths(store, manifest, before.manifest if before else None)
    return manifest


def prune(store: Store, keep: int) -> list[str]:
    """Delete all but the newest `keep` publications and the one that is pointed to; returns the ids of the deleted.

    Raises:
        BadPublication, StoreProblem: the pointer or the store cannot be read or written.
    """
    latest = read_latest(store)
    current = latest.manifest.id if latest else None
    there = [publication for publication, _ in publications(store)]
    doomed = [publication for publication in there[keep:] if publication != current]
    if latest is not None and doomed:
        # A publisher that was killed may have left there the files of one that goes now.
        copy_to_familiar_paths(store, latest.manifest)
    for publication in doomed:
        # The manifest first: without it the rest is a leftover, whatever happens now.
        store.delete(place_of(publication, MANIFEST_NAME))
        for entry in list(store.list(place_of(publication))):
            store.delete(entry.key)
    return doomed


def export(store: Store, folder: Path) -> Manifest:
    """Write the latest publication into a folder, as git holds it: without Parquet, whole files, manifest last.

    Raises:
        BadPublication: there is none, or it is not whole; nothing was written.
        FolderProblem, StoreProblem: the folder cannot be written, or the store not be read.
    """
    latest = read_latest(store)
    if latest is None:
        raise BadPublication(f"{store.place}: no {POINTER_NAME}: nothing is published here")
    files = {name: read_file(store, latest.manifest, name) for name in latest.manifest.files}
    target = Folder(folder)
    with target.locked():
        target.replace(files, latest.manifest)
        for path in (*folder.glob("v[0-9]*/*/*"), *folder.glob("history/*.jsonl")):
            if path.relative_to(folder).as_posix() not in files and path.suffix in PUBLISHED_SUFFIXES:
                path.unlink()
    return latest.manifest


def overdue(store: Store, max_age: timedelta, *, now: datetime | None = None) -> str | None:
    """Why somebody should look: nothing published, or not checked for too long; None when all is well.

    Raises:
        StoreProblem: the store cannot be read.
    """
    try:
        latest = read_latest(store)
    except BadPublication as exc:
        return str(exc)
    if latest is None:
        return f"{store.place}: no {POINTER_NAME}: nothing is published here"
    checked_at = latest.pointer.checked_at
    try:
        age = (now or datetime.now(timezone.utc)) - datetime.fromisoformat(checked_at.replace("Z", "+00:00"))
    except (ValueError, TypeError):
        return f"{store.place}: {POINTER_NAME} was checked at {checked_at[:40]!r}, which is no time"
    hours = age.total_seconds() / 3600
    if age < timedelta(hours=-1):
        return f"{store.place}: checked at {checked_at}, which is yet to come; is a clock wrong?"
    if age > max_age:
        return f"{store.place}: not checked since {checked_at} ({hours:.1f} hours); did the nightly run?"
    return None
