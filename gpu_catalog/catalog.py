"""The reader: published catalogs as something to ask.

A root is a folder of ours (`latest.json` and `publications/`, or `manifest.json` and the files it lists), or a bare
tree of `vms.csv` files. With a manifest every file that is read is hashed and every other one that it lists must
have its size, so that a mixture of two publications is refused. A catalog is read whole before any of it is seen.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from gpu_catalog.errors import BadCatalogFile, NoCatalog, SyncFailed
from gpu_catalog.manifest import (
    MANIFEST_NAME,
    MAX_MANIFEST_BYTES,
    CloudEntry,
    Manifest,
    parse_manifest,
    read_manifest,
)
from gpu_catalog.offering import Offering
from gpu_catalog.offers import Offer, grouped, parse_offers
from gpu_catalog.pointer import POINTER_NAME, PUBLICATIONS, Pointer, parse_pointer
from gpu_catalog.reading import MAX_FILE_BYTES, decoded, file_bytes, read_vms_csv

ROOT_VARIABLE = "GPU_CATALOG_ROOT"
BUNDLED = Path(__file__).with_name("bundled")
SOURCE_CHECKOUT = Path(__file__).resolve().parents[1] / "catalogs"
COUNT_TOLERANCE = 0.01
"""Two accelerator counts this near are the same: SkyPilot's rule."""

_SCHEMAS = ("v8", "v7")


