"""Faults at random: a share of all requests is answered by one of these."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping

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
    Request,
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
from tests.emulator.auth import cloud_of

_HTML = "<html><body>Bad gateway</body></html>"
_CUT_OFF = '{"data": {"gpu_1x_a10": {"instance_type": {"name": "gpu_1x'


FAULTS: Mapping[str, Fault] = {
    "HTTP 401": Status(401),
    "HTTP 429": Status(429, headers={"Retry-After": "1"}),
    "HTTP 500": Status(500),
    "HTTP 500 with the key": Echo(500),
    "HTTP 502 in HTML": Status(502, _HTML),
    "HTTP 503 for an hour": Status(503, headers={"Retry-After": "3600"}),
    "empty body": Body(""),
    "empty object": Body("{}"),
    "empty list": Body("[]"),
    "null": Body("null"),
    "cut-off JSON": Body(_CUT_OFF),
    "HTML": Body(_HTML, "text/html"),
    "redirect elsewhere": Redirect("http://127.0.0.2:9/"),
    "truncated gzip": TruncatedGzip(),
    "gzip bomb": GzipBomb(),
    "huge body": HugeBody(40 * 1024 * 1024),
    "short body": ShortBody(),
    "broken chunks": BrokenChunks(),
    "reset": Reset(),
    "latency": Latency(0.2),
    "jitter": Jitter(0, 0.3),
    "a clock that is off": SkewedClock(-86_400),
    "HTTP 429 with a date": RetryAt(1, skew_seconds=3600),
    "wrong type": WrongType(),
    "wrong length": WrongLength(),
    "not HTTP": Raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "every field renamed": Changed(renamed),
    "half of the data": Changed(halved),
    "redirect loop": Redirect(""),
    "stall": Stall(5),
    "dripping headers": DripHeaders(),
    "dripping body": DripBody(),
}
"""What can be drawn, by the name in reports."""


class Chaos:
    """`Emulator.chaos` of one night: the seed, the route and how often it was asked decide."""

    def __init__(self, seed: str, share: float, played: Counter[str]) -> None:
        self.hit: set[str | None] = set()
        """Clouds of which a request was hit."""
        self._seed, self._share, self._played = seed, share, played
        self._asked: Counter[tuple[str, str]] = Counter()

    def __call__(self, request: Request) -> Fault | None:
        """The fault for a request, if any."""
        self._asked[request.route] += 1
        dice = random.Random(f"{self._seed} {request.route} {self._asked[request.route]}")
        if dice.random() >= self._share:
            return None
        name = dice.choice(list(FAULTS))
        self._played[name] += 1
        self.hit.add(cloud_of(request.path))
        return FAULTS[name]
