"""A folder of catalogs: read what it holds, and replace one cloud's files so that every file is always whole.

Order of a write: everything into temporary files beside their targets, synced (a full disk shows here and changes
nothing); a journal of the renames; the renames, `manifest.json` last. A run that is killed between two renames is
finished by the next one. A lock keeps publishers apart; it goes with the process.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from gpu_catalog.errors import BadCatalogFile
from gpu_catalog.manifest import MANIFEST_NAME, Manifest, is_plain_path, read_manifest
from gpu_catalog.offering import Offering
from gpu_catalog.reading import read_offers
from publisher.errors import FolderProblem

LOCK_NAME = ".lock"
LONGEST_WAIT_SECONDS = 60
JOURNAL_NAME = ".journal.json"
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

    def offers(self, cloud: str) -> list[Offering]:
        """The published offers of a cloud, of the newest schema version; empty when there are none to be read."""
        for path in sorted(self.path.glob(f"v[0-9]*/{cloud}/offers.jsonl"), reverse=True):
            try:
                return read_offers(path)
            except (OSError, BadCatalogFile):
                continue
        return []

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder's lock, with whatever a killed run left behind put right. Makes the folder when missing.

        Raises:
            FolderProblem: the folder cannot be made or written, or another publisher holds it for a minute.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with (self.path / LOCK_NAME).open("a") as lock:
                self._wait_for(lock)
                self._finish_renames()
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
        for name in wanted:
            self._check_target(name)
        staged: dict[str, str] = {}
        try:
            for name, content in wanted.items():
                target = self.path / name
                if target.is_file() and target.read_bytes() == content:
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                staged[written(target.parent, content).relative_to(self.path).as_posix()] = name
            journal = written(self.path, json.dumps(staged).encode())
        except OSError as exc:
            for temporary in staged:
                (self.path / temporary).unlink(missing_ok=True)
            raise _problem(exc, self.path) from exc
        try:
            # From here on a run that is killed, or a rename that fails, is finished by the next run.
            journal.replace(self.path / JOURNAL_NAME)
            self._finish_renames()
        except OSError as exc:
            raise _problem(exc, self.path) from exc

    def check_place(self) -> None:
        """Find out before any fetch that the folder can be neither written nor made.

        Raises:
            FolderProblem: what stands in the way.
        """
        try:
            place = self.path.absolute()
            while not place.exists():
                place = place.parent
            if not place.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(place))
            if not os.access(place, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(place))
        except OSError as exc:
            raise _problem(exc, self.path) from exc

    def _check_target(self, name: str) -> None:
        """A folder where a file belongs, or a file where a folder does, is found before anything is written."""
        target = self.path / name
        in_the_way = [place for place in target.parents if place.exists() and not place.is_dir()]
        if target.is_dir() or in_the_way:
            culprit = in_the_way[0] if in_the_way else target
            next_step = "move it or name another --output folder"
            raise FolderProblem(f"cannot write {target}: {culprit} is in the way; {next_step}")

    def _wait_for(self, lock: IO[str]) -> None:
        ends_at = time.monotonic() + LONGEST_WAIT_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > ends_at:
                    busy = f"{self.path} is being written by another run for {LONGEST_WAIT_SECONDS} s"
                    raise FolderProblem(f"{busy}; wait for it or end it") from None
                time.sleep(0.05)
            else:
                return

    def _finish_renames(self) -> None:
        """Do the renames that the journal lists and that are not done yet; the manifest is the last of them."""
        journal = self.path / JOURNAL_NAME
        if not journal.exists():
            return
        for temporary, name in _journal_entries(journal):
            if (self.path / temporary).exists():
                (self.path / temporary).replace(self.path / name)
                sync_folder((self.path / name).parent)
        journal.unlink()

    def _remove_leftovers(self) -> None:
        """Temporary files of a run that was killed before it had them all."""
        for pattern in (f"{TEMPORARY_PREFIX}*", f"v[0-9]*/*/{TEMPORARY_PREFIX}*"):
            for temporary in self.path.glob(pattern):
                if temporary.is_file():
                    temporary.unlink(missing_ok=True)


def _journal_entries(journal: Path) -> list[tuple[str, str]]:
    """(temporary file, file) pairs of a journal; it may have come with the folder, so its paths are not trusted.

    Raises:
        FolderProblem: not of our form, or a path that leads out of the folder.
    """
    try:
        entries = [(str(temporary), str(name)) for temporary, name in json.loads(journal.read_bytes()).items()]
    except (ValueError, AttributeError, RecursionError) as exc:
        raise FolderProblem(f"{journal} is no journal of ours; remove it") from exc
    for temporary, name in entries:
        plain = is_plain_path(name) and PurePosixPath(temporary).parent == PurePosixPath(name).parent
        if not plain or not PurePosixPath(temporary).name.startswith(TEMPORARY_PREFIX):
            raise FolderProblem(f"{journal} names files outside of the folder or not ours; remove it")
    return entries


@contextmanager
def nobody_writing(path: Path) -> Iterator[None]:
    """Read a folder while no publisher is at work in it, if it has a lock that we may open."""
    try:
        lock = (path / LOCK_NAME).open()
    except OSError:
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def written(folder: Path, content: bytes) -> Path:
    """A temporary file in `folder` that holds `content`, on disk."""
    descriptor, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=folder)
    temporary = folder / Path(name).name
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _problem(exc: OSError, path: Path) -> FolderProblem:
    where = Path(exc.filename or path)
    if where.name.startswith(TEMPORARY_PREFIX):
        where = where.parent
    return FolderProblem(f"cannot write {where}: {exc.strerror or exc}; mend it or name another --output folder")
