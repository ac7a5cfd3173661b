"""A store in a folder."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path

from publisher.errors import StoreProblem
from publisher.folder import TEMPORARY_PREFIX, sync_folder, written
from publisher.store import Entry, Store, Stored, check_key, check_prefix, check_size, is_key

LOCK_NAME = ".store-lock"
LONGEST_WAIT_SECONDS = 60
LEFTOVER_AGE_SECONDS = 3600


class FolderStore(Store):
    """Objects as files of a folder.

    All writing happens in a temporary file, whose name gets linked (new) or renamed (replaced) under a lock. The
    temporary files are in the store's own folder, not beside their targets, so that one look finds all that killed
    writers left behind.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Nothing is read or made yet; `clock` gives Unix seconds, by which leftovers are too old."""
        self.path = path
        self.place = str(path)
        self._clock = clock

    def get(self, key: str) -> Stored | None:  # noqa: D102
        target = self.path / check_key(key)
        with _explained("read", target):
            try:
                if not _is_there(target):
                    return None
                check_size(target.lstat().st_size, str(target))
                content = target.read_bytes()
            except FileNotFoundError:  # deleted meanwhile
                return None
        return Stored(content, _version(content))

    def put_if_absent(self, key: str, content: bytes) -> bool:  # noqa: D102
        return self._put(self.path / check_key(key), content, None)

    def put_if_match(self, key: str, content: bytes, version: str) -> bool:  # noqa: D102
        return self._put(self.path / check_key(key), content, version)

    def list(self, prefix: str) -> Iterator[Entry]:  # noqa: D102
        check_prefix(prefix)
        with _explained("list", self.path):
            return iter(sorted(_entries(self.path, "", prefix), key=lambda entry: entry.key))

    def delete(self, key: str) -> None:  # noqa: D102
        target = self.path / check_key(key)
        with _explained("delete", target):
            if not _is_there(target):
                return
            with self._locked():
                target.unlink(missing_ok=True)
                # An empty folder would stand in the way of a key of its name, which S3 would take.
                folder = target.parent
                while folder != self.path and _removed(folder):
                    folder = folder.parent
                sync_folder(folder)

    def _put(self, target: Path, content: bytes, wanted: str | None) -> bool:
        """Write the file if it is of the wanted version, None: if it is not there."""
        check_size(len(content), str(target))
        with _explained("write", target):
            if not _is_version(target, wanted):
                return False  # known without writing anything
            _make_folder(self.path)
            temporary = written(self.path, content)
            try:
                with self._locked(temporary):
                    return _is_version(target, wanted) and _placed(temporary, target, new=wanted is None)
            finally:
                temporary.unlink(missing_ok=True)

    @contextmanager
    def _locked(self, own: Path | None = None) -> Iterator[None]:
        """Keep other writers out; the lock goes with the process. What killed ones left behind is removed.

        `own` is the caller's temporary file, which stays: the clock of a file server may be hours behind ours.
        """
        with (self.path / LOCK_NAME).open("a") as lock:
            ends_at = time.monotonic() + LONGEST_WAIT_SECONDS
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > ends_at:
                        busy = f"{self.path} is being written by others for {LONGEST_WAIT_SECONDS} s"
                        raise StoreProblem(f"{busy}, nothing was changed; wait for them or end them") from None
                    time.sleep(0.002)
            self._remove_leftovers(own)
            yield

    def _remove_leftovers(self, own: Path | None) -> None:
        """A writer waits for the lock with its temporary file written, so only old ones are surely nobody's."""
        too_old = self._clock() - LEFTOVER_AGE_SECONDS
        for temporary in self.path.glob(f"{TEMPORARY_PREFIX}*"):
            try:
                if temporary != own and temporary.lstat().st_mtime < too_old:
                    temporary.unlink()
            except FileNotFoundError:
                pass  # its writer is done


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _is_version(target: Path, wanted: str | None) -> bool:
    """Whether the file is of this version; None stands for no file."""
    if not _is_there(target):
        return wanted is None
    with suppress(FileNotFoundError):  # deleted meanwhile
        return wanted is not None and _version(target.read_bytes()) == wanted
    return False


def _is_there(target: Path) -> bool:
    """Whether there is a file; a folder or a link that is no object of ours is never read or replaced."""
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "no plain file"
        raise StoreProblem(f"{target} is {what}, not an object; move it or name another place")
    return True


def _placed(temporary: Path, target: Path, *, new: bool) -> bool:
    """Give the temporary file its name; False: there is a new object of that name already."""
    _make_folder(target.parent)
    if new:
        try:
            # Unlike a rename it never overwrites, not even what was put there without our lock.
            os.link(temporary, target)
        except FileExistsError:
            return False
    else:
        temporary.replace(target)
    sync_folder(target.parent)
    return True


def _entries(folder: Path, base: str, prefix: str) -> Iterator[Entry]:
    """Objects below a folder whose keys begin with `base`, in no order."""
    try:
        items = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for item in items:
        key = base + item.name
        if not is_key(item.name) or not (key.startswith(prefix) or prefix.startswith(f"{key}/")):
            continue
        if item.is_dir(follow_symlinks=False):
            yield from _entries(folder / item.name, f"{key}/", prefix)
        elif item.is_file(follow_symlinks=False) and key.startswith(prefix):
            try:
                found = item.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            yield Entry(key, found.st_size, datetime.fromtimestamp(found.st_mtime, timezone.utc))


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it so that they survive a power cut."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def _removed(folder: Path) -> bool:
    """Remove a folder if it is empty."""
    with suppress(OSError):
        folder.rmdir()
        return True
    return False


_NEXT_STEPS = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "make room there and run again"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "give this user the right to, or name another place"),
    errno.ENOTDIR: "a file is where a folder belongs, move it or name another place",
}


@contextmanager
def _explained(verb: str, path: Path) -> Iterator[None]:
    """What the system refuses becomes a StoreProblem that says what to do about it."""
    try:
        yield
    except OSError as exc:
        where = Path(os.fsdecode(exc.filename)) if isinstance(exc.filename, str | bytes) else path
        if where.name.startswith(TEMPORARY_PREFIX):
            where = path
        next_step = _NEXT_STEPS.get(exc.errno or 0, "mend it or name another place")
        raise StoreProblem(f"cannot {verb} {where}: {exc.strerror or exc}; {next_step}") from exc
