"""The emulator: a server, its data, its faults and its log."""

from __future__ import annotations

import ssl
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from tests.emulator import clouds, routes
from tests.emulator.auth import KEYS, VARIABLES, cloud_of
from tests.emulator.data import Data, load
from tests.emulator.faults import Fault, Latency
from tests.emulator.limits import Limits
from tests.emulator.messages import Reply, Request, Violation
from tests.emulator.routes import Route
from tests.emulator.server import Server


class Emulator:
    """The APIs of Yotta, Lambda and RunPod on one loopback port.

    `data` and `faults` may be changed whenever no request is under way; what is in them when a request comes in
    decides its answer.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        recorded: Path | None = None,
        enforce_rate_limit: bool = False,
        tls: ssl.SSLContext | None = None,
        latency_seconds: float = 0,
    ) -> None:
        """Listen, on a free port by default; `start` or `with` serves.

        Args:
            host: a loopback address.
            port: 0 for a free one.
            recorded: folder with recorded sets; clouds without a set there answer from the bundled one.
            enforce_rate_limit: answer 429 over the documented limits. They are always counted as violations.
            tls: serve over TLS with the certificate that it holds; plain HTTP without.
            latency_seconds: how much later every request without a fault is answered.

        Raises:
            ValueError: `host` is not loopback.
            OSError: the port is taken, or a recorded set cannot be read.
        """
        self.data: Data = load(recorded)
        self.faults: dict[Route, list[Fault]] = {}
        """Played one per request of a route, in order; then service is normal."""
        self.chaos: Callable[[Request], Fault | None] | None = None
        """Asked for a fault for each request for which `faults` has none; called by one thread at a time."""
        self.errors: list[Exception] = []
        """Mistakes of the emulator, or of data that a test has put into it; each was answered with a 500."""
        self.enforce_rate_limit = enforce_rate_limit
        self.latency_seconds = latency_seconds
        self.bytes_sent = 0
        """Of all answers, headers included."""
        self._recorded = recorded
        self._lock = threading.Lock()
        self._limits = Limits()
        self._requests: list[Request] = []
        self._violations: list[Violation] = []
        self._server = Server(host, port, self, tls)

    # Use ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to serve."""
        self._server.start()

    def close(self) -> None:
        """End the server and its threads, whatever they are doing; the log stays readable."""
        self._server.close()

    def __enter__(self) -> Emulator:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:PORT`, or `https://` with TLS."""
        return self._server.origin

    @property
    def environ(self) -> dict[str, str]:
        """Environment variables of a client: base URLs and the keys that are accepted."""
        return routes.base_urls(self.origin) | {VARIABLES[cloud]: key for cloud, key in KEYS.items()}

    def url(self, route: Route) -> str:
        """The URL of a route."""
        return self.origin + route[1]

    @property
    def requests(self) -> list[Request]:
        """The requests so far, as they came in."""
        with self._lock:
            return list(self._requests)

    @property
    def counts(self) -> Counter[Route]:
        """The number of requests so far by route, unknown ones included."""
        return Counter(request.route for request in self.requests)

    @property
    def violations(self) -> list[Violation]:
        """The broken rules so far; a well-behaved client causes none."""
        with self._lock:
            return list(self._violations)

    def reset(self) -> None:
        """Forget requests, violations, errors, faults and limits, and load the data anew."""
        data = load(self._recorded)
        with self._lock:
            self.data = data
            self.faults.clear()
            self.chaos = None
            self.errors.clear()
            self._requests.clear()
            self._violations.clear()
            self.bytes_sent = 0
            self._limits = Limits()

    # The server's side ----------------------------------------------------------------------------

    def received(self, request: Request) -> tuple[Fault | None, Callable[[], Reply]]:
        """Log a request; called by the server. Returns the fault that is next for its route, and what answers."""
        verdict = self._limits.count(request.path, request.at_seconds)
        rules = {
            "key-in-url": request.key_in_url,
            "foreign-key": request.key not in (None, "unknown", cloud_of(request.path)),
            "rate-limit": verdict.exceeded,
        }
        with self._lock:
            self._requests.append(request)
            self._violations += [Violation(rule, request.route) for rule, broken in rules.items() if broken]
            waiting = self.faults.get(request.route)
            fault = (waiting[0] if waiting[0].forever else waiting.pop(0)) if waiting else None
            if fault is None and self.chaos is not None:
                fault = self.chaos(request)
        if fault is None and self.latency_seconds:
            fault = Latency(self.latency_seconds)
        if not self.enforce_rate_limit:
            verdict = replace(verdict, exceeded=False)
        return fault, lambda: clouds.answer(request, self.data, verdict)

    def sending(self, size: int) -> None:
        """Count bytes of an answer; called by the server."""
        with self._lock:
            self.bytes_sent += size

    def failed(self, error: Exception) -> None:
        """Note a mistake in here or in a test's data; called by the server, which answers 500."""
        self.errors.append(error)