@dataclass(frozen=True)
class CloudOffers:
    """What one cloud offers, with the indexes that lookups use."""

    cloud: str
    """Cloud name, as the folder is called."""

    offers: Sequence[Offer]
    """All offers, in the order of the catalog."""

    entry: CloudEntry | None = None
    """Its entry in the manifest; None in a bare tree."""

    @cached_property
    def has_zones(self) -> bool:
        """Whether its regions have availability zones (in every row or in none)."""
        return any(zones for offer in self.offers for zones in offer.regions.values())

    @cached_property
    def by_instance_type(self) -> Mapping[str, Sequence[Offer]]:
        """Offers by exact instance type."""
        index: dict[str, list[Offer]] = defaultdict(list)
        for offer in self.offers:
            index[offer.offering.instance_type].append(offer)
        return dict(index)

    @cached_property
    def by_accelerator(self) -> Mapping[str, Sequence[Offer]]:
        """Offers with an accelerator by its name in lower case, cheapest first."""
        index: dict[str, list[Offer]] = defaultdict(list)
        for offer in sorted(self.offers, key=lambda offer: offer.offering.price_usd_per_hour):
            if offer.offering.accelerator_name is not None:
                index[offer.offering.accelerator_name.lower()].append(offer)
        return dict(index)

    @cached_property
    def region_by_lower_name(self) -> Mapping[str, str]:
        """The catalog's spelling of every region by its name in lower case."""
        return {region.lower(): region for offer in self.offers for region in offer.regions}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One publication (or bare tree), read whole; it never changes."""

    clouds: Mapping[str, CloudOffers]
    """What each cloud offers, by cloud name."""

    manifest: Manifest | None
    """The manifest that all files agree with; None for a bare tree."""

    pointer: Pointer | None
    """What pointed to it, of the publisher or of `gpu-catalog sync`; None when nothing did."""


class Catalog:
    """Published catalogs of all clouds in one place, for lookups.

    `refresh()` moves to a newer publication: it is read and checked whole, then takes the place of the old one in
    a single step. What cannot be read changes nothing and is told in `problem`.
    """

    def __init__(self, root: Path, snapshot: Snapshot) -> None:
        self.root = root
        """The folder it reads."""
        self.problem: str | None = None
        """Why the last `refresh()` kept the old publication; None when it did not have to."""
        self._snapshot = snapshot
        self._url: str | None = None

    @classmethod
    def load(cls, root: str | os.PathLike[str] | None = None) -> Catalog:
        """Read the catalogs at `root`, else at GPU_CATALOG_ROOT, else the synced cache, else the bundled copy.

        Args:
            root: a folder, or a `file://`, `https://` (on loopback also `http://`) URL. What is at a URL is synced
                into a cache of its own first; when that fails, the last good copy there is read and `problem` set.

        Raises:
            NoCatalog: there is no catalog at the place; the message says what would be one.
            BadCatalogFile: there is one that is damaged, of a newer format, or a mixture of two publications.
        """
        folder, problem = find_root(root)
        catalog = cls(folder, read_snapshot(folder))
        catalog.problem = problem
        catalog._url = _url_of(root)
        return catalog

    @property
    def clouds(self) -> Mapping[str, CloudOffers]:
        """What each cloud offers, by cloud name."""
        return self._snapshot.clouds

    @property
    def snapshot(self) -> Snapshot:
        """What is being read now; hold on to it to ask several questions about the same publication."""
        return self._snapshot

    @property
    def manifest(self) -> Manifest | None:
        """The manifest of what is being read; None for a bare tree."""
        return self._snapshot.manifest

    @property
    def folder(self) -> Path:
        """The folder that holds the files being read: the root, or the publication that it points to."""
        pointed = self._snapshot.pointer is not None and self.manifest is not None
        return self.root / PUBLICATIONS / self.manifest.id if pointed and self.manifest else self.root

    def refresh(self) -> bool:
        """Read the root again (a URL is synced first); True when something new is now being read, whole.

        Raises nothing for a root that went bad: the last good publication stays, `problem` says why.
        """
        problem = None
        try:
            if self._url is not None:
                _, problem = _synced_copy(self._url)
            if _is_current(self.root, self._snapshot):
                self.problem = problem
                return False
            snapshot = read_snapshot(self.root)
        except (BadCatalogFile, NoCatalog, OSError) as exc:
            self.problem = str(exc)
            return False
        self.problem = problem
        changed = snapshot.manifest is None or self.manifest is None or snapshot.manifest.id != self.manifest.id
        self._snapshot = snapshot
        return changed

    def offers(self, accelerator: str, count: float = 1, *, cloud: str | None = None) -> Iterator[Offer]:
        """All offers of `count` accelerators of this name (whole name, case ignored) in one instance."""
        name = accelerator.lower()
        clouds = self.clouds.values() if cloud is None else filter(None, [self.clouds.get(cloud.lower())])
        for offered in clouds:
            for offer in offered.by_accelerator.get(name, ()):
                if abs((offer.offering.accelerator_count or 0) - count) <= COUNT_TOLERANCE:
                    yield offer

    def cheapest(
        self, accelerator: str, count: float = 1, *, cloud: str | None = None, use_spot: bool = False
    ) -> Offering | None:
        """The cheapest offering of `count` accelerators of this name, or None.

        On equal price the first in the order of clouds and of their catalogs. With `use_spot` only offerings with a
        known spot price count.
        """
        best: tuple[Decimal, Offering] | None = None
        for offer in self.offers(accelerator, count, cloud=cloud):
            facts = offer.offering
            price = facts.spot_price_usd_per_hour if use_spot else facts.price_usd_per_hour
            if price is not None and (best is None or price < best[0]):
                best = price, facts
        return best and best[1]


def find_root(root: str | os.PathLike[str] | None, *, offline: bool = False) -> tuple[Path, str | None]:
    """The folder to read, and why it may be out of date (None when nothing is known against it).

    Args:
        root: folder or URL; None for the default.
        offline: read what was synced from a URL before, and ask nobody.

    Raises:
        NoCatalog: the place is no folder, or a URL that was never synced.
    """
    chosen = _chosen(root)
    if chosen is None:
        return _default_root(), None
    parts = _url_parts(chosen)
    if parts.scheme == "file":
        return _folder(Path(unquote(parts.path)), chosen), None
    if (url := _url_of(chosen)) is not None:
        return (_earlier_copy(url), None) if offline else _synced_copy(url)
    if "://" in chosen:
        raise NoCatalog(f"{chosen[:200]}: a root is a folder, or an https:// or file:// URL")
    return _folder(Path(chosen), chosen), None


def _chosen(root: str | os.PathLike[str] | None) -> str | None:
    return os.fspath(root) if root is not None else os.environ.get(ROOT_VARIABLE) or None


def _url_of(root: str | os.PathLike[str] | None) -> str | None:
    """The site to sync before reading, if the root is one."""
    chosen = _chosen(root)
    return chosen if chosen is not None and _url_parts(chosen).scheme in ("http", "https") else None


def _url_parts(text: str) -> SplitResult:
    if not text:
        raise NoCatalog("an empty root; name a folder or URL, or leave it out")
    try:
        return urlsplit(text)
    except ValueError as exc:
        raise NoCatalog(f"{text[:200]}: no URL ({exc})") from exc


def _synced_copy(url: str) -> tuple[Path, str | None]:
    """The cache of a site, brought up to date if that can be done."""
    from gpu_catalog.sync import sync

    cache = _site_cache(url)
    try:
        sync([url], cache)
    except SyncFailed as exc:
        if not (cache / POINTER_NAME).is_file():
            raise NoCatalog(f"{exc}; and there is no earlier copy") from exc
        return cache, str(exc)
    return cache, None


def _earlier_copy(url: str) -> Path:
    from gpu_catalog.sites import shown_url

    cache = _site_cache(url)
    if not (cache / POINTER_NAME).is_file():
        raise NoCatalog(f"{shown_url(url)}: nothing synced from there yet; `gpu-catalog list --root URL` syncs it")
    return cache


def _site_cache(url: str) -> Path:
    from gpu_catalog.places import default_cache

    return default_cache() / "sites" / hashlib.sha256(url.encode()).hexdigest()[:16]


def _default_root() -> Path:
    from gpu_catalog.places import default_cache

    cache = default_cache()
    if (cache / POINTER_NAME).is_file():
        return cache
    return BUNDLED if BUNDLED.is_dir() else SOURCE_CHECKOUT


def _folder(path: Path, shown: str) -> Path:
    if not path.is_dir():
        raise NoCatalog(f"{shown[:200]}: no such folder; name one with catalogs in it, or run `gpu-catalog sync`")
    return path


def read_snapshot(root: Path) -> Snapshot:
    """Read a folder of catalogs whole.

    Raises:
        NoCatalog: nothing in it is a catalog.
        BadCatalogFile: damaged, of a newer format, or a mixture of two publications.
    """
    try:
        if (root / POINTER_NAME).is_file():
            pointer = _read_pointer(root)
            folder = root / PUBLICATIONS / pointer.id
            content = _read(folder / MANIFEST_NAME, MAX_MANIFEST_BYTES)
            if hashlib.sha256(content).hexdigest() != pointer.sha256:
                raise BadCatalogFile(f"{folder / MANIFEST_NAME}: not the manifest that {POINTER_NAME} points to")
            manifest = parse_manifest(content, str(folder / MANIFEST_NAME))
            if manifest.id != pointer.id:
                raise BadCatalogFile(f"{folder / MANIFEST_NAME}: the manifest of {manifest.id}, not of its folder")
            clouds = {
                cloud: _confirmed(offered, pointer.confirmed.get(cloud))
                for cloud, offered in _listed_clouds(folder, manifest).items()
            }
            return Snapshot(clouds, manifest, pointer)
        if (root / MANIFEST_NAME).is_file():
            manifest = read_manifest(root)
            return Snapshot(_listed_clouds(root, manifest), manifest, None)
        return Snapshot(_bare_clouds(root), None, None)
    except OSError as exc:
        raise BadCatalogFile(f"{exc.filename or root}: cannot be read ({exc.strerror})") from exc


def _is_current(root: Path, snapshot: Snapshot) -> bool:
    """Whether a root still holds what was read from it, by its pointer or manifest alone."""
    if snapshot.manifest is None:
        return False
    if (root / POINTER_NAME).is_file():
        return _read_pointer(root) == snapshot.pointer
    return (root / MANIFEST_NAME).is_file() and read_manifest(root).id == snapshot.manifest.id


def _read_pointer(root: Path) -> Pointer:
    return parse_pointer(_read(root / POINTER_NAME, MAX_MANIFEST_BYTES), str(root / POINTER_NAME))


def _read(path: Path, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    try:
        return file_bytes(path, max_bytes)
    except OSError as exc:
        raise BadCatalogFile(f"{path}: cannot be read ({exc.strerror})") from exc


def _listed_clouds(folder: Path, manifest: Manifest) -> dict[str, CloudOffers]:
    """The clouds of a manifest, each from the newest schema's `offers.jsonl`, all files held against it."""
    clouds = {}
    for name, entry in manifest.files.items():
        path = folder / name
        try:
            size = path.stat().st_size
        except OSError as exc:
            raise BadCatalogFile(
                f"{path}: listed in the manifest, but {exc.strerror}; publish or sync again"
            ) from exc
        if size != entry.size_bytes:
            raise BadCatalogFile(
                f"{path}: {size} bytes, the manifest says {entry.size_bytes}; an edited, cut off or half published "
                "catalog: publish or sync again"
            )
    for cloud, facts in manifest.clouds.items():
        names = (f"{schema}/{cloud}/offers.jsonl" for schema in _SCHEMAS)
        listed = next((name for name in names if name in manifest.files), None)
        if listed is not None:
            path = folder / listed
            content = _read(path)
            if hashlib.sha256(content).hexdigest() != manifest.files[listed].sha256:
                raise BadCatalogFile(f"{path}: not the file of the manifest; publish or sync again")
            offers = parse_offers(decoded(content, path), str(path))
            if strangers := {offer.offering.cloud for offer in offers} - {cloud}:
                raise BadCatalogFile(f"{path}: offers of {min(strangers)[:40]!r} among those of {cloud}")
            clouds[cloud] = CloudOffers(cloud, offers, facts)
    return clouds


