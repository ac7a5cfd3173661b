"""Sites that catalogs are synced from: a folder, or a place that is asked by HTTP, one file at a time."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any, TypeGuard
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, ProtocolError

import gpu_catalog
from gpu_catalog.errors import BadCatalogFile, SyncFailed
from gpu_catalog.reading import file_bytes

MAX_REDIRECTS = 5
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
            content = file_bytes(self.folder / name, max_bytes)
            modified = formatdate((self.folder / name).stat().st_mtime, usegmt=True)
        except BadCatalogFile as exc:
            raise SyncFailed(str(exc)) from exc
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            raise SyncFailed(f"{name}: cannot be read ({exc.strerror})") from exc
        except ValueError as exc:  # a path that is none
            raise SyncFailed(f"{name}: cannot be read ({exc})") from exc
        return Answer(name, content, last_modified=modified)


class HttpSite:
    """A site that is asked by HTTP. Whoever runs it is not trusted with this machine's time, memory or network."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = _Session()
        self.session.headers["User-Agent"] = f"gpu-catalog/{gpu_catalog.__version__}"
        self.session.headers["Accept-Encoding"] = "gzip"

    def get(self, name: str, max_bytes: int, ends_at: float, known: dict[str, Any] | None = None) -> Answer | None:
        """A file, or None when it is not there (404); unchanged when it is what `known` describes.

        Raises:
            SyncFailed: anything else.
        """
        conditions = {
            "If-None-Match": (known or {}).get("etag"),
            "If-Modified-Since": (known or {}).get("last_modified"),
        }
        headers = {key: value for key, value in conditions.items() if _is_sendable(value)}
        url = f"{self.url}/{name}"
        try:
            for _ in range(MAX_REDIRECTS + 1):
                _check_time(name, ends_at)
                with self.session.get(
                    url,
                    headers=headers,
                    timeout=TIMEOUT_SECONDS,
                    stream=True,
                    auth=_NoLogin(),
                    allow_redirects=False,
                ) as answer:
                    if not answer.is_redirect:
                        return _understood(answer, name, max_bytes, ends_at, headers)
                    url = _redirected(url, answer.headers["Location"])
        except SyncFailed:
            raise
        except (requests.exceptions.RequestException, HTTPError, ValueError) as exc:
            raise SyncFailed(f"{name}: {type(exc).__name__}") from exc
        except OSError as exc:  # a bundle of certificates that is not there
            raise SyncFailed(f"{name}: {exc.strerror or exc}") from exc
        raise SyncFailed(f"{name}: more than {MAX_REDIRECTS} redirects")


class _Session(requests.Session):
    """A session that looks at no redirect itself: requests would read its body whole, and go anywhere."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        """None: `HttpSite` follows redirects."""
        return None


class _NoLogin(AuthBase):
    """No name and password: without it requests takes one from `~/.netrc`, also for where a redirect leads."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def _redirected(url: str, location: str) -> str:
    """Where an answer points, which may be another host, but not one that only this machine can reach.

    Raises:
        SyncFailed: it must not be asked.
    """
    target = urljoin(url, location)
    _check_url(target)
    if _is_loopback(target) and not _is_loopback(url):
        raise SyncFailed("redirects to this machine; not followed")
    return target


def _understood(
    answer: requests.Response, name: str, max_bytes: int, ends_at: float, headers: Mapping[str, str]
) -> Answer | None:
    """What an answer that is no redirect says; `headers` are those of the request."""
    if answer.status_code == 404:
        return None
    etag, modified = answer.headers.get("ETag"), answer.headers.get("Last-Modified")
    if answer.status_code == 304 and headers:
        return Answer(name, b"", True, etag or headers.get("If-None-Match"), modified)
    if answer.status_code != 200:
        raise SyncFailed(f"{name}: HTTP {answer.status_code}")
    return Answer(name, _body(answer, name, max_bytes, ends_at), False, etag, modified)


def _is_sendable(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and value.isascii() and value.isprintable() and value == value.strip()


def _body(answer: requests.Response, name: str, max_bytes: int, ends_at: float) -> bytes:
    """The whole body, unpacked, given up as soon as it is too large or too late.

    Unpacked here: requests would first unpack a piece whole, however large it gets.
    """
    encoding = answer.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in {"", "identity", "gzip"}:
        raise SyncFailed(f"{name}: in encoding {encoding[:20]!r}, which nobody asked for")
    gunzip = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
    # What has come, at once; urllib3 1.26 can only wait for a whole piece.
    read = getattr(answer.raw, "read1", answer.raw.read)
    content = bytearray()
    try:
        while piece := read(_CHUNK_BYTES, decode_content=False):
            content += gunzip.decompress(piece, max_bytes - len(content) + 1) if gunzip else piece
            if len(content) > max_bytes:
                break
            _check_time(name, ends_at)
    except (ProtocolError, zlib.error) as exc:
        raise SyncFailed(f"{name}: cut off or damaged on the way") from exc
    if gunzip and not gunzip.eof and len(content) <= max_bytes:
        raise SyncFailed(f"{name}: cut off")
    return _limited(bytes(content), name, max_bytes)


def _check_time(name: str, ends_at: float) -> None:
    if time.monotonic() > ends_at:
        raise SyncFailed(f"{name}: not done before the deadline")


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
    """Only https, plain http only to loopback, and nothing secret in it; also where a redirect leads.

    Raises:
        SyncFailed: otherwise.
    """
    parts = _url_parts(url)
    _check_secrets(parts)
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(url)):
        raise SyncFailed("not an https:// or file:// URL (http:// only on loopback)")


def _is_loopback(url: str) -> bool:
    return _url_parts(url).hostname in _LOOPBACK


def shown_url(url: str) -> str:
    """The URL for messages, without what may be a password."""
    return re.sub(r"//[^/]*@", "//...@", url)[:200]
