"""How long a request may go on."""

from __future__ import annotations

import time
from dataclasses import dataclass

from fetchers.errors import DeadlinePassed
from fetchers.exchange import Request


@dataclass(frozen=True, slots=True)
class Deadline:
    """Until when a request may go on, retries and waits included."""

    started: float
    """When the run began, on the monotonic clock."""

    ends_at: float
    """On the same clock."""

    def of(self, request: Request) -> Deadline:
        """That of a request: where there is a substitute for its answer, half of the time that is left."""
        share = 0.5 if request.has_substitute else 1.0
        now = time.monotonic()
        return Deadline(self.started, now + max(0.0, self.ends_at - now) * share)

    def remaining(self, where: str) -> float:
        """Seconds that are left; raises DeadlinePassed when there are none."""
        remaining = self.ends_at - time.monotonic()
        if remaining <= 0:
            what = f"{where} was not done after {self.ends_at - self.started:.3g} s"
            raise DeadlinePassed(what, "try again, or raise --deadline")
        return remaining
