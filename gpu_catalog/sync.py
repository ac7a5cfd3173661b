"""Fetching the latest publication of a site into a local cache that `Catalog` reads.

The cache is a folder of publications like any other: `publications/<id>/` with its manifest, and `latest.json`,
which is written last. Every file is hashed as it arrives; a publication that is not whole never gets a name. A site
is a folder of publications too, or the plain folder of one (`manifest.json` and its files).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

from gpu_catalog.errors import BadCatalogFile, SyncFailed
from gpu_catalog.manifest import MANIFEST_NAME, MAX_MANIFEST_BYTES, FileEntry, Manifest, parse_manifest
from gpu_catalog.pointer import POINTER_NAME, PUBLICATIONS, Pointer, parse_pointer
from gpu_catalog.sites import Answer, open_site, shown_url

STATE_NAME = "sync.json"
KEPT_PUBLICATIONS = 3
MAX_PUBLICATION_BYTES = 256 * 1024 * 1024
DEADLINE_SECONDS = 60.0
"""For all of one site."""
LONGEST_WAIT_SECONDS = 60.0
"""For another sync into the same cache."""

_TEMPORARY = ".tmp-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What a sync came to."""

    id: str
    """Id of the publication that the cache now holds."""

    url: str
    """The site that it came from, or that confirmed it."""

    changed: bool
    """Whether the cache held another one before."""

    observed_at: str
    """Newest `observed_at` of its prices, UTC."""

    downloaded_files: int = 0
    """Files that came over the network; those that the last publication had already are taken from it."""

    downloaded_bytes: int = 0
    """Their size together."""


def sync(urls: Sequence[str], cache: Path, *, deadline_seconds: float = DEADLINE_SECONDS) -> Synced:
    """Bring the cache to the latest publication of the first of these sites that has it whole.

    Raises:
        SyncFailed: no site could be used (one line says why for each), or the cache cannot be written. What the
            cache holds is as it was.
    """
    if not urls:
        raise SyncFailed("no URL: name one, or set GPU_CATALOG_URL, or `url` in ~/.config/gpu-catalog/config.toml")
    problems = []
    try:
        with locked(cache):
            for url in urls:
                try:
                    return _Sync(url, cache, time.monotonic() + deadline_seconds).run()
                except (SyncFailed, BadCatalogFile) as exc:
                    problems.append(f"{shown_url(url)}: {exc}")
    except OSError as exc:
        where = exc.filename or cache
        raise SyncFailed(
            f"cannot write the cache {where}: {exc.strerror or exc}; mend it or set GPU_CATALOG_CACHE"
        ) from exc
    raise SyncFailed("; ".join(problems) + _what_stays(cache))


def _what_stays(cache: Path) -> str:
    """What readers of the cache go on with, and how old it is."""
    try:
        pointer = parse_pointer((cache / POINTER_NAME).read_bytes())
        manifest = parse_manifest((cache / PUBLICATIONS / pointer.id / MANIFEST_NAME).read_bytes())
    except (OSError, BadCatalogFile):
        return ""
    return f"; kept {manifest.id}, prices of {manifest.observed_at}, last confirmed {pointer.checked_at[:40]}"


