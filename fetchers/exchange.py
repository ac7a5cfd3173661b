"""A request and its answer on the wire: which URLs may be asked, where a redirect leads, when a body is whole."""

from __future__ import annotations

import ipaddress
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urljoin, urlsplit

import requests
import urllib3

from fetchers.errors import BadSetting, FetchError, Unavailable, UnexpectedAnswer

_READ_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to ask."""

    method: str
    """`GET` or `POST`."""

    url: str
    """Without query."""

    query: Mapping[str, str] = field(default_factory=dict)
    """Query parameters; a key never goes there."""

    body: object = None
    """JSON body of a POST."""

    key_header: tuple[str, str] | None = field(default=None, repr=False)
    """Header that carries the key; None for a public endpoint."""

    has_substitute: bool = False
    """Whether the fetch knows how to go on without its answer; then it may use half of the time that is left."""

    @property
    def path(self) -> str:
        """Path of the URL, which names the endpoint in messages."""
        return urlsplit(self.url).path

    @property
    def host(self) -> str | None:
        """Host of the URL."""
        return urlsplit(self.url).hostname


class Retryable(Exception):
    """A failure that another try may mend; carries what to raise if none does."""

    def __init__(self, error: FetchError, retry_after_seconds: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.retry_after_seconds = retry_after_seconds


def read_body(response: requests.Response, where: str, most_bytes: int, check_time: Callable[[], object]) -> bytes:
    """The whole body, unpacked; `check_time` is called after every read from the socket and may raise.

    requests would take a truncated gzip body for a whole one, unpack without a limit, and wait for a dripping body
    as long as it drips.

    Raises:
        Retryable: it was cut off.
        UnexpectedAnswer: too large, or in an encoding that we did not ask for.
    """
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip"):
        raise UnexpectedAnswer(f"{where} answered in encoding {encoding[:20]!r}", "report this")
    cut_off = Retryable(Unavailable(f"the answer of {where} was cut off", "try again later"))
    unpacked = bytearray()
    gunzip = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
    try:
        while chunk := response.raw.read1(_READ_BYTES, decode_content=False):
            check_time()
            room = most_bytes - len(unpacked) + 1
            unpacked += gunzip.decompress(chunk, room) if gunzip else chunk
            if len(unpacked) > most_bytes:
                raise UnexpectedAnswer(f"the answer of {where} is larger than {most_bytes} bytes", "report this")
    except (urllib3.exceptions.HTTPError, requests.RequestException, OSError, zlib.error) as exc:
        raise cut_off from exc
    if gunzip and not gunzip.eof and (unpacked or response.headers.get("Content-Length") != "0"):
        raise cut_off
    return bytes(unpacked)


def check_url(url: str) -> None:
    """Refuse a URL that a key must not be sent to.

    Raises:
        BadSetting: no host, or not https (plain http is for this machine only).
    """
    try:
        scheme, host = urlsplit(url).scheme, urlsplit(url).hostname
    except ValueError:
        scheme, host = "", None
    if not host or (scheme != "https" and not (scheme == "http" and is_loopback(url))):
        raise BadSetting(f"{url[:80]!r} is not https", "plain http is allowed to this machine only")


def redirected(request: Request, response: requests.Response, key: str | None) -> Request:
    """The request to where the answer points.

    Raises:
        UnexpectedAnswer: to another host, where the key has no business; to a URL with the key in it, since logs
            keep URLs; or for a request that must not change.
    """
    here = urlsplit(request.url)
    try:
        target = urljoin(request.url, response.headers["Location"])
        there = urlsplit(target)
        same_host = (here.scheme, here.hostname, here.port) == (there.scheme, there.hostname, there.port)
    except ValueError:
        same_host = False
    if not same_host:
        raise UnexpectedAnswer(f"{here.path} redirects to another host", "not followed; check the base URL")
    if key and key in unquote(target):
        raise UnexpectedAnswer(f"{here.path} redirects to a URL with the key in it", "not followed; report this")
    if request.method != "GET" and response.status_code not in (307, 308):
        raise UnexpectedAnswer(f"{here.path} redirects a {request.method}", "not followed; check the base URL")
    return replace(request, url=target, query={})


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
