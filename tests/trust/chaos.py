"""Faults at random: a share of all requests is answered by one of these."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping

from tests.emulator import (
    KEYS,
    Body,
    BrokenChunks,
    DripBody,
    DripHeaders,
    Fault,
    GzipBomb,
    HugeBody,
    Latency,
    Redirect,
    Request,
    Reset,
    ShortBody,
    Stall,
    Status,
    TruncatedGzip,
)
from tests.emulator.auth import cloud_of

_HTML = "<html><body>Bad gateway</body></html>"
_CUT_OFF = '{"data": {"gpu_1x_a10": {"instance_type": {"name": "gpu_1x'


def _echo(request: Request) -> Fault:
    """An error that repeats the key of the request."""
    cloud = cloud_of(request.path)
    return Status(500, f'{{"error": {{"message": "bad key {KEYS[cloud] if cloud else ""}"}}}}')


FAULTS: Mapping[str, Callable[[Request], Fault]] = {
    "HTTP 401": lambda _: Status(401),
    "HTTP 429": lambda _: Status(429, headers={"Retry-After": "1"}),
    "HTTP 500": lambda _: Status(500),
    "HTTP 500 with the key": _echo,
    "HTTP 502 in HTML": lambda _: Status(502, _HTML),
    "HTTP 503 for an hour": lambda _: Status(503, headers={"Retry-After": "3600"}),
    "empty body": lambda _: Body(""),
    "empty object": lambda _: Body("{}"),
    "empty list": lambda _: Body("[]"),
    "null": lambda _: Body("null"),
    "cut-off JSON": lambda _: Body(_CUT_OFF),
    "HTML": lambda _: Body(_HTML, "text/html"),
    "redirect elsewhere": lambda _: Redirect("http://127.0.0.2:9/"),
    "truncated gzip": lambda _: TruncatedGzip(),
    "gzip bomb": lambda _: GzipBomb(),
    "huge body": lambda _: HugeBody(40 * 1024 * 1024),
    "short body": lambda _: ShortBody(),
    "broken chunks": lambda _: BrokenChunks(),
    "reset": lambda _: Reset(),
    "latency": lambda _: Latency(0.2),
    "stall": lambda _: Stall(5),
    "dripping headers": lambda _: DripHeaders(),
    "dripping body": lambda _: DripBody(),
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
        return FAULTS[name](request)
