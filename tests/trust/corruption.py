"""A corruption of something good, and the stages that must notice it.

A stage takes a change, applies it to a good catalog, fetch or publication, lets the product at it and returns what
caught it. A stage in which the change got through returns nothing, whatever was said about it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

from gpu_catalog import Catalog
from gpu_catalog.errors import GpuCatalogError
from gpu_catalog.offering import Offering
from gpu_catalog.sync import sync
from publisher.errors import CannotPush
from publisher.push import push
from publisher.store import open_store
from schemas import RefusedFetch, accept, validate_catalog
from tests.gpu_catalog.site import Site
from tests.publisher.nights import night, offerings
from tests.samples import CATALOGS


@dataclass(frozen=True, slots=True)
class Caught:
    """Something that noticed a corruption."""

    by: str
    """Name of the rule, or of the class of the error."""

    saying: str
    """Its message."""


@dataclass(frozen=True, slots=True)
class Corruption:
    """One way for something good to go bad."""

    name: str
    """What is wrong, in a few words."""

    stage: Callable[[Any], Sequence[Caught]]
    """Where it is noticed: one of the functions below."""

    change: Callable[[Any], Any]
    """Makes it bad: of what the stage hands it, returns the bad one, or changes the folder in place."""

    caught_by: str
    """The rule, or the class of the error, that must notice it."""

    saying: str = ""
    """Words of the message, where the rule or class alone does not tell it apart."""

    @property
    def where(self) -> str:
        """What it is applied to, for people."""
        return (self.stage.__doc__ or "").partition("\n")[0].rstrip(".")

    def is_caught(self) -> bool:
        """Whether the rule notices it and nothing of it is published or read."""
        return any(
            caught.by == self.caught_by and self.saying in caught.saying for caught in self.stage(self.change)
        )


def validated_lambda(change: Callable[[bytes], bytes]) -> Sequence[Caught]:
    """The vms.csv of a cloud without zones (Lambda, v8), validated."""
    return _validated("lambda", "v8", change)


def validated_runpod(change: Callable[[bytes], bytes]) -> Sequence[Caught]:
    """The vms.csv of a cloud with zones (RunPod, v8), validated."""
    return _validated("runpod", "v8", change)


def validated_yotta(change: Callable[[bytes], bytes]) -> Sequence[Caught]:
    """The vms.csv of a cloud with sizes in its names (Yotta, v8), validated."""
    return _validated("yotta", "v8", change)


def validated_v7(change: Callable[[bytes], bytes]) -> Sequence[Caught]:
    """The vms.csv of the older schema (Lambda, v7), validated."""
    return _validated("lambda", "v7", change)


def _validated(cloud: str, version: str, change: Callable[[bytes], bytes]) -> Sequence[Caught]:
    good = good_csv(cloud, version)
    bad = change(good)
    assert bad != good, "nothing was changed"
    return [Caught(finding.rule, finding.message) for finding in validate_catalog(bad, cloud, version).findings]


@lru_cache
def good_csv(cloud: str, version: str) -> bytes:
    """A published `vms.csv`; of RunPod's 12,000 rows those of three accelerators."""
    content = (CATALOGS / version / cloud / "vms.csv").read_bytes()
    if cloud != "runpod":
        return content
    header, *lines = content.splitlines(keepends=True)
    wanted = (b"_A40_SECURE,", b"_H100-SXM_SECURE,", b"_L4_SECURE,")
    return header + b"".join(line for line in lines if any(name in line[:30] for name in wanted))


def accepted(change: Callable[[list[Offering]], list[Offering]]) -> Sequence[Caught]:
    """What a fetch of Lambda brought, before it becomes a catalog."""
    return _accepted("lambda", change)


def accepted_yotta(change: Callable[[list[Offering]], list[Offering]]) -> Sequence[Caught]:
    """What a fetch of Yotta brought, before it becomes a catalog."""
    return _accepted("yotta", change)