class _Sync:
    """One attempt with one site."""

    def __init__(self, url: str, cache: Path, ends_at: float) -> None:
        self.url, self.cache, self.ends_at = url.rstrip("/"), cache, ends_at
        self.files = self.bytes = 0
        self.state = _read_state(cache)
        self.site = open_site(self.url)

    def run(self) -> Synced:
        held = self._held()
        known = self.state if held is not None and self.state.get("url") == self.url else {}
        answer = self._first(known)
        base, content = "", answer.content
        confirmed: Mapping[str, str] = {}
        if answer.name == POINTER_NAME and not answer.unchanged:
            pointer = parse_pointer(answer.content, POINTER_NAME)
            base, confirmed = f"{PUBLICATIONS}/{pointer.id}/", pointer.confirmed
            content = self._manifest(base, pointer.sha256, held)
        unchanged = answer.unchanged or (held is not None and content == held[1])
        if unchanged and held is not None:
            if answer.unchanged:
                confirmed = parse_pointer((self.cache / POINTER_NAME).read_bytes()).confirmed
            self._remember(held[0], held[1], answer, confirmed)
            return Synced(id=held[0].id, url=self.url, changed=False, observed_at=held[0].observed_at)
        manifest = parse_manifest(content, MANIFEST_NAME)
        if base not in ("", f"{PUBLICATIONS}/{manifest.id}/"):
            raise SyncFailed(f"{base}{MANIFEST_NAME} is the manifest of {manifest.id}")
        self._fetch(base, manifest, content, held[0] if held else None)
        self._remember(manifest, content, answer, confirmed)
        self._prune(manifest.id)
        return Synced(
            id=manifest.id, url=self.url, changed=True, observed_at=manifest.observed_at,
            downloaded_files=self.files, downloaded_bytes=self.bytes,
        )  # fmt: skip

    def _first(self, known: dict[str, Any]) -> Answer:
        """The pointer of the site, or the manifest of a site without one; only asked for again when it changed."""
        for name in (POINTER_NAME, MANIFEST_NAME):
            conditions = known if known.get("name") == name else {}
            answer = self.site.get(name, MAX_MANIFEST_BYTES, self.ends_at, conditions)
            if answer is not None:
                return answer
        raise SyncFailed(f"has neither {POINTER_NAME} nor {MANIFEST_NAME}")

    def _held(self) -> tuple[Manifest, bytes] | None:
        """The publication in the cache and the bytes of its manifest; None when there is no good one."""
        try:
            pointer = parse_pointer((self.cache / POINTER_NAME).read_bytes(), POINTER_NAME)
            folder = self.cache / PUBLICATIONS / pointer.id
            content = (folder / MANIFEST_NAME).read_bytes()
            manifest = parse_manifest(content)
            if hashlib.sha256(content).hexdigest() != pointer.sha256:
                return None
            whole = all((folder / n).stat().st_size == e.size_bytes for n, e in manifest.files.items())
        except (OSError, BadCatalogFile):
            return None
        return (manifest, content) if whole else None

    def _manifest(self, base: str, sha256: str, held: tuple[Manifest, bytes] | None) -> bytes:
        if held is not None and hashlib.sha256(held[1]).hexdigest() == sha256:
            return held[1]
        answer = self.site.get(base + MANIFEST_NAME, MAX_MANIFEST_BYTES, self.ends_at)
        if answer is None or hashlib.sha256(answer.content).hexdigest() != sha256:
            raise SyncFailed(f"{base}{MANIFEST_NAME} is not the manifest that {POINTER_NAME} points to")
        return answer.content

    def _fetch(self, base: str, manifest: Manifest, content: bytes, held: Manifest | None) -> None:
        """All files of a publication into a folder without a name, then the name."""
        if sum(entry.size_bytes for entry in manifest.files.values()) > MAX_PUBLICATION_BYTES:
            raise SyncFailed(f"the publication is larger than {MAX_PUBLICATION_BYTES} bytes")
        place = self.cache / PUBLICATIONS
        place.mkdir(exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=place))
        try:
            for name, entry in manifest.files.items():
                target = staging / name
                target.parent.mkdir(parents=True, exist_ok=True)
                if not self._taken_over(name, entry, held, target):
                    self._download(base + name, entry, target)
            _write(staging / MANIFEST_NAME, content)
            final = place / manifest.id
            if final.exists():  # Damaged, or with another manifest: what is whole takes its place.
                shutil.rmtree(final)
            staging.chmod(0o755)
            staging.rename(final)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise

    def _taken_over(self, name: str, entry: FileEntry, held: Manifest | None, target: Path) -> bool:
        """Take a file from the publication in the cache, if it has the same one there."""
        if held is None or held.files.get(name) != entry:
            return False
        content = (self.cache / PUBLICATIONS / held.id / name).read_bytes()
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            return False
        _write(target, content)
        return True

    def _download(self, name: str, entry: FileEntry, target: Path) -> None:
        answer = self.site.get(name, entry.size_bytes, self.ends_at)
        if answer is None:
            raise SyncFailed(f"{name} is in the manifest, but not there")
        if FileEntry.of(answer.content, entry.rows) != entry:
            raise SyncFailed(f"{name} is not the file of the manifest (cut off, or just being published)")
        _write(target, answer.content)
        self.files += 1
        self.bytes += len(answer.content)

    def _remember(self, manifest: Manifest, content: bytes, answer: Answer, confirmed: Mapping[str, str]) -> None:
        """The pointer, last of all that readers see, and what the next request may ask conditionally."""
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        sha256 = hashlib.sha256(content).hexdigest()
        pointer = Pointer(id=manifest.id, sha256=sha256, checked_at=now, confirmed=confirmed)
        replace_file(self.cache / POINTER_NAME, pointer.to_json())
        state = {
            "url": self.url, "name": answer.name, "etag": answer.etag, "last_modified": answer.last_modified,
        }  # fmt: skip
        replace_file(self.cache / STATE_NAME, json.dumps(state).encode())

    def _prune(self, current: str) -> None:
        """Remove old publications; readers that hold one have read it whole."""
        place = self.cache / PUBLICATIONS
        others = sorted((p for p in place.iterdir() if p.name != current), key=lambda p: p.stat().st_mtime)
        for old in others[: max(0, len(others) - KEPT_PUBLICATIONS + 1)]:
            shutil.rmtree(old, ignore_errors=True)


def _read_state(cache: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError, RecursionError):
        state = json.loads((cache / STATE_NAME).read_bytes())
        if isinstance(state, dict):
            return state
    return {}


@contextmanager
def locked(cache: Path) -> Iterator[None]:
    """Hold the cache's lock, leftovers of killed syncs removed. Makes the cache when missing.

    Raises:
        SyncFailed: somebody else holds it for too long.
        OSError: the cache cannot be written.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("a") as lock:
        _wait_for(lock, cache)
        for leftover in (cache / PUBLICATIONS).glob(f"{_TEMPORARY}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield


def _wait_for(lock: IO[str], cache: Path) -> None:
    ends_at = time.monotonic() + LONGEST_WAIT_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > ends_at:
                raise SyncFailed(f"another sync into {cache} does not end; wait for it or end it") from None
            time.sleep(0.05)
        else:
            return


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace_file(path: Path, content: bytes) -> None:
    """Give a file new content, whole or not at all; the cache's lock is held."""
    temporary = path.with_name(f".{path.name}.new")
    _write(temporary, content)
    temporary.replace(path)
