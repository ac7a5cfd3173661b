"""What can go wrong on the way: each fault answers one request in place of, or around, the normal service.

`emulator.faults[route] = [Status(500), Latency(1), Stall(30, forever=True)]`: one per request, in this order; after
the last one service is normal again, unless it is `forever`.
"""

from __future__ import annotations

import gzip
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from tests.emulator.messages import Reply, Request

_PIECE_SECONDS = 0.05
_BLOCK = 64 * 1024


class Exchange(Protocol):
    """One request and its connection, as a fault may use it."""

    @property
    def request(self) -> Request:
        """What was asked."""

    def normal(self) -> Reply:
        """The answer of the normal service."""

    def send(self, reply: Reply) -> None:
        """Send a whole, well-formed answer."""

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""

    def pause(self, seconds: float) -> None:
        """Wait; ends the exchange at once when the emulator closes."""

    def hang_up(self) -> None:
        """Close the connection after this exchange."""

    def reset(self) -> None:
        """Close it now with a TCP reset."""


@dataclass(frozen=True, kw_only=True)
class Fault(ABC):
    """One thing that goes wrong."""

    forever: bool = False
    """Whether it stays when it is reached, instead of giving way to the next."""

    @abstractmethod
    def play(self, exchange: Exchange) -> None:
        """Answer the request, or fail to."""


def _media_type(body: bytes) -> str:
    if body.startswith((b"{", b"[")):
        return "application/json"
    return "text/html" if body.startswith(b"<") else "text/plain"


def _as_bytes(body: bytes | str) -> bytes:
    return body.encode() if isinstance(body, str) else body


# Well-formed answers ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Status(Fault):
    """A status with any body: `Status(429, headers={"Retry-After": "2"})`, `Status(502, "<html>...")`."""

    code: int
    body: bytes | str = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def play(self, exchange: Exchange) -> None:
        body = _as_bytes(self.body)
        headers = dict(self.headers)
        if body and "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = _media_type(body)
        exchange.send(Reply(self.code, body, headers))


@dataclass(frozen=True)
class Body(Fault):
    """Status 200 with another body: empty, `{}`, `[]`, cut-off JSON, HTML."""

    content: bytes | str
    content_type: str = "application/json"

    def play(self, exchange: Exchange) -> None:
        exchange.send(Reply(200, _as_bytes(self.content), {"Content-Type": self.content_type}))


@dataclass(frozen=True)
class Redirect(Fault):
    """A redirect, without body."""

    location: str
    status: int = 302

    def play(self, exchange: Exchange) -> None:
        exchange.send(Reply(self.status, b"", {"Location": self.location}))


@dataclass(frozen=True)
class TruncatedGzip(Fault):
    """The normal answer packed with gzip, of which the end is missing; Content-Length is that of what is sent."""

    missing: int = 20

    def play(self, exchange: Exchange) -> None:
        reply = exchange.normal()
        reply.headers["Content-Encoding"] = "gzip"
        reply.body = gzip.compress(reply.body)[: -self.missing]
        exchange.send(reply)


@dataclass(frozen=True)
class GzipBomb(Fault):
    """Valid JSON that is a thousand times larger unpacked; the default is twice what a fetcher may accept."""

    unpacked: int = 64 * 1024 * 1024

    def play(self, exchange: Exchange) -> None:
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        exchange.send(Reply(200, _bomb(self.unpacked), headers))


@lru_cache(maxsize=2)
def _bomb(unpacked: int) -> bytes:
    return gzip.compress(b"[" + b" " * (unpacked - 2) + b"]", mtime=0)


# Broken transfers ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShortBody(Fault):
    """The normal answer, closed before its Content-Length is reached."""

    missing: int = 20

    def play(self, exchange: Exchange) -> None:
        reply = exchange.normal()
        exchange.hang_up()
        exchange.write(reply.head(length=len(reply.body)) + reply.body[: -self.missing])


@dataclass(frozen=True)
class BrokenChunks(Fault):
    """Half of the normal answer in a chunk, then what is no chunk."""

    def play(self, exchange: Exchange) -> None:
        reply = exchange.normal()
        reply.headers["Transfer-Encoding"] = "chunked"
        half = reply.body[: len(reply.body) // 2]
        exchange.hang_up()
        exchange.write(reply.head() + f"{len(half):x}\r\n".encode() + half + b"\r\nno size\r\n")


@dataclass(frozen=True)
class Reset(Fault):
    """A TCP reset instead of an answer."""

    def play(self, exchange: Exchange) -> None:
        exchange.reset()


# Slow and large answers ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Latency(Fault):
    """The normal answer, later."""

    seconds: float

    def play(self, exchange: Exchange) -> None:
        exchange.pause(self.seconds)
        exchange.send(exchange.normal())


@dataclass(frozen=True)
class Stall(Fault):
    """Silence before the headers, then the connection is closed without an answer."""

    seconds: float

    def play(self, exchange: Exchange) -> None:
        exchange.hang_up()
        exchange.pause(self.seconds)


@dataclass(frozen=True)
class DripHeaders(Fault):
    """The normal answer, its headers a few bytes at a time."""

    bytes_per_second: float = 10

    def play(self, exchange: Exchange) -> None:
        reply = exchange.normal()
        _drip(exchange, reply.head(length=len(reply.body)), self.bytes_per_second)
        exchange.write(reply.body)


@dataclass(frozen=True)
class DripBody(Fault):
    """The normal answer, its body a few bytes at a time."""

    bytes_per_second: float = 10

    def play(self, exchange: Exchange) -> None:
        reply = exchange.normal()
        exchange.write(reply.head(length=len(reply.body)))
        _drip(exchange, reply.body, self.bytes_per_second)


def _drip(exchange: Exchange, data: bytes, bytes_per_second: float) -> None:
    piece = max(1, int(bytes_per_second * _PIECE_SECONDS))
    for start in range(0, len(data), piece):
        exchange.write(data[start : start + piece])
        exchange.pause(piece / bytes_per_second)


@dataclass(frozen=True)
class HugeBody(Fault):
    """Valid JSON of a given size, streamed until it is all sent or the client leaves."""

    size: int

    def play(self, exchange: Exchange) -> None:
        exchange.write(Reply(200, headers={"Content-Type": "application/json"}).head(length=self.size) + b"[")
        for sent in range(0, self.size - 2, _BLOCK):
            exchange.write(b" " * min(_BLOCK, self.size - 2 - sent))
            exchange.pause(0)
        exchange.write(b"]")
