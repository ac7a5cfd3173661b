"""All clouds that this machine knows prices of: our catalogs first, then SkyPilot's own.

Without a folder named: the catalogs that every lookup reads (GPU_CATALOG_ROOT, the synced cache, the bundled copy);
for clouds that those do not have, what `gpu-catalog sync --upstream` fetched; for the rest, what SkyPilot itself
keeps under `~/.sky/catalogs`. Nothing here uses the network. A cloud's file is read when it is first asked about.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timezone
from pathlib import Path
from threading import Lock

from gpu_catalog.cloud_names import is_cloud_name, known_clouds
from gpu_catalog.errors import BadSettings, GpuCatalogError, NoCatalog
from gpu_catalog.manifest import MANIFEST_NAME
from gpu_catalog.offer_rows import OfferRows
from gpu_catalog.own_prices import OVERRIDES_NAME, OwnPrices, read_own_prices
from gpu_catalog.places import config_folder, default_cache, max_age_days, read_settings, sky_home
from gpu_catalog.pointer import POINTER_NAME
from gpu_catalog.prices import CloudPrices, Source
from gpu_catalog.reading import decoded, file_bytes
from gpu_catalog.roots import ROOT_VARIABLE, find_root
from gpu_catalog.snapshot import bare_files, read_snapshot

UPSTREAM = "upstream"
"""Folder of the cache that holds SkyPilot's hosted catalogs."""
UPSTREAM_STATE = "source.json"
"""Beside each of them: where it came from, and when."""
RECHECK_SECONDS = 5.0
"""How often a long-running process looks whether SkyPilot's files changed; at our own it looks every time."""

_MAX_STATE_BYTES = 64 * 1024
_VARIABLES = (
    "GPU_CATALOG_MAX_AGE_DAYS", "GPU_CATALOG_ROOT", "GPU_CATALOG_CACHE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
    "SKY_RUNTIME_DIR", "HOME",
)  # fmt: skip
_MARKS = (POINTER_NAME, MANIFEST_NAME)
"""What a published folder has one of."""
_Fingerprint = tuple[tuple[int, ...] | None, ...]


class Market:
    """The clouds of one set of places, with their prices."""

    def __init__(self, catalog_dir: str | os.PathLike[str] | None = None) -> None:
        """Look what is there; only our own catalogs are read at once.

        Args:
            catalog_dir: read this folder, and no other source or settings file: published catalogs, or a bare
                tree of `vms.csv`. A URL means what was synced from there before.

        Raises:
            NoCatalog: there is no catalog.
            BadCatalogFile: published catalogs that are damaged.
            BadSettings: the user's settings or own prices cannot be read.
        """
        root, _ = find_root(catalog_dir, offline=True)
        published = any((root / mark).is_file() for mark in _MARKS)
        overrides = config_folder() / OVERRIDES_NAME
        self._places = [] if published else [root]
        watched = [root / mark for mark in _MARKS]
        if catalog_dir is None:
            self._places += [default_cache() / UPSTREAM, sky_home() / ".sky" / "catalogs"]
            watched += [config_folder() / "config.toml", overrides]
            if not os.environ.get(ROOT_VARIABLE):  # The synced cache is the root as soon as there is one.
                watched.append(default_cache() / POINTER_NAME)
        if not published:
            watched += _files(root).values()
        # Before anything is read: what changes meanwhile is seen the next time.
        seen = {path: _identity(path) for path in watched}
        # Every estimate looks at these: that nothing is there takes half the time of what is there, texts are
        # faster than paths, and a folder that is not there stands for all of its files.
        self._present = [(os.fspath(path), identity) for path, identity in seen.items() if identity is not None]
        absent = [path for path, identity in seen.items() if identity is None]
        self._absent = {os.fspath(path if _is_there(path.parent) else path.parent) for path in absent}
        self._places_seen = self._look_at_places()
        self._looked_at = time.monotonic()

        self.max_age_days = max_age_days({} if catalog_dir is not None else read_settings())
        """Age of prices, in days, past which an answer warns."""
        self.problems: dict[str, str] = {}
        """Why a cloud that has a file is left out, by cloud name."""
        self._damaged: set[str] = set()
        self._reading = Lock()
        self._own_prices = read_own_prices(overrides) if catalog_dir is None else OwnPrices({})
        self._read = self._published(root) if published else {}
        self._published_names = frozenset(self._read)
        self._files: dict[str, Path] = {}
        for place in self._places:
            self._files = _files(place) | self._files
        if not self._read and not self._files:
            bare_files(root)  # says what would be a catalog
        self._names = tuple(sorted({*self._read, *self._files}))
        for cloud in self._own_prices.clouds():
            if cloud not in self._names and cloud not in known_clouds():
                raise BadSettings(f"{overrides}: unknown cloud {cloud!r}; there are {', '.join(self._names)}")

    def __iter__(self) -> Iterator[str]:
        """Names of all clouds, in alphabetical order; of those that cannot be read too."""
        return iter(self._names)

    def cloud(self, name: str) -> CloudPrices | None:
        """The prices of a cloud; None where there are none, or where its file cannot be used (see `problems`)."""
        found = self._read.get(name)
        if found is not None or name not in self._files or name in self._damaged:
            return found
        with self._reading:  # Threads that ask at once read it once.
            if name not in self._read and name not in self._damaged:
                self._read_or_say(name)
        return self._read.get(name)

    def _read_or_say(self, name: str) -> None:
        path = self._files[name]
        try:
            self._read[name] = self._read_file(name, path)
            self.problems.pop(name, None)
        except GpuCatalogError as exc:
            self.problems[name] = str(exc)
            self._damaged.add(name)
        except OSError as exc:  # It may be readable the next time.
            self.problems[name] = f"{path}: cannot be read ({exc.strerror})"

    def also_in(self, name: str) -> Path | None:
        """The file of a cloud that is not read because our catalogs come first; None when there is none."""
        return self._files.get(name) if name in self._published_names else None

    def is_current(self) -> bool:
        """Whether the files are still those that were read."""
        if any(map(_is_there, self._absent)):
            return False
        for path, identity in self._present:
            if _identity(path) != identity:
                return False
        if time.monotonic() - self._looked_at < RECHECK_SECONDS:
            return True
        self._looked_at = time.monotonic()
        return self._look_at_places() == self._places_seen

    def _look_at_places(self) -> _Fingerprint:
        files = [path for place in self._places for path in _files(place).values()]
        return _fingerprint([*files, *(path.with_name(UPSTREAM_STATE) for path in files)])

    def _published(self, root: Path) -> dict[str, CloudPrices]:
        snapshot = read_snapshot(root)
        text = f"gpu-catalog {snapshot.manifest.id}" if snapshot.manifest else str(root)
        clouds = {}
        for name, offered in snapshot.clouds.items():
            source = Source(text, None, offered.entry is not None and offered.entry.kind == "sample")
            clouds[name] = CloudPrices(name, source, OfferRows(offered), self._own_prices.of(name))
        return clouds

    def _read_file(self, name: str, path: Path) -> CloudPrices:
        from gpu_catalog.gcp import GcpRows
        from gpu_catalog.skypilot_csv import SkyPilotRows

        content = file_bytes(path)
        rows = SkyPilotRows(decoded(content, path), name, str(path))
        made = GcpRows(rows) if name == "gcp" else rows
        return CloudPrices(name, _source_of(path, content), made, self._own_prices.of(name))


