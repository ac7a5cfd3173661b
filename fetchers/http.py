"""The HTTP policy of all fetchers: one place for timeouts, retries, limits and what counts as an answer.

`Http.request` returns parsed JSON or raises a FetchError. Why not requests alone: it follows redirects with the
key, does not notice a truncated gzip body, has no limit on size and no deadline for a dripping body.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from threading import Lock

import requests
import urllib3
from requests.adapters import BaseAdapter
from requests.auth import AuthBase

from fetchers.answers import (
    OBSERVED_AT_HEADER,
    SOURCE_HEADER,
    Answer,
    RawAnswer,
    parse_json,
    retry_after_seconds,
    vendor_message,
)
from fetchers.credentials import Key
from fetchers.deadline import Deadline
from fetchers.errors import (
    CredentialsRejected,
    DeadlinePassed,
    FetchError,
    RateLimited,
    Unavailable,
    UnexpectedAnswer,
)
from fetchers.exchange import Request, Retryable, check_url, is_loopback, read_body, redirected

DEFAULT_DEADLINE_SECONDS = 60.0

_SHORTEST_SECRET = 12

_NO_PROXIES: Mapping[str, str] = {"http": "", "https": "", "all": ""}
"""Against those of the environment, which serve the internet: a request to this machine passes through none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpPolicy:
    """Limits of one cloud's fetch. The defaults suit a nightly job as well as a person who waits."""

    deadline_seconds: float = DEFAULT_DEADLINE_SECONDS
    """For the whole cloud: all requests, retries, waits and dripping bodies together."""

    connect_timeout_seconds: float = 5.0
    """For one connection, TLS included."""

    read_timeout_seconds: float = 20.0
    """For one silence of the server; the slowest known endpoint answers within 6 s."""

    attempts: int = 4
    """Tries of one request on connection errors, 429 and 5xx."""

    first_backoff_seconds: float = 0.5
    """Upper end of the first random wait; doubles with every try."""

    longest_backoff_seconds: float = 8.0
    """Cap of that doubling."""

    min_interval_seconds: float = 0.0
    """From the start of one request to the start of the next (Lambda documents 1 request/s)."""

    max_body_bytes: int = 32 * 1024 * 1024
    """Of one answer, unpacked; the largest known one has 0.3 MB."""

    max_redirects: int = 3
    """On the same host; another host is always refused."""


class _KeyHeader(AuthBase):
    """Puts the key into its header, or nothing. As an `auth` object it also keeps `~/.netrc` out of it."""

    def __init__(self, header: tuple[str, str] | None) -> None:
        self._header = header

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._header:
            request.headers[self._header[0]] = self._header[1]
        return request


