"""One publication read whole, with the indexes of lookups; or a bare tree of `vms.csv` files.

With a manifest every file that is read is hashed and every other one that it lists must have its size, so that a
mixture of two publications is refused.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from gpu_catalog.errors import BadCatalogFile, NoCatalog
from gpu_catalog.manifest import (
    MANIFEST_NAME,
    MAX_MANIFEST_BYTES,
    CloudEntry,
    Manifest,
    parse_manifest,
    read_manifest,
)
from gpu_catalog.offers import Offer, grouped, parse_offers
from gpu_catalog.pointer import POINTER_NAME, PUBLICATIONS, Pointer, parse_pointer
from gpu_catalog.reading import MAX_FILE_BYTES, decoded, file_bytes, read_vms_csv

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


def is_current(root: Path, snapshot: Snapshot) -> bool:
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
