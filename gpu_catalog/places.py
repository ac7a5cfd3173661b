"""Where a user's machine keeps what we read: the synced cache."""

from __future__ import annotations

import os
from pathlib import Path


def default_cache() -> Path:
    """What `gpu-catalog sync` writes: GPU_CATALOG_CACHE, else gpu-catalog in XDG_CACHE_HOME, else in ~/.cache."""
    if chosen := os.environ.get("GPU_CATALOG_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gpu-catalog"