class _Session(requests.Session):
    """A session that looks at no redirect itself: requests would read its body without a limit."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        """None: `Http` follows redirects."""
        return None


class Http:
    """The connections to one cloud for one run; requests may be made side by side."""

    def __init__(
        self,
        *,
        policy: HttpPolicy,
        key: Key | None = None,
        adapter: BaseAdapter | None = None,
        notify: Callable[[str], None] = lambda _: None,
        record: Callable[[Request, RawAnswer], None] | None = None,
    ) -> None:
        self.requests_made = 0
        self._policy = policy
        self._key = key
        self._notify = notify
        self._record = record
        self._replayed = adapter is not None
        started = time.monotonic()
        self._deadline = Deadline(started, started + policy.deadline_seconds)
        self._next_start = 0.0
        self._lock = Lock()  # of the two numbers that requests change
        self._session = _Session()
        self._session.headers.update({"User-Agent": "gpu-catalog", "Accept": "application/json"})
        self._session.headers["Accept-Encoding"] = "gzip"
        if adapter is not None:
            self._session.mount("https://", adapter)
            self._session.mount("http://", adapter)

    def request(self, request: Request) -> Answer:
        """Send a request, with retries, and return the parsed JSON of its 2xx answer.

        Raises:
            CredentialsRejected, RateLimited, Unavailable, UnexpectedAnswer, BadSetting.
        """
        check_url(request.url)
        deadline = self._deadline.of(request)
        failure: Retryable | None = None
        for attempt in range(1, self._policy.attempts + 1):
            try:
                return self._once(request, deadline)
            except Retryable as exc:
                failure = exc
            except DeadlinePassed:
                if failure is None:
                    raise
                break  # What went wrong before says more than that the time is up.
            wait = self._wait(attempt, failure)
            if attempt == self._policy.attempts or not self._has_time_for(wait, deadline):
                break
            self._notify(f"{failure.error.what}, waiting {wait:.1f} s; try {attempt + 1}")
            self._sleep(wait)
        assert failure is not None  # noqa: S101 - the loop ends otherwise only by return or raise
        raise failure.error from failure

    def look(self, request: Request) -> RawAnswer:
        """Send a request once and return its answer whatever its status; for `--probe`.

        Raises:
            Unavailable, UnexpectedAnswer, BadSetting.
        """
        check_url(request.url)
        try:
            raw = self._exchange(request, self._deadline)
        except Retryable as exc:
            raise exc.error from exc
        if self._record is not None:
            self._record(request, raw)
        return raw

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    # One try -------------------------------------------------------------------------------------

    def _once(self, request: Request, deadline: Deadline) -> Answer:
        raw = self._exchange(request, deadline)
        if not 200 <= raw.status < 300:
            error = self._status_error(raw, request)
            if self._record is not None and not isinstance(error, Retryable):
                self._record(request, raw)
            raise error
        if self._record is not None:
            self._record(request, raw)
        return Answer(parse_json(raw.body, request.path), raw.observed_at, raw.source)

    def _exchange(self, request: Request, deadline: Deadline) -> RawAnswer:
        """Send and read to the end, following redirects on the same host."""
        self._notify(f"{request.method} {request.path}")
        asked = request.url
        for _ in range(self._policy.max_redirects + 1):
            with self._send(request, deadline) as response:
                if not response.is_redirect:
                    body = self._without_key(self._body(response, request.path, deadline))
                    provenance = self._provenance(response, asked)
                    return RawAnswer(response.status_code, dict(response.headers), body, *provenance)
                request = redirected(request, response, self._key.text if self._key else None)
        raise UnexpectedAnswer(f"{request.path} redirects in a loop", "check the base URL")

    def _send(self, request: Request, deadline: Deadline) -> requests.Response:
        self._pace(request.path, deadline)
        remaining = deadline.remaining(request.path)
        connect = min(self._policy.connect_timeout_seconds, remaining)
        silence = min(self._policy.read_timeout_seconds, remaining)
        with self._lock:
            self.requests_made += 1
        try:
            return self._session.request(
                request.method,
                request.url,
                params=request.query,
                json=request.body,
                auth=_KeyHeader(request.key_header),
                stream=True,
                allow_redirects=False,
                timeout=(connect, silence),
                proxies=dict(_NO_PROXIES) if is_loopback(request.url) else None,
            )
        except requests.exceptions.SSLError as exc:
            next_step = "check the base URL, the clock and REQUESTS_CA_BUNDLE"
            raise Unavailable(f"no trusted TLS connection to {request.host}", next_step) from exc
        except requests.Timeout as exc:
            raise Retryable(Unavailable(f"{request.path} did not answer in time", "try again later")) from exc
        except (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError) as exc:
            next_step = "check the network and the base URL"
            raise Retryable(Unavailable(f"no connection to {request.host}", next_step)) from exc

    def _body(self, response: requests.Response, where: str, deadline: Deadline) -> bytes:
        return read_body(response, where, self._policy.max_body_bytes, lambda: deadline.remaining(where))

    # What the answers mean -----------------------------------------------------------------------

    def _status_error(self, raw: RawAnswer, request: Request) -> FetchError | Retryable:
        """The exception for an answer that is not 2xx."""
        said = " ".join(vendor_message(raw.body).split())
        what = f"{request.path} answered HTTP {raw.status}" + (f" ({said})" if said else "")
        if raw.status in (401, 403) and request.key_header and self._key:
            next_step = f"check or renew the API key in {self._key.found_in}"
            return CredentialsRejected(f"key rejected: {what}", next_step, status=raw.status)
        pause = retry_after_seconds(raw.headers)
        if raw.status == 429:
            return Retryable(RateLimited(what, "try again in a few minutes", status=429), pause)
        if raw.status >= 500:
            return Retryable(Unavailable(what, "try again later", status=raw.status), pause)
        return UnexpectedAnswer(what, "check the base URL; else report this", status=raw.status)

    def _provenance(self, response: requests.Response, url: str) -> tuple[str, str]:
        """When the answer was observed, and its source."""
        if self._replayed:
            return response.headers[OBSERVED_AT_HEADER], response.headers.get(SOURCE_HEADER, url)
        return utc_text(datetime.now(timezone.utc)), url

    def _without_key(self, body: bytes) -> bytes:
        """The body without the key: what a server echoes can end up in a message, and messages are published.

        A text as short as a word is no secret, and may well be part of an honest answer.
        """
        if self._key is None or len(self._key.text) < _SHORTEST_SECRET:
            return body
        for form in {self._key.text, json.dumps(self._key.text)[1:-1]}:
            body = body.replace(form.encode(), b"[key]")
        return body

    # Time ----------------------------------------------------------------------------------------

    def _pace(self, where: str, deadline: Deadline) -> None:
        """Wait for this request's turn."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next_start)
            self._next_start = turn + self._policy.min_interval_seconds
        if turn > now:
            self._sleep(min(turn - now, deadline.remaining(where)))

    def _sleep(self, seconds: float) -> None:
        if not self._replayed:
            time.sleep(seconds)

    def _wait(self, attempt: int, failure: Retryable) -> float:
        """Seconds until the next try: a random share of a doubling backoff, or longer if the server asks for it."""
        policy = self._policy
        cap = min(policy.longest_backoff_seconds, policy.first_backoff_seconds * 2 ** (attempt - 1))
        backoff = random.uniform(cap / 2, cap)  # noqa: S311 - jitter, not a secret
        return max(backoff, failure.retry_after_seconds or 0.0)

    def _has_time_for(self, wait: float, deadline: Deadline) -> bool:
        """Whether another try could start before the deadline; that is also the cap of Retry-After."""
        return max(time.monotonic() + wait, self._next_start) < deadline.ends_at


def utc_text(moment: datetime) -> str:
    """A moment as we publish it: UTC, whole seconds, `2026-11-22T02:30:00Z`."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
