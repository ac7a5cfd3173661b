"""Faults of answers that arrive whole and mislead: wrong length, wrong type, half the data, a clock that is off."""

from __future__ import annotations

import email.utils
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tests.emulator.faults import Exchange, Fault
from tests.emulator.messages import Reply


@dataclass(frozen=True)
class Jitter(Fault):
    """The normal answer after a random wait between two, in seconds."""

    shortest: float
    longest: float
    dice: random.Random = field(default_factory=lambda: random.Random(1), compare=False)

    def play(self, exchange: Exchange) -> None:
        exchange.pause(self.dice.uniform(self.shortest, self.longest))
        exchange.send(exchange.normal())


@dataclass(frozen=True)
class RetryAt(Fault):
    """429 with an HTTP date that many seconds ahead of the server's clock, which may be off itself."""

    seconds: float
    skew_seconds: float = 0

    def play(self, exchange: Exchange) -> None:
        now = time.time() + self.skew_seconds
        headers = {"Retry-After": http_date(now + self.seconds), "Date": http_date(now)}
        exchange.send(Reply(429, b"slow down", headers))


@dataclass(frozen=True)
class SkewedClock(Fault):
    """The normal answer from a server whose clock is off."""

    skew_seconds: float

    def play(self, exchange: Exchange) -> None:
        reply = exchange.normal()
        reply.headers["Date"] = http_date(time.time() + self.skew_seconds)
        exchange.send(reply)


@dataclass(frozen=True)
class WrongLength(Fault):
    """The normal answer under a Content-Length that leaves out its end."""

    missing: int = 20

    def play(self, exchange: Exchange) -> None:
        reply = exchange.normal()
        exchange.hang_up()
        exchange.write(reply.head(length=len(reply.body) - self.missing) + reply.body)


@dataclass(frozen=True)
class WrongType(Fault):
    """The normal answer, called something that it is not."""

    content_type: str = "text/html; charset=utf-16"

    def play(self, exchange: Exchange) -> None:
        reply = exchange.normal()
        reply.headers["Content-Type"] = self.content_type
        exchange.send(reply)


@dataclass(frozen=True)
class Raw(Fault):
    """Bytes that need not be HTTP, then the end of the connection."""

    content: bytes

    def play(self, exchange: Exchange) -> None:
        exchange.hang_up()
        exchange.write(self.content)


@dataclass(frozen=True)
class Changed(Fault):
    """The normal answer after a change of its JSON: `Changed(halved)`."""

    change: Callable[[Any], Any]

    def play(self, exchange: Exchange) -> None:
        reply = exchange.normal()
        reply.body = json.dumps(self.change(json.loads(reply.body))).encode()
        exchange.send(reply)


@dataclass(frozen=True)
class Echo(Fault):
    """What came in, headers with the key included, in body and headers of the answer."""

    status: int = 400
    escaped: bool = False
    """Whether every character of it is a JSON escape."""

    def play(self, exchange: Exchange) -> None:
        headers = exchange.request.headers
        said = " ".join(f"{name}: {value}" for name, value in headers.items())
        text = "".join(f"\\u{ord(c):04x}" for c in said) if self.escaped else json.dumps(said)[1:-1]
        body = f'{{"error": {{"code": "echo", "message": "{text}"}}, "code": 4, "message": "{text}"}}'.encode()
        # A path is what clients name in their messages.
        key = quote(headers.get("x-api-key", "") or headers.get("authorization", "").rpartition(" ")[2])
        echoed = {"Content-Type": "application/json", "X-Echo": said, "Location": f"/elsewhere/{key}"}
        exchange.send(Reply(self.status, body, echoed))


def halved(document: Any) -> Any:
    """Every second entry of each list, and of each object of objects, at the top two levels."""
    return _halved(document, levels=3)


def _halved(value: Any, levels: int) -> Any:
    if levels == 0:
        return value
    if isinstance(value, list):
        return value[::2]
    if isinstance(value, dict):
        is_table = len(value) > 3 and all(isinstance(item, dict) for item in value.values())
        kept = list(value)[::2] if is_table else list(value)
        return {name: value[name] if is_table else _halved(value[name], levels - 1) for name in kept}
    return value


def renamed(document: Any) -> Any:
    """The next version of the API: every field of every entry under another name, in camel case or out of it."""
    if isinstance(document, list):
        return [renamed(item) for item in document]
    if isinstance(document, dict):
        return {f"{name}V2": renamed(item) for name, item in document.items()}
    return document


def http_date(seconds: float) -> str:
    """A time since the epoch as headers write it."""
    return email.utils.formatdate(seconds, usegmt=True)
