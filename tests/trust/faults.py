"""What can go wrong between a cloud and us, and what a fetch must make of it: the rows of the fault matrix."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Literal

from tests.emulator import (
    Body,
    BrokenChunks,
    Changed,
    DripBody,
    DripHeaders,
    Echo,
    Fault,
    GzipBomb,
    HugeBody,
    Jitter,
    Latency,
    Raw,
    Redirect,
    Reset,
    RetryAt,
    ShortBody,
    SkewedClock,
    Stall,
    Status,
    TruncatedGzip,
    WrongLength,
    WrongType,
    halved,
    renamed,
)
from tests.emulator.certificates import Certificate

HOUR = 3600.0
DAY = 24 * HOUR
HTML = "<html><head><title>502 Bad Gateway</title></head></html>"

Ending = Literal["fresh", "at once", "by the deadline"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the matrix."""

    name: str
    """A few words."""

    faults: tuple[Fault, ...] = ()
    """Played one per request of a route; then service is normal."""

    ending: Ending
    """`fresh`: the fetch gets over it, exit code 0. Else exit code 1: `at once` without a second try, or after
    retries `by the deadline`."""

    says: str = ""
    """Part of the line on standard error, unless fresh."""

    requests: int = 1
    """Of the route, when it ends at once."""

    deadline_seconds: float = 20
    """Given to the fetch; short where it will be used up."""

    certificate: Certificate | None = None
    """Serve over TLS with this; None for plain HTTP."""

    unreachable: bool = False
    """Whether nobody listens at all."""

    held_by_drift: bool = False
    """Whether the publication is for the drift gate to hold back, since each entry by itself is right."""


def _over(name: str, *faults: Fault) -> Case:
    return Case(name=name, faults=faults, ending="fresh")


def _once(name: str, fault: Fault, says: str) -> Case:
    return Case(name=name, faults=(fault,), ending="at once", says=says)


def _again(name: str, fault: Fault, says: str) -> Case:
    return Case(name=name, faults=(fault,) * 10, ending="by the deadline", says=says, deadline_seconds=2)


_ERROR_WITH_200 = json.dumps(
    {"code": 11000, "message": "not found", "data": None, "gpus": None, "errors": [{"message": "not found"}]}
)

