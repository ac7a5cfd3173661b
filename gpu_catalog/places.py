"""Where a user's machine keeps what we read: the synced cache, SkyPilot's home, and the user's settings."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from gpu_catalog.errors import BadSettings, SyncFailed

DEFAULT_MAX_AGE_DAYS = 3.0
"""Age past which an estimate warns."""
_MAX_SETTINGS_BYTES = 64 * 1024  # A key of very many parts takes a TOML parser quadratic time.
_LONGEST_REASON = 200  # characters: a TOML parser quotes a name however long it is


def default_cache() -> Path:
    """What `gpu-catalog sync` writes: GPU_CATALOG_CACHE, else gpu-catalog in XDG_CACHE_HOME, else in ~/.cache."""
    if chosen := os.environ.get("GPU_CATALOG_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gpu-catalog"


def sky_home() -> Path:
    """The folder whose `.sky` SkyPilot uses: SKY_RUNTIME_DIR (0.13 and later), else the home."""
    return Path(os.environ.get("SKY_RUNTIME_DIR") or Path.home())


def config_folder() -> Path:
    """Where the user's settings are: gpu-catalog in XDG_CONFIG_HOME, else in ~/.config."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "gpu-catalog"


def read_toml(path: Path) -> dict[str, Any]:
    """What a settings file says; empty where there is none.

    Raises:
        BadSettings: it cannot be read, is too large, or is no TOML.
    """
    try:
        if path.stat().st_size > _MAX_SETTINGS_BYTES:
            raise BadSettings(f"{path}: larger than {_MAX_SETTINGS_BYTES} bytes; no settings need so much")
        text = path.read_text(encoding="utf-8")
        toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
        found: dict[str, Any] = toml.loads(text, parse_float=Decimal)
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise BadSettings(f"{path}: cannot be read ({exc.strerror})") from exc
    except ImportError as exc:
        raise BadSettings(f"{path}: reading it on Python 3.10 needs tomli: pip install tomli") from exc
    except ArithmeticError as exc:  # Of Decimal, whose own message says nothing.
        raise BadSettings(f"{path}: cannot be read (a number out of range)") from exc
    except (ValueError, RecursionError) as exc:
        raise BadSettings(f"{path}: cannot be read ({str(exc)[:_LONGEST_REASON]})") from exc
    return found


def read_settings() -> dict[str, Any]:
    """What the user's `config.toml` says.

    Raises:
        BadSettings: as `read_toml`.
    """
    return read_toml(config_folder() / "config.toml")


def configured_urls(variable: str = "GPU_CATALOG_URL", key: str = "url") -> tuple[str, ...]:
    """Sites to sync from: those in `variable` (several apart by blanks), else those at `key` in `config.toml`.

    Raises:
        SyncFailed: the configuration cannot be read.
    """
    if chosen := os.environ.get(variable):
        return tuple(chosen.split())
    try:
        url = read_settings().get(key, [])
    except BadSettings as exc:
        raise SyncFailed(str(exc)) from exc
    urls = [url] if isinstance(url, str) else url
    if not isinstance(urls, list) or not all(isinstance(entry, str) for entry in urls):
        raise SyncFailed(f"{config_folder() / 'config.toml'}: {key} is neither text nor a list of texts")
    return tuple(urls)


def max_age_days(settings: Mapping[str, Any]) -> float:
    """Age of prices past which an estimate warns: GPU_CATALOG_MAX_AGE_DAYS, else `max_age_days` in the settings.

    Raises:
        BadSettings: it is not a number of days.
    """
    value: object = os.environ.get("GPU_CATALOG_MAX_AGE_DAYS") or settings.get("max_age_days")
    if value is None:
        return DEFAULT_MAX_AGE_DAYS
    try:
        days = float(str(value))
    except ValueError:
        days = -1.0
    if not 0 <= days < 1e6:
        raise BadSettings(f"max_age_days {str(value)[:40]!r} is not a number of days")
    return days
