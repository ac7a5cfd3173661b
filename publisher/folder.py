"""A folder of catalogs: read what it holds, and replace one cloud's files so that every file is always whole.

Order of a write: everything into temporary files beside their targets (a full disk shows here and changes
nothing), fsync, rename, `manifest.json` last. A lock keeps two publishers apart; it goes with the process.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from gpu_catalog.errors import BadCatalogFile
from gpu_catalog.manifest import MANIFEST_NAME, Manifest, read_manifest
from gpu_catalog.offering import Offering
from gpu_catalog.reading import read_offers
from publisher.errors import FolderProblem

LOCK_NAME = ".lock"
TEMPORARY_PREFIX = ".tmp-"


class Folder:
    """The folder that `fetch-catalog --output` names."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def manifest(self) -> Manifest | None:
        """What the folder holds; None when nothing was published into it yet.

        Raises:
            FolderProblem: there is a manifest that cannot be read; it is never overwritten blindly.
        """
        try:
            if not (self.path / MANIFEST_NAME).exists():
                return None
            return read_manifest(self.path)
        except BadCatalogFile as exc:
            raise FolderProblem(f"{exc}; restore it, or publish into another --output folder") from exc
        except OSError as exc:
            raise _problem(exc, self.path) from exc

    def offers(self, version: str, cloud: str) -> list[Offering]:
        """The published offers of a cloud; empty when there are none that can be read."""
        try:
            return read_offers(self.path / version / cloud / "offers.jsonl")
        except (OSError, BadCatalogFile):
            return []

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder's lock; waits for another publisher to finish. Makes the folder when it is missing.

        Raises:
            FolderProblem: the folder cannot be made or written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with (self.path / LOCK_NAME).open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._remove_leftovers()
                yield
        except OSError as exc:
            raise _problem(exc, self.path) from exc

    def replace(self, files: Mapping[str, bytes], manifest: Manifest) -> None:
        """Write files (by path relative to the folder) and then the manifest; call it under the lock.

        Files that already hold these bytes are left alone.

        Raises:
            FolderProblem: something cannot be written; then no file has changed, unless a rename itself failed.
        """
        wanted = {**files, MANIFEST_NAME: manifest.to_json()}
        staged: list[tuple[Path, Path]] = []
        try:
            for name, content in wanted.items():
                target = self.path / PurePosixPath(name)
                if target.is_file() and target.read_bytes() == content:
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                staged.append((_written(target.parent, content), target))
            for temporary, target in staged:
                temporary.replace(target)
            for folder in {target.parent for _, target in staged}:
                _sync_folder(folder)
        except OSError as exc:
            raise _problem(exc, self.path) from exc
        finally:
            for temporary, _ in staged:
                temporary.unlink(missing_ok=True)

    def _remove_leftovers(self) -> None:
        """Temporary files of a run that was killed."""
        for temporary in self.path.rglob(f"{TEMPORARY_PREFIX}*"):
            temporary.unlink(missing_ok=True)


def _written(folder: Path, content: bytes) -> Path:
    """A temporary file in `folder` that holds `content`, on disk."""
    descriptor, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _sync_folder(folder: Path) -> None:
    """Make renames in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _problem(exc: OSError, path: Path) -> FolderProblem:
    where = exc.filename or path
    return FolderProblem(f"cannot write {where}: {exc.strerror or exc}; mend it or name another --output folder")