def _accepted(cloud: str, change: Callable[[list[Offering]], list[Offering]]) -> Sequence[Caught]:
    good = offerings(cloud)
    bad = change(list(good))
    assert bad != good, "nothing was changed"
    try:
        publishable = accept(cloud, bad, [])
    except RefusedFetch as exc:
        return [Caught("RefusedFetch", str(exc))]
    if not set(publishable.offerings) <= set(good):
        return []
    return [Caught(skip.rule, skip.reason) for skip in publishable.skipped]


def gated(change: Callable[[Offering], Offering | None]) -> Sequence[Caught]:
    """Lambda's next night after a good one, pushed."""
    with _copy(_store()) as store:
        before = _files_of(store)
        with tempfile.TemporaryDirectory() as folder:
            night(Path(folder), 3, {"lambda": [change]})
            pushed = push(Path(folder), open_store(str(store)), now=datetime(2026, 12, 3, 3, tzinfo=timezone.utc))
        after = _files_of(store)
        if any(after[name] != content for name, content in before.items() if name.endswith("/vms.csv")):
            return []
        return [Caught("drift gate", note) for note in pushed.notes]


def pushed(change: Callable[[Path], object]) -> Sequence[Caught]:
    """A fetched folder with its hashes made anew, pushed."""
    with _copy(_fetched()) as folder, tempfile.TemporaryDirectory() as place:
        change(folder)
        try:
            push(folder, open_store(place))
        except CannotPush as exc:
            return [Caught("CannotPush", str(exc))] if not _files_of(Path(place)) else []
    return []


def read(change: Callable[[Path], object]) -> Sequence[Caught]:
    """A store with its hashes made anew, read."""
    with _copy(_store()) as store:
        open_before = Catalog.load(store)
        held = open_before.snapshot
        change(store)
        try:
            Catalog.load(store)
        except GpuCatalogError as exc:
            open_before.refresh()
            return [Caught(type(exc).__name__, str(exc))] if open_before.snapshot is held else []
    return []


def synced(change: Callable[[Path], object]) -> Sequence[Caught]:
    """A site with its hashes made anew, synced."""
    with _copy(_store()) as store, tempfile.TemporaryDirectory() as cache:
        change(store)
        with Site(store) as site:
            try:
                sync([site.url], Path(cache))
            except GpuCatalogError as exc:
                left = [name for name in _files_of(Path(cache)) if not name.startswith(".")]
                return [] if left else [Caught(type(exc).__name__, str(exc))]
    return []


@lru_cache
def _workshop() -> tempfile.TemporaryDirectory[str]:
    """Where the good folders lie; it goes with the process."""
    return tempfile.TemporaryDirectory(prefix="trust-")


@lru_cache
def _fetched() -> Path:
    """What a night's fetch left: Lambda and Yotta, live."""
    return night(Path(_workshop().name) / "fetched", 2, {"lambda": [], "yotta": []})


@lru_cache
def _store() -> Path:
    """A store of two publications: the second without one of Lambda's types, as prices are the gate's matter."""
    place = Path(_workshop().name) / "store"
    first = night(Path(_workshop().name) / "first", 1, {"lambda": [_without_v100_n], "yotta": []})
    for number, folder in enumerate((first, _fetched()), start=1):
        push(folder, open_store(str(place)), now=datetime(2026, 12, number, 3, tzinfo=timezone.utc))
    return place


def _without_v100_n(offering: Offering) -> Offering | None:
    return None if offering.instance_type == "gpu_8x_v100_n" else offering


@contextmanager
def _copy(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        yield Path(shutil.copytree(folder, Path(place) / "copy"))


def _files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def publication(store: Path) -> Path:
    """The folder of the publication that a store points to."""
    found: Path = store / "publications" / json.loads((store / "latest.json").read_bytes())["id"]
    return found


def repoint(store: Path, content: bytes) -> None:
    """Give the latest publication this manifest, and the pointer its hash, as who can write the bucket could."""
    (publication(store) / "manifest.json").write_bytes(content)
    pointer = json.loads((store / "latest.json").read_bytes())
    pointer["sha256"] = hashlib.sha256(content).hexdigest()
    (store / "latest.json").write_text(json.dumps(pointer))
