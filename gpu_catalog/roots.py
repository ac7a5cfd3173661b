"""Which folder to read: the one named, the synced copy of a URL, the synced cache, or the bundled copy."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from gpu_catalog.errors import NoCatalog, SyncFailed
from gpu_catalog.pointer import POINTER_NAME

ROOT_VARIABLE = "GPU_CATALOG_ROOT"
BUNDLED = Path(__file__).with_name("bundled")
SOURCE_CHECKOUT = Path(__file__).resolve().parents[1] / "catalogs"


def find_root(root: str | os.PathLike[str] | None, *, offline: bool = False) -> tuple[Path, str | None]:
    """The folder to read, and why it may be out of date (None when nothing is known against it).

    Args:
        root: folder or URL; None for the default.
        offline: read what was synced from a URL before, and ask nobody.

    Raises:
        NoCatalog: the place is no folder, or a URL that was never synced.
    """
    chosen = _chosen(root)
    if chosen is None:
        return _default_root(), None
    parts = _url_parts(chosen)
    if parts.scheme == "file":
        return _folder(Path(unquote(parts.path)), chosen), None
    if (url := url_of(chosen)) is not None:
        return (_earlier_copy(url), None) if offline else synced_copy(url)
    if "://" in chosen:
        raise NoCatalog(f"{chosen[:200]}: a root is a folder, or an https:// or file:// URL")
    return _folder(Path(chosen), chosen), None


def _chosen(root: str | os.PathLike[str] | None) -> str | None:
    return os.fspath(root) if root is not None else os.environ.get(ROOT_VARIABLE) or None


def url_of(root: str | os.PathLike[str] | None) -> str | None:
    """The site to sync before reading, if the root is one; None for a folder.

    Raises:
        NoCatalog: the root is neither.
    """
    chosen = _chosen(root)
    return chosen if chosen is not None and _url_parts(chosen).scheme in ("http", "https") else None


def _url_parts(text: str) -> SplitResult:
    if not text:
        raise NoCatalog("an empty root; name a folder or URL, or leave it out")
    try:
        return urlsplit(text)
    except ValueError as exc:
        raise NoCatalog(f"{text[:200]}: no URL ({exc})") from exc


def synced_copy(url: str) -> tuple[Path, str | None]:
    """The cache of a site, brought up to date if that can be done, and why it could not be; None when it could.

    Raises:
        NoCatalog: it could not, and there is no earlier copy.
    """
    from gpu_catalog.sync import sync

    cache = _site_cache(url)
    try:
        sync([url], cache)
    except SyncFailed as exc:
        if not (cache / POINTER_NAME).is_file():
            raise NoCatalog(f"{exc}; and there is no earlier copy") from exc
        return cache, str(exc)
    return cache, None


def _earlier_copy(url: str) -> Path:
    from gpu_catalog.sites import shown_url

    cache = _site_cache(url)
    if not (cache / POINTER_NAME).is_file():
        raise NoCatalog(f"{shown_url(url)}: nothing synced from there yet; `gpu-catalog list --root URL` syncs it")
    return cache


def _site_cache(url: str) -> Path:
    from gpu_catalog.places import default_cache

    return default_cache() / "sites" / hashlib.sha256(url.encode()).hexdigest()[:16]


def _default_root() -> Path:
    from gpu_catalog.places import default_cache

    cache = default_cache()
    if (cache / POINTER_NAME).is_file():
        return cache
    return BUNDLED if BUNDLED.is_dir() else SOURCE_CHECKOUT


def _folder(path: Path, shown: str) -> Path:
    if not path.is_dir():
        raise NoCatalog(f"{shown[:200]}: no such folder; name one with catalogs in it, or run `gpu-catalog sync`")
    return path