CASES = (
    # What a fetch gets over.
    _over("latency of 0.3 s", Latency(0.3)),
    _over("jitter", Jitter(0.05, 0.4)),
    _over("429 once, Retry-After in seconds", Status(429, "slow down", {"Retry-After": "1"})),
    _over("429 once, Retry-After as a date", RetryAt(1)),
    _over("429 once, a date by a clock 1 h ahead", RetryAt(1, skew_seconds=HOUR)),
    _over("429 once, a date by a clock 1 h behind", RetryAt(1, skew_seconds=-HOUR)),
    _over("429 once, without Retry-After", Status(429)),
    _over("503 twice", Status(503), Status(503, HTML)),
    _over("reset once", Reset()),
    _over("cut-off body once", ShortBody()),
    _over("cut-off gzip once", TruncatedGzip()),
    _over("gzip that is none, once", Status(200, b"{}", {"Content-Encoding": "gzip"})),
    _over("a server whose clock is a day ahead", SkewedClock(DAY)),
    _over("a server whose clock is a day behind", SkewedClock(-DAY)),
    _over("JSON that is called HTML in UTF-16", WrongType()),
    _over("JSON without a content type", WrongType("")),
    Case(name="TLS with a certificate that we trust", ending="fresh", certificate="good"),
    # What no retry mends.
    _once("401", Status(401, '{"error": {"message": "API key was invalid"}}'), "key rejected"),
    _once("403", Status(403, '{"title": "Forbidden", "status": 403}'), "key rejected"),
    _once("404", Status(404, '{"message": "not found"}'), "answered HTTP 404 (not found)"),
    _once("410 in HTML", Status(410, "<h1>Gone</h1>"), "answered HTTP 410"),
    _once("304 that nobody asked for", Status(304), "answered HTTP 304"),
    _once("204 without a body", Status(204), "empty body"),
    _once("200 without a body", Body(b""), "empty body"),
    _once("HTML with 200", Body(HTML, "text/html"), "an HTML page"),
    _once("HTML called JSON", Body(HTML), "an HTML page"),
    _once("JSON cut off, with the right length", Body(b'{"data": [{"gpuType": "NVID'), "not whole, valid JSON"),
    _once("a Content-Length that is too short", WrongLength(), "not whole, valid JSON"),
    _once("not UTF-8", Body(b'{"data": "\xff\xfe"}'), "not whole, valid JSON"),
    _once("nested too deep", Body(b"[" * 100_000), "not whole, valid JSON"),
    _once("a number of 20,000 digits", Body(b"9" * 20_000), "not whole, valid JSON"),
    _once("one key twice", Body(b'{"data": {}, "data": {}}'), "not whole, valid JSON"),
    _once("an empty object", Body(b"{}"), "has no `"),
    _once("an empty list", Body(b"[]"), "has no `"),
    _once("a number", Body(b"17"), "has no `"),
    _once("an error with 200, as GraphQL has it", Body(_ERROR_WITH_200), "; "),
    _once("every field renamed", Changed(renamed), "has no `"),
    _once("another encoding than asked for", Status(200, b"{}", {"Content-Encoding": "br"}), "in encoding 'br'"),
    _once("gzip bomb", GzipBomb(), "is larger than"),
    _once("huge body", HugeBody(40 * 1024 * 1024), "is larger than"),
    _once("redirect to another host", Redirect("http://127.0.0.2:9/elsewhere"), "redirects to another host"),
    _once("redirect to https on another port", Redirect("https://127.0.0.1:9/"), "redirects to another host"),
    _once("redirect to a file", Redirect("file:///etc/passwd"), "redirects to another host"),
    _once("redirect to nonsense", Redirect("http://[nonsense/"), "redirects to another host"),
    Case(name="redirect loop", faults=(Redirect(""),) * 10, ending="at once", says="in a loop", requests=4),
    _once("the key sent back with 400", Echo(400), "answered HTTP 400"),
    _once("the key sent back in JSON escapes", Echo(400, escaped=True), "answered HTTP 400"),
    _once("the key sent back with 401", Echo(401), "key rejected"),
    _once("the key sent back in a redirect", Echo(302), "redirects to a URL with the key"),
    # What stays bad.
    _again("429, Retry-After in seconds", Status(429, "slow down", {"Retry-After": "1"}), "answered HTTP 429"),
    _again("429 that asks for an hour", Status(429, "", {"Retry-After": "3600"}), "answered HTTP 429"),
    _again("429, a date an hour ahead", RetryAt(HOUR), "answered HTTP 429"),
    _again("429, a date long gone", RetryAt(-DAY), "answered HTTP 429"),
    _again("429, Retry-After that says nothing", Status(429, "", {"Retry-After": "soon"}), "answered HTTP 429"),
    _again("500", Status(500, '{"error": {"code": "global/internal-error"}}'), "answered HTTP 500"),
    _again("500 with the key sent back", Echo(500), "answered HTTP 500"),
    _again("502 in HTML", Status(502, HTML), "answered HTTP 502"),
    _again("reset", Reset(), "no connection to"),
    _again("closed without an answer", Raw(b""), "no connection to"),
    _again("another protocol", Raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "no connection to"),
    _again("a header of 200 kB", Status(200, b"{}", {"X-Long": "x" * 200_000}), "no connection to"),
    _again("cut-off body", ShortBody(), "was cut off"),
    _again("cut-off gzip", TruncatedGzip(), "was cut off"),
    _again("gzip that is none", Status(200, b"{}", {"Content-Encoding": "gzip"}), "was cut off"),
    _again("broken chunks", BrokenChunks(), "was cut off"),
    _again("stall", Stall(60), "in time"),
    _again("dripping headers", DripHeaders(3), "within 2 s"),
    _again("dripping body", DripBody(100), "not done after 2 s"),
    Case(
        name="nobody listens",
        ending="by the deadline",
        says="no connection to",
        unreachable=True,
        deadline_seconds=2,
    ),
    Case(name="TLS, unknown issuer", ending="at once", says="no trusted TLS", certificate="unknown-issuer"),
    Case(name="TLS, another host's name", ending="at once", says="no trusted TLS", certificate="other-host"),
    Case(name="TLS, expired", ending="at once", says="no trusted TLS", certificate="expired"),
    # What only a comparison finds.
    Case(name="half of the data", faults=(Changed(halved),), ending="fresh", held_by_drift=True),
)
"""Every one is played to every cloud, on the route that is asked first, on a first run and over a good catalog."""

_ON_FURTHER_ROUTES = (
    "404", "HTML with 200", "an empty object", "huge body", "gzip bomb", "redirect to another host", "500", "reset",
    "429 that asks for an hour", "cut-off body", "stall", "dripping body",
)  # fmt: skip

REQUIRED = tuple(case for case in CASES if case.name in _ON_FURTHER_ROUTES)
"""What is played on a route that a catalog cannot do without: as on the first."""

OPTIONAL = tuple(replace(case, ending="fresh", says="", deadline_seconds=10) for case in REQUIRED)
"""The same on a route for which there is a substitute."""

_WRONG_GRAPHQL: dict[str, tuple[Fault, str]] = {
    "gone": (Status(410, "<h1>Gone</h1>"), "answered HTTP 410"),
    "rejects the key": (Status(401, '{"errors": [{"message": "Unauthorized"}]}'), "answered HTTP 401"),
    "errors with 200": (Body('{"errors": [{"message": "internal"}], "data": null}'), "internal"),
    "errors and data": (Body('{"errors": [{"message": "internal"}], "data": {"gpuTypes": []}}'), "internal"),
    "HTML": (Body(HTML, "text/html"), "an HTML page"),
    "renamed": (Changed(renamed), "has no `"),
}

GRAPHQL_BESIDE_REST = tuple(_over(f"GraphQL: {name}", fault) for name, (fault, _) in _WRONG_GRAPHQL.items())
"""RunPod's second source, asked for sizes only when there is a key: the fetch goes on with what it knows."""

GRAPHQL_ALONE = tuple(_once(f"GraphQL: {name}", fault, says) for name, (fault, says) in _WRONG_GRAPHQL.items())
"""The same where GraphQL is the only source, without a key."""
