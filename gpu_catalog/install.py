"""Putting catalogs where SkyPilot reads them, and taking them away again.

SkyPilot reads `<home>/.sky/catalogs/<schema>/<cloud>/vms.csv`; without an `.md5` beside it a file counts as the
user's own and is never refreshed. What was there before is kept below `.gpu-catalog/`, with a record of what we
wrote, so that `uninstall` puts it back.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gpu_catalog.errors import CannotInstall
from gpu_catalog.manifest import Manifest, is_plain_path, read_manifest
from gpu_catalog.reading import decoded, file_bytes, parse_vms_csv
from gpu_catalog.skypilot_accelerators import ACCELERATORS_NAME, clouds_by_accelerator, merged_accelerators

SCHEMAS = ("v7", "v8")
REFRESHED_BY_SKYPILOT = ("lambda", "runpod")
"""Clouds whose catalogs SkyPilot downloads again every 7 hours unless the file is the user's own."""

LONGEST_WAIT_SECONDS = 10

_OURS = ".gpu-catalog"
_RECORD = "installed.json"
_IMAGES_HEADER = "Tag,Region,OS,OSVersion,ImageId,CreationDate"


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one file."""

    path: Path
    """The file."""

    action: Literal["write", "replace", "same", "remove", "restore", "keep"]
    """`write` where nothing was, `replace` over something, `keep` a file that the user edited since."""

    note: str | None = None
    """What the user should know, e.g. where the backup is."""


def install(
    catalogs: Path, clouds: Sequence[str], home: Path, *, allow_sample: bool = False, dry_run: bool = False
) -> list[Change]:
    """Put the clouds' `vms.csv` and `images.csv` of both schemas, and their accelerators, where SkyPilot looks.

    Args:
        catalogs: a folder with `manifest.json`; every file taken from it is hashed first.
        clouds: names of clouds in it.
        home: folder whose `.sky` SkyPilot uses, see `places.sky_home`.
        allow_sample: take sample data too.
        dry_run: only tell.

    Raises:
        CannotInstall: a cloud is not there, is sample data, or was edited; or the home cannot be written.
        BadCatalogFile: the manifest or a catalog cannot be read.
    """
    manifest = read_manifest(catalogs)
    wanted = _wanted(catalogs, manifest, clouds, allow_sample=allow_sample)
    names = _published_accelerators(catalogs, manifest)
    base = home / ".sky" / "catalogs"
    with _working_in(base, dry_run=dry_run):
        place = _Place(base, dry_run=dry_run)
        changes = [place.put(name, content) for name, content in wanted.items()]
        for schema in SCHEMAS:
            name = f"{schema}/{ACCELERATORS_NAME}"
            changes.append(place.put(name, merged_accelerators(place.content(name), names)))
    return changes


def uninstall(home: Path, *, dry_run: bool = False) -> list[Change]:
    """Put back what was there before `install`; a file that was edited since is kept as it is.

    Raises:
        CannotInstall: the home cannot be written, or the record of what was installed cannot be read.
    """
    base = home / ".sky" / "catalogs"
    if not (base / _OURS / _RECORD).exists():
        return []
    with _working_in(base, dry_run=dry_run):
        place = _Place(base, dry_run=dry_run)
        return [place.put_back(name) for name in list(place.record)]


def _wanted(catalogs: Path, manifest: Manifest, clouds: Sequence[str], *, allow_sample: bool) -> dict[str, bytes]:
    wanted = {}
    for cloud in clouds:
        entry = manifest.clouds.get(cloud)
        if entry is None or entry.state == "failed":
            there = ", ".join(name for name, known in manifest.clouds.items() if known.state != "failed")
            raise CannotInstall(f"{catalogs} has no catalog of {cloud[:80]!r}; it has {there or 'none'}")
        if entry.kind == "sample" and not allow_sample:
            raise CannotInstall(
                f"the catalog of {cloud} in {catalogs} is sample data, not today's prices; "
                "name a live one with --root, or say --allow-sample"
            )
        for schema in SCHEMAS:
            if (name := f"{schema}/{cloud}/vms.csv") in manifest.files:
                wanted[name] = _checked(catalogs, name, manifest)
                # Its hash says who wrote it, not that it is a catalog: SkyPilot is to get no cell that it dies of.
                parse_vms_csv(decoded(wanted[name], name), cloud, str(catalogs / name))
            if (name := f"{schema}/{cloud}/images.csv") in manifest.files:
                wanted[name] = _checked(catalogs, name, manifest)
                if decoded(wanted[name], name).partition("\n")[0] != _IMAGES_HEADER:
                    raise CannotInstall(f"{catalogs / name}: its columns are not {_IMAGES_HEADER}")
    return wanted


def _checked(catalogs: Path, name: str, manifest: Manifest) -> bytes:
    try:
        content = file_bytes(catalogs / name)
    except OSError as exc:
        raise CannotInstall(f"{catalogs / name}: cannot be read ({exc.strerror})") from exc
    if hashlib.sha256(content).hexdigest() != manifest.files[name].sha256:
        raise CannotInstall(f"{catalogs / name}: not the file of the manifest; publish or sync again")
    return content


def _published_accelerators(catalogs: Path, manifest: Manifest) -> dict[str, set[str]]:
    """The published `common/accelerators.csv`: clouds by accelerator.

    All of it, also of clouds that are not being installed: SkyPilot asks this file what a name means, and a list
    with `H200-SXM` and without `H200` makes `H200` mean something else.
    """
    name = f"v8/{ACCELERATORS_NAME}"
    if name not in manifest.files:
        raise CannotInstall(f"{catalogs} has no {name}; publish or sync again")
    try:
        return clouds_by_accelerator(decoded(_checked(catalogs, name, manifest), name))
    except ValueError as exc:
        raise CannotInstall(
            f"{catalogs / name}: not a list of accelerators ({exc}); publish or sync again"
        ) from exc


class _Place:
    """SkyPilot's catalog folder, with the record of what we did to it."""

    def __init__(self, base: Path, *, dry_run: bool) -> None:
        self.base, self.dry_run = base, dry_run
        path = base / _OURS / _RECORD
        try:
            entries = json.loads(path.read_bytes()) if path.exists() else {}
            self.record: dict[str, dict[str, str | None]] = {
                name: {key: entry[key] for key in ("sha256", "backup", "md5")} for name, entry in entries.items()
            }
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
            raise CannotInstall(f"{path} cannot be read ({exc}); the backups are beside it") from exc
        for name, entry in self.record.items():
            backup = entry["backup"]
            inside = backup is None or (backup.startswith(f"{_OURS}/") and is_plain_path(backup.partition("/")[2]))
            if not is_plain_path(name) or not inside:
                raise CannotInstall(f"{path} names files outside of the folder; it is not of ours, remove it")

    def content(self, name: str) -> bytes | None:
        """What a file holds; None when it is not there."""
        path = self.base / name
        return path.read_bytes() if path.is_file() else None

    def put(self, name: str, content: bytes) -> Change:
        """Write a file, with a backup of what was there unless we wrote that ourselves."""
        path, there = self.base / name, self.content(name)
        before = self.record.get(name)
        ours = before is not None and there is not None and before["sha256"] == _digest(there)
        if there == content:
            return Change(path, "same")
        entry: dict[str, str | None] = {"sha256": _digest(content), "backup": None, "md5": self._md5(name)}
        note = None
        if before is not None and ours:
            entry |= {"backup": before["backup"], "md5": before["md5"]}
        elif there is not None:
            entry["backup"] = f"{_OURS}/{name}.{_digest(there)[:12]}"
            note = f"what was there is kept as {self.base / str(entry['backup'])}"
        if not self.dry_run:
            with _no_download(self._meta(name, ".lock")):
                if there is not None and not ours:
                    _write(self.base / str(entry["backup"]), there)
                self.record[name] = entry
                self._save()
                _write(path, content)
                # With an .md5 that matches, SkyPilot would take the file for its own download and replace it.
                self._meta(name, ".md5").unlink(missing_ok=True)
        return Change(path, "write" if there is None else "replace", note)

    def put_back(self, name: str) -> Change:
        """Restore the backup, or remove what we added; leave what is not ours any more."""
        path, there, entry = self.base / name, self.content(name), self.record[name]
        backup = None if entry["backup"] is None else self.base / entry["backup"]
        if there is not None and _digest(there) != entry["sha256"]:
            kept = f"; what was there before is {backup}" if backup else ""
            return Change(path, "keep", f"edited since it was installed{kept}")
        if not self.dry_run:
            if backup is not None:
                _write(path, backup.read_bytes())
                if entry["md5"] is not None:
                    _write(self._meta(name, ".md5"), entry["md5"].encode())
                backup.unlink()
            else:
                path.unlink(missing_ok=True)
            del self.record[name]
            self._save()
        return Change(path, "restore" if backup else "remove")

    def _meta(self, name: str, suffix: str) -> Path:
        """SkyPilot's own note about a file: `.md5` of its last download, `.lock` while it downloads."""
        schema, _, rest = name.partition("/")
        return self.base / schema / ".meta" / f"{rest}{suffix}"

    def _md5(self, name: str) -> str | None:
        path = self._meta(name, ".md5")
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def _save(self) -> None:
        _write(self.base / _OURS / _RECORD, json.dumps(self.record, indent=1, sort_keys=True).encode())


@contextmanager
def _working_in(base: Path, *, dry_run: bool) -> Iterator[None]:
    """Hold the lock that keeps two installs apart; OSErrors become one line."""
    try:
        if dry_run:
            yield
            return
        (base / _OURS).mkdir(parents=True, exist_ok=True)
        with (base / _OURS / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as exc:
        where = exc.filename or base
        raise CannotInstall(f"cannot write {where}: {exc.strerror}; mend it or name another --sky-home") from exc


@contextmanager
def _no_download(lock_file: Path) -> Iterator[None]:
    """Keep SkyPilot from renaming a download over our file: it holds this lock (flock) while it downloads."""
    if not lock_file.exists():
        yield
        return
    with lock_file.open("a") as lock:
        ends_at = time.monotonic() + LONGEST_WAIT_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > ends_at:
                    raise CannotInstall("SkyPilot is downloading this catalog just now; try again later") from None
                time.sleep(0.05)
            else:
                break
        yield


def _write(path: Path, content: bytes) -> None:
    """Replace a file as a whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=".tmp-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
