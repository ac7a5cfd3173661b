"""What goes in and out: a request as logged, a reply before it is sent, a violation of the APIs' rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote

from tests.emulator.routes import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came in."""

    method: str
    """Upper case."""

    path: str
    """On the emulator's port, with the cloud's prefix, without query, percent-decoded."""

    query: dict[str, list[str]]
    """Values by parameter; blank ones are kept."""

    headers: dict[str, str]
    """By lower-case name; of a repeated header, the last."""

    body: bytes
    """The whole body, `b""` if there was none."""

    key: str | None
    """Whose accepted key was presented in a header: a cloud's name, `unknown` for another key, None without."""

    key_in_url: bool
    """Whether the URL holds a key, or a parameter with the name of one."""

    at_seconds: float
    """When it had been read, on the monotonic clock."""

    @property
    def route(self) -> Route:
        """As in `routes`, for counters and faults."""
        return self.method, self.path

    def json(self) -> Any:
        """The body parsed.

        Raises:
            ValueError: it is not JSON.
        """
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Violation:
    """A request that breaks a rule whatever it was answered."""

    rule: str
    """`key-in-url`, `foreign-key` (the key of another cloud) or `rate-limit`."""

    route: Route
    """Of the request."""


@dataclass(slots=True)
class Reply:
    """Status, headers and body of an answer."""

    status: int = 200
    """HTTP status."""

    body: bytes = b""
    """Sent with its Content-Length."""

    headers: dict[str, str] = field(default_factory=dict)
    """Without Content-Length and Connection, which belong to the sending."""

    def head(self, *, length: int | None = None, close: bool = False) -> bytes:
        """Status line and headers with the blank line; `length` is the announced Content-Length, if any."""
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = ""
        lines = [f"HTTP/1.1 {self.status} {phrase}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        if close:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def json_reply(
    status: int, data: object, headers: Mapping[str, str] | None = None, media_type: str = "application/json"
) -> Reply:
    """A reply with a JSON body. `data` may hold what JSON does not know, such as NaN: tests send that too."""
    return Reply(status, json.dumps(data).encode(), {"Content-Type": media_type, **(headers or {})})


def split_target(target: str) -> tuple[str, dict[str, list[str]]]:
    """Path and query of a request line's target."""
    path, _, query = target.partition("?")
    return unquote(path), parse_qs(query, keep_blank_values=True)
