"""The price history of a root, as series for people: which price went how, and where."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import PurePosixPath

from gpu_catalog.accelerators import name_key, synonym_keys
from gpu_catalog.catalog import Catalog
from gpu_catalog.errors import BadCatalogFile, NoCatalog, NotOffered
from gpu_catalog.history import Key, PriceChange, change_percent, parse_history
from gpu_catalog.listing import suggestion
from gpu_catalog.numbers import COUNT_TOLERANCE
from gpu_catalog.reading import decoded, file_bytes

FOLDER_NAME = "history"

_FILE = re.compile(FOLDER_NAME + r"/[a-z0-9][a-z0-9_-]*\.jsonl", re.ASCII)


def read_history(catalog: Catalog) -> list[PriceChange]:
    """The history of every cloud in the publication that a catalog reads, held against its manifest.

    Raises:
        NoCatalog: there is none.
        BadCatalogFile: it is damaged, or not the one of the manifest.
    """
    manifest, folder = catalog.manifest, catalog.folder
    if manifest is not None:
        names = sorted(filter(_FILE.fullmatch, manifest.files))
    else:
        there = (path.relative_to(folder).as_posix() for path in folder.glob(f"{FOLDER_NAME}/*.jsonl"))
        names = sorted(filter(_FILE.fullmatch, there))
    if not names:
        raise NoCatalog(f"{catalog.root}: no price history ({FOLDER_NAME}/<cloud>.jsonl) in it; name a root or "
                        "site that has one, with --root or `gpu-catalog sync`")  # fmt: skip
    found: list[PriceChange] = []
    for name in names:
        path = folder / name
        try:
            content = file_bytes(path)
        except OSError as exc:
            raise BadCatalogFile(f"{path}: cannot be read ({exc.strerror})") from exc
        if manifest is not None and hashlib.sha256(content).hexdigest() != manifest.files[name].sha256:
            raise BadCatalogFile(f"{path}: not the file of the manifest; publish or sync again")
        changed = parse_history(decoded(content, path), str(path))
        if strangers := {change.cloud for change in changed} - {PurePosixPath(name).stem}:
            raise BadCatalogFile(f"{path}: holds prices of another cloud, {min(strangers)[:40]!r}")
        found += changed
    return found


@dataclass(frozen=True, slots=True)
class Series:
    """How one price went, in all regions where it went the same way."""

    regions: tuple[str, ...]
    """The regions, sorted."""

    before: Decimal | None
    """USD per hour before the first of `changes`; None: not offered, or nothing is known."""

    changes: tuple[PriceChange, ...]
    """Oldest first, at least one; their region is the first of `regions`."""

    def steps(self) -> Iterator[tuple[PriceChange, Decimal | None]]:
        """Each change with its percent against the price before it; None where either is none."""
        before = self.before
        for change in self.changes:
            known = before is not None and change.price is not None
            yield change, change_percent(before, change.price) if known else None  # type: ignore[arg-type]
            before = change.price


def series(
    history: Sequence[PriceChange],
    gpu: str | None = None,
    count: float | None = None,
    *,
    cloud: str | None = None,
    since: date | None = None,
) -> list[Series]:
    """The series that fit, by cloud, accelerator count, instance type, kind and region; each by time.

    Args:
        history: changes in the order of their file, as `read_history` gives them.
        gpu: accelerator; compared with `name_key`. Other names of the same card count where it has none itself.
        count: accelerators in one instance; None: any number.
        cloud: catalog's name of the only cloud to look at.
        since: UTC day from which on to show changes; series without any are left out.

    Raises:
        NotOffered: the history knows no such accelerator or cloud; the message tells the nearest names.
    """
    clouds = {change.cloud for change in history}
    if cloud is not None and cloud not in clouds:
        raise NotOffered(f"no history of cloud {cloud[:80]!r}; there is one of {', '.join(sorted(clouds))}")
    keys = None if gpu is None else _accelerator_keys(history, gpu)
    # Once a type has fitted all its changes belong to its series, under whatever name of the accelerator.
    types = {(c.cloud, c.instance_type) for c in history if _fits(c, keys, count) and cloud in (None, c.cloud)}
    by_price: dict[tuple[str, Key], list[PriceChange]] = defaultdict(list)
    for change in sorted(history, key=lambda change: change.valid_from):
        if (change.cloud, change.instance_type) in types:
            by_price[change.cloud, change.key].append(change)
    first_day = "" if since is None else since.isoformat()
    return sorted(_folded(by_price.values(), first_day), key=_series_order)


def _fits(change: PriceChange, keys: Collection[str] | None, count: float | None) -> bool:
    if keys is not None and (change.accelerator is None or name_key(change.accelerator) not in keys):
        return False
    return count is None or abs((change.accelerator_count or 0) - count) <= COUNT_TOLERANCE


def _accelerator_keys(history: Iterable[PriceChange], gpu: str) -> Collection[str]:
    """`name_key` of the names under which the history has an accelerator."""
    names = {name_key(change.accelerator): change.accelerator for change in history if change.accelerator}
    found = {name_key(gpu)} & names.keys() or synonym_keys(name_key(gpu)) & names.keys()
    if not found:
        raise NotOffered(f"no accelerator {gpu[:80]!r} in the price history{suggestion(gpu, names.values())}")
    return found


def _folded(every: Iterable[Sequence[PriceChange]], first_day: str) -> Iterator[Series]:
    groups: dict[tuple[object, ...], list[str]] = defaultdict(list)
    firsts: dict[tuple[object, ...], tuple[Decimal | None, tuple[PriceChange, ...]]] = {}
    for whole in sorted(every, key=lambda whole: whole[0].region):
        shown = tuple(change for change in whole if change.valid_from >= first_day)
        if shown:
            hidden = len(whole) - len(shown)
            before = whole[hidden - 1].price if hidden else None
            same = (before, *(replace(change, region="") for change in shown))
            groups[same].append(whole[0].region)
            firsts.setdefault(same, (before, shown))
    return (Series(tuple(regions), *firsts[same]) for same, regions in groups.items())


def _series_order(line: Series) -> tuple[object, ...]:
    first = line.changes[0]
    return first.cloud, first.accelerator_count or 0, first.instance_type, first.kind, line.regions
