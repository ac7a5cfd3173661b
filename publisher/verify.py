"""Does a folder hold exactly what its manifest says? Every hash is recomputed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gpu_catalog.errors import BadCatalogFile
from gpu_catalog.manifest import FileEntry, Manifest, publication_id, read_manifest
from gpu_catalog.reading import file_bytes
from publisher.folder import JOURNAL_NAME, TEMPORARY_PREFIX, nobody_writing

PUBLISHED_SUFFIXES = (".csv", ".jsonl", ".parquet")


def verify_folder(path: Path) -> list[str]:
    """What is wrong with the folder, one sentence each; empty when all is right.

    Parquet files may be missing, as they are in a git export; one that is there must match. Temporary files of a
    run that was killed are no fault.
    """
    with nobody_writing(path):
        if (path / JOURNAL_NAME).exists():
            return ["a run was killed while it wrote here; any fetch-catalog into this folder finishes its work"]
        try:
            manifest = read_manifest(path)
        except (BadCatalogFile, OSError) as exc:
            return [str(exc)]
        return [*_wrong_files(path, manifest), *wrong_claims(manifest), *_unlisted(path, manifest)]


def _wrong_files(path: Path, manifest: Manifest) -> Iterator[str]:
    for name, entry in sorted(manifest.files.items()):
        yield from _wrong_file(path, name, entry)
    for name, entry in sorted(manifest.parquet.items()):
        if (path / name).exists():
            yield from _wrong_file(path, name, entry)


def _wrong_file(path: Path, name: str, entry: FileEntry) -> Iterator[str]:
    try:
        content = file_bytes(path / name)
    except BadCatalogFile as exc:
        yield str(exc)
        return
    except OSError as exc:
        yield f"{name}: cannot be read ({exc.strerror})"
        return
    found = FileEntry.of(content, entry.rows)
    if found.size_bytes != entry.size_bytes:
        yield f"{name}: {found.size_bytes} bytes, the manifest says {entry.size_bytes}"
    elif found.sha256 != entry.sha256:
        yield f"{name}: sha256 {found.sha256[:12]}..., the manifest says {entry.sha256[:12]}..."


def wrong_claims(manifest: Manifest) -> Iterator[str]:
    """What a manifest says that does not agree with itself."""
    csv_sha256 = {name: entry.sha256 for name, entry in manifest.files.items() if name.endswith("/vms.csv")}
    wanted = publication_id(manifest.observed_at, csv_sha256)
    if manifest.id != wanted:
        yield f"manifest.json: id {manifest.id}, but its files give {wanted}"
    for cloud, entry in sorted(manifest.clouds.items()):
        present = any(name.split("/")[1:] == [cloud, "vms.csv"] for name in csv_sha256)
        if present != (entry.state != "failed"):
            yield f"manifest.json: {cloud} is {entry.state}, but {'has' if present else 'has no'} vms.csv"


def _unlisted(path: Path, manifest: Manifest) -> Iterator[str]:
    """Catalog files that the manifest does not know: a reader would take them for published ones."""
    listed = manifest.files.keys() | manifest.parquet.keys()
    for file in sorted(path.glob("v[0-9]*/*/*")):
        name = file.relative_to(path).as_posix()
        if file.suffix in PUBLISHED_SUFFIXES and not file.name.startswith(TEMPORARY_PREFIX) and name not in listed:
            yield f"{name}: not in the manifest"
