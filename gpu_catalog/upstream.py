"""Fetching SkyPilot's hosted catalogs (AWS, GCP, Azure and the rest) into the cache, for estimates.

One file per cloud, `<cache>/upstream/v8/<cloud>/vms.csv`, with `source.json` beside it. A file is only taken when
it keeps the rules of `skypilot_csv`; whatever fails, the file that was there stays.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from gpu_catalog.cloud_names import is_cloud_name
from gpu_catalog.errors import BadCatalogFile, SyncFailed
from gpu_catalog.market import UPSTREAM, UPSTREAM_STATE, read_upstream_state
from gpu_catalog.places import configured_urls
from gpu_catalog.reading import decoded
from gpu_catalog.sites import open_site, shown_url
from gpu_catalog.skypilot_csv import SkyPilotRows
from gpu_catalog.sync import DEADLINE_SECONDS, locked, replace_file

SCHEMA = "v8"
DEFAULT_URLS = (
    "https://raw.githubusercontent.com/skypilot-org/skypilot-catalog/master/catalogs",
    "https://skypilot-catalog.s3.us-east-1.amazonaws.com/catalogs",
)
"""Where SkyPilot 0.14.1 fetches from, and its fallback (`sky/catalog/common.py`)."""
MAX_FILE_BYTES = 64 * 1024 * 1024
"""AWS has 4 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamSynced:
    """What came of one cloud."""

    cloud: str
    """Its name in SkyPilot's catalogs."""

    url: str | None = None
    """The file that it came from, or that confirmed it; None when no site could be used."""

    changed: bool = False
    """Whether the cache held another file before."""

    rows: int = 0
    """Rows of the file; 0 when it was not downloaded again."""

    broken: int = 0
    """Rows that break a rule and are left out by estimates."""

    problem: str | None = None
    """Why no site could be used, one sentence each; None when one could."""


def upstream_urls() -> tuple[str, ...]:
    """Sites of SkyPilot's catalogs: GPU_CATALOG_UPSTREAM_URLS, else `upstream_urls` in config.toml, else its own.

    Raises:
        SyncFailed: the configuration cannot be read.
    """
    return configured_urls("GPU_CATALOG_UPSTREAM_URLS", "upstream_urls") or DEFAULT_URLS


def sync_upstream(
    clouds: Sequence[str], cache: Path, urls: Sequence[str], *, deadline_seconds: float = DEADLINE_SECONDS
) -> list[UpstreamSynced]:
    """Bring SkyPilot's catalogs of these clouds up to date, each from the first site that has a good one.

    Raises:
        SyncFailed: a name is no cloud's, or the cache cannot be written.
    """
    if not urls:
        raise SyncFailed("no URL of SkyPilot's catalogs")
    for cloud in clouds:
        if not is_cloud_name(cloud):
            raise SyncFailed(f"{cloud[:80]!r} is not a valid name of a cloud")
    try:
        with locked(cache):
            return [_sync_cloud(cloud, cache, urls, deadline_seconds) for cloud in clouds]
    except OSError as exc:
        where = exc.filename or cache
        raise SyncFailed(f"cannot write the cache {where}: {exc.strerror or exc}; set GPU_CATALOG_CACHE") from exc


def _sync_cloud(cloud: str, cache: Path, urls: Sequence[str], deadline_seconds: float) -> UpstreamSynced:
    folder = cache / UPSTREAM / SCHEMA / cloud
    held = _held(folder / "vms.csv")
    state = (read_upstream_state(folder, held) if held is not None else None) or {}
    problems = []
    for base in urls:
        url = f"{base.rstrip('/')}/{SCHEMA}/{cloud}/vms.csv"
        known: dict[str, Any] = dict(state) if state.get("url") == url else {}
        ends_at = time.monotonic() + deadline_seconds
        try:
            site = open_site(base.rstrip("/"))
            answer = site.get(f"{SCHEMA}/{cloud}/vms.csv", MAX_FILE_BYTES, ends_at, known)
            if answer is None:
                raise SyncFailed(f"{SCHEMA}/{cloud}/vms.csv: not there")
            rows, broken = (0, 0) if answer.unchanged else _checked(answer.content, cloud)
        except (SyncFailed, BadCatalogFile) as exc:
            problems.append(f"{shown_url(base)}: {exc}")
            continue
        content = held if answer.unchanged and held is not None else answer.content
        modified = answer.last_modified or (known.get("last_modified") if answer.unchanged else None)
        new_state = {
            "url": url, "etag": answer.etag, "last_modified": modified, "as_of": _date(modified),
            "sha256": hashlib.sha256(content).hexdigest(),
        }  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        if content != held:
            replace_file(folder / "vms.csv", content)
        replace_file(folder / UPSTREAM_STATE, json.dumps(new_state).encode())
        return UpstreamSynced(cloud=cloud, url=url, changed=content != held, rows=rows, broken=broken)
    return UpstreamSynced(cloud=cloud, problem="; ".join(problems))


def _checked(content: bytes, cloud: str) -> tuple[int, int]:
    text = decoded(content, "vms.csv")
    if not text.endswith("\n"):
        raise BadCatalogFile("the last line has no end; the file may be cut off")
    return SkyPilotRows(text, cloud).check()


def _held(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _date(modified: object) -> str:
    """When the site last changed the file, or where it does not say, the day on which it last confirmed it."""
    try:
        return parsedate_to_datetime(str(modified)).strftime("%Y-%m-%d")
    except (TypeError, ValueError, OverflowError):
        return datetime.now(timezone.utc).strftime("%Y-%m-%d")
