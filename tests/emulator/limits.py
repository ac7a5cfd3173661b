"""Rate limits: counted always, enforced if asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from threading import Lock

from tests.emulator import routes

LAMBDA_INTERVAL_SECONDS = 1.0
"""Lambda documents one request per second in general."""

TOLERANCE_SECONDS = 0.05
"""A client that waits one second sends requests that arrive a little less than one second apart."""

RUNPOD_WINDOWS = (("minute", 60, 60), ("hour", 3000, 3600), ("day", 50_000, 86_400))
"""Name, requests and seconds of RunPod's windows, as in the example of its specification."""


@dataclass(slots=True)
class _Window:
    """A fixed window that starts with its first request."""

    quota: int
    seconds: int
    started: float = -math.inf
    used: int = 0

    def hit(self, now: float) -> bool:
        """Count a request; False if the quota was used up before."""
        if now >= self.started + self.seconds:
            self.started, self.used = now, 0
        self.used += 1
        return self.used <= self.quota

    def remaining(self) -> int:
        return max(0, self.quota - self.used)

    def ends_in(self, now: float) -> int:
        return max(0, math.ceil(self.started + self.seconds - now))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the limits say about one request."""

    exceeded: bool = False
    """Whether it was one too many."""

    headers: dict[str, str] = field(default_factory=dict)
    """RunPod's RateLimit and RateLimit-Policy."""

    retry_after_seconds: int | None = None
    """When RunPod lets the next one through, if exceeded."""


@dataclass(slots=True)
class Limits:
    """The state of all limits of one emulator."""

    _lock: Lock = field(default_factory=Lock)
    _lambda_last: float = -math.inf
    _runpod: dict[str, _Window] = field(
        default_factory=lambda: {name: _Window(quota, seconds) for name, quota, seconds in RUNPOD_WINDOWS}
    )

    def count(self, path: str, now: float) -> Verdict:
        """Count a request. Yotta and RunPod's GraphQL document no limit."""
        with self._lock:
            if path.startswith(f"{routes.LAMBDA}/"):
                return self._lambda(now)
            if path.startswith(f"{routes.RUNPOD}/v2/"):
                return self._runpod_v2(now)
        return Verdict()

    def _lambda(self, now: float) -> Verdict:
        too_soon = now < self._lambda_last + LAMBDA_INTERVAL_SECONDS - TOLERANCE_SECONDS
        self._lambda_last = now
        return Verdict(too_soon)

    def _runpod_v2(self, now: float) -> Verdict:
        spent = [window for window in self._runpod.values() if not window.hit(now)]
        left = [f'"{name}";r={window.remaining()};t={window.ends_in(now)}' for name, window in self._runpod.items()]
        policy = [f'"{name}";q={quota};w={seconds}' for name, quota, seconds in RUNPOD_WINDOWS]
        headers = {"RateLimit": ", ".join(left), "RateLimit-Policy": ", ".join(policy)}
        return Verdict(bool(spent), headers, max((window.ends_in(now) for window in spent), default=None))