def _source_of(path: Path, content: bytes) -> Source:
    """Where a `vms.csv` without a manifest comes from. Its rows have no dates: the file's has to do."""
    state = read_upstream_state(path.parent, content)
    if state is not None:
        return Source(f"SkyPilot's hosted catalog, {state['url']}", state["as_of"])
    written = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc).strftime("%Y-%m-%d")
    return Source(f"{path}, a file of that date", written, is_dated_by_file=True)


def read_upstream_state(folder: Path, content: bytes) -> dict[str, str] | None:
    """What `sync --upstream` wrote down about the file with this content; None when it is about another.

    Keys: `url`, `as_of` (a date), `sha256`, and where the site gave them `etag` and `last_modified`.
    """
    try:
        state = json.loads(file_bytes(folder / UPSTREAM_STATE, _MAX_STATE_BYTES))
        known = {key: value for key, value in state.items() if isinstance(value, str) and value.isprintable()}
        date.fromisoformat(known["as_of"])
        return known if known["url"] and known["sha256"] == hashlib.sha256(content).hexdigest() else None
    except (OSError, ValueError, KeyError, AttributeError, RecursionError):
        return None


def _files(place: Path) -> dict[str, Path]:
    """The files of a tree by cloud; nothing where there is none, or where one may not look."""
    try:
        return {name: path for name, path in bare_files(place).items() if is_cloud_name(name)}
    except (NoCatalog, OSError):
        return {}


def _fingerprint(paths: Iterable[Path]) -> _Fingerprint:
    return tuple(map(_identity, paths))


def _identity(path: str | Path) -> tuple[int, ...] | None:
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _is_there(path: str | Path) -> bool:
    return os.access(path, os.F_OK)


_markets: dict[object, Market] = {}
_MOST_MARKETS = 16
_opening = Lock()


def open_market(catalog_dir: str | os.PathLike[str] | None = None) -> Market:
    """The market of a folder, or of this machine, read once per process and again when its files change.

    Raises:
        GpuCatalogError: as `Market`.
    """
    place = None if catalog_dir is None else _absolute(catalog_dir)
    variables = _VARIABLES if place is None or "://" in place else _VARIABLES[:1]
    key = (place, *map(os.environ.get, variables))
    held = _markets.get(key)
    if held is not None and held.is_current():
        return held
    with _opening:  # Threads that ask at once open it once.
        held = _markets.get(key)
        if held is None or not held.is_current():
            if len(_markets) >= _MOST_MARKETS:
                del _markets[next(iter(_markets))]
            try:
                held = _markets[key] = Market(catalog_dir)
            except OSError as exc:
                raise NoCatalog(f"{exc.filename or place}: cannot be read ({exc.strerror})") from exc
        return held


def _absolute(place: str | os.PathLike[str]) -> str:
    path = os.fsdecode(place)
    return path if path.startswith("/") or "://" in path else str(Path(path).absolute())
