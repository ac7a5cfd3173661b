"""Where a user's machine keeps what we read: the synced cache, and where it comes from."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

from gpu_catalog.errors import SyncFailed


def default_cache() -> Path:
    """What `gpu-catalog sync` writes: GPU_CATALOG_CACHE, else gpu-catalog in XDG_CACHE_HOME, else in ~/.cache."""
    if chosen := os.environ.get("GPU_CATALOG_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gpu-catalog"


def configured_urls() -> tuple[str, ...]:
    """Sites to sync from: GPU_CATALOG_URL (several apart by blanks), else `url` in gpu-catalog/config.toml.

    Raises:
        SyncFailed: the configuration cannot be read.
    """
    if chosen := os.environ.get("GPU_CATALOG_URL"):
        return tuple(chosen.split())
    path = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "gpu-catalog" / "config.toml"
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        url = toml.loads(path.read_text(encoding="utf-8")).get("url", [])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as exc:
        raise SyncFailed(f"{path}: cannot be read ({exc})") from exc
    urls = [url] if isinstance(url, str) else url
    if not isinstance(urls, list) or not all(isinstance(entry, str) for entry in urls):
        raise SyncFailed(f"{path}: url is neither text nor a list of texts")
    return tuple(urls)
