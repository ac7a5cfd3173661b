"""Sites that catalogs are synced from: a folder, or a place that is asked by HTTP, one file at a time."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard
from urllib.parse import SplitResult, unquote, urlsplit

import gpu_catalog
from gpu_catalog.errors import SyncFailed

if TYPE_CHECKING:
    import requests

TIMEOUT_SECONDS = (5.0, 15.0)
"""To connect, and between two pieces of an answer."""

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Answer:
    """A file of a site."""

    name: str
    """Its path below the site."""

    content: bytes
    """Its bytes; empty when unchanged."""

    unchanged: bool = False
    """The site says that it is what the state of the last sync describes."""

    etag: str | None = None
    """Its ETag, if any."""

    last_modified: str | None = None
    """Its Last-Modified, if any."""


class FolderSite:
    """A site that is a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, name: str, max_bytes: int, ends_at: float, known: dict[str, Any] | None = None) -> Answer | None:
        """A file, or None when it is not there."""
        del ends_at, known
        try:
            with (self.folder / name).open("rb") as file:
                content = file.read(max_bytes + 1)
                modified = formatdate(os.fstat(file.fileno()).st_mtime, usegmt=True)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            raise SyncFailed(f"{name}: cannot be read ({exc.strerror})") from exc
        except ValueError as exc:  # a path that is none
            raise SyncFailed(f"{name}: cannot be read ({exc})") from exc
        return Answer(name, _limited(content, name, max_bytes), last_modified=modified)


class HttpSite:
    """A site that is asked by HTTP."""

    def __init__(self, url: str) -> None:
        import requests

        self.url = url
        self.session = requests.Session()
        self.session.headers["User-Agent"] = f"gpu-catalog/{gpu_catalog.__version__}"

    def get(self, name: str, max_bytes: int, ends_at: float, known: dict[str, Any] | None = None) -> Answer | None:
        """A file, or None when it is not there (404); unchanged when it is what `known` describes.

        Raises:
            SyncFailed: anything else.
        """
        import requests
        from urllib3.exceptions import HTTPError

        conditions = {
            "If-None-Match": (known or {}).get("etag"),
            "If-Modified-Since": (known or {}).get("last_modified"),
        }
        headers = {key: value for key, value in conditions.items() if _is_sendable(value)}
        url = f"{self.url}/{name}"
        try:
            with self.session.get(url, headers=headers, timeout=TIMEOUT_SECONDS, stream=True) as answer:
                _check_url(answer.url)
                if answer.status_code == 404:
                    return None
                etag, modified = answer.headers.get("ETag"), answer.headers.get("Last-Modified")
                if answer.status_code == 304 and headers:
                    return Answer(name, b"", True, etag or headers.get("If-None-Match"), modified)
                if answer.status_code != 200:
                    raise SyncFailed(f"{name}: HTTP {answer.status_code}")
                return Answer(name, _body(answer, name, max_bytes, ends_at), False, etag, modified)
        except SyncFailed:
            raise
        except (requests.exceptions.RequestException, HTTPError, ValueError) as exc:
            raise SyncFailed(f"{name}: {type(exc).__name__}") from exc
        except OSError as exc:  # a bundle of certificates that is not there
            raise SyncFailed(f"{name}: {exc.strerror or exc}") from exc


def _is_sendable(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and value.isascii() and value.isprintable() and value == value.strip()


def _body(answer: requests.Response, name: str, max_bytes: int, ends_at: float) -> bytes:
    """The whole body, given up as soon as it is too large or too late."""
    content = bytearray()
    for piece in answer.iter_content(_CHUNK_BYTES):
        content += piece
        if time.monotonic() > ends_at:
            raise SyncFailed(f"{name}: not done before the deadline")
        if len(content) > max_bytes:
            break
    return _limited(bytes(content), name, max_bytes)


def _limited(content: bytes, name: str, max_bytes: int) -> bytes:
    if len(content) > max_bytes:
        raise SyncFailed(f"{name}: larger than the {max_bytes} bytes that were expected")
    return content


def open_site(url: str) -> FolderSite | HttpSite:
    """The site at a URL.

    Raises:
        SyncFailed: not an https:// or file:// URL (http:// on loopback), or one with a password in it.
    """
    parts = _url_parts(url)
    _check_secrets(parts)
    if parts.scheme == "file":
        return FolderSite(Path(unquote(parts.path)))
    _check_url(url)
    return HttpSite(url)


def _url_parts(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as exc:
        raise SyncFailed(f"no URL ({exc})") from exc


def _check_secrets(parts: SplitResult) -> None:
    if parts.username or parts.password:
        raise SyncFailed("a URL with a user name or password in it; catalogs are public")


def _check_url(url: str) -> None:
    """Only https, plain http only to loopback, and nothing secret in it; also where a redirect led.

    Raises:
        SyncFailed: otherwise.
    """
    parts = _url_parts(url)
    _check_secrets(parts)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise SyncFailed("not an https:// or file:// URL (http:// only on loopback)")


def shown_url(url: str) -> str:
    """The URL for messages, without what may be a password."""
    return re.sub(r"//[^/]*@", "//...@", url)[:200]