def _confirmed(offered: CloudOffers, moment: str | None) -> CloudOffers:
    """The same with the date on which its prices were last seen; what was older already keeps its own date."""
    observed_at = offered.entry.observed_at if offered.entry else None
    if moment is None or observed_at is None or moment <= observed_at:
        return offered
    offers = [
        replace(offer, offering=replace(offer.offering, observed_at=moment))
        if offer.offering.observed_at == observed_at
        else offer
        for offer in offered.offers
    ]
    return replace(offered, offers=offers)


def _bare_clouds(root: Path) -> dict[str, CloudOffers]:
    return {
        cloud: CloudOffers(cloud, grouped(read_vms_csv(path, cloud))) for cloud, path in bare_files(root).items()
    }


def bare_files(root: Path) -> dict[str, Path]:
    """The `vms.csv` of every cloud in a tree without a manifest, by cloud name.

    They lie in `<schema>/<cloud>/`, v8 before v7, or in `<cloud>/`.

    Raises:
        NoCatalog: there is none.
    """
    found: dict[str, Path] = {}
    for pattern in (*(f"{schema}/*/vms.csv" for schema in _SCHEMAS), "*/vms.csv"):
        for path in sorted(root.glob(pattern)):
            found.setdefault(path.parent.name, path)
    if not found:
        raise NoCatalog(f"{root}: no manifest.json, <schema>/<cloud>/vms.csv or <cloud>/vms.csv in it")
    return dict(sorted(found.items()))
