"""What a fetcher is given: a session that knows the key, the base URLs, the time and where warnings go."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fetchers.answers import Answer, RawAnswer
from fetchers.credentials import Key, find_key
from fetchers.errors import BadSetting, CredentialsMissing
from fetchers.exchange import Request, check_url
from fetchers.http import DEFAULT_DEADLINE_SECONDS, Http, HttpPolicy
from fetchers.replay import Recorder, ReplayAdapter, load_recorded, scrubbed
from gpu_catalog.manifest import Kind

if TYPE_CHECKING:
    from fetchers.base import Fetcher

_SHORTEST_REDACTED = 8

REPLAY_KEY = Key("key-of-a-recorded-set", "the recorded set")
"""Stands for the key that a recorded set was asked with; no secret, but treated like one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """How the run was asked for; the same for all its clouds."""

    deadline_seconds: float = DEFAULT_DEADLINE_SECONDS
    """For each cloud."""

    recorded: bool = False
    """Answer from the recorded set that each fetcher brings, instead of the network."""

    replay: Path | None = None
    """Recorded sets to answer from instead of the network."""

    record: Path | None = None
    """Where to save the answers of the network."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    """Keys and base URLs."""

    home: Path | None = None
    """Home directory with the key files; None for the user's own."""


class Session:
    """One cloud's connection, for one fetch."""

    def __init__(
        self, fetcher: Fetcher, options: SessionOptions, notify: Callable[[str], None] = lambda _: None
    ) -> None:
        """Find key and base URLs; nothing is sent yet.

        Raises:
            CredentialsMissing: the cloud cannot be asked without a key and there is none.
            BadSetting: a base URL or recorded set that cannot be used.
        """
        self.warnings: list[str] = []
        self.kind: Kind = "live"
        self.as_of = datetime.now(timezone.utc)
        self._fetcher = fetcher
        self._environ: Mapping[str, str] = options.environ
        self._key: Key | None = None
        policy = HttpPolicy(
            deadline_seconds=options.deadline_seconds, min_interval_seconds=fetcher.min_interval_seconds
        )
        if (replayed := self._replayed(options)) is not None:
            recorded = load_recorded(replayed, fetcher.name)
            self.kind, self.as_of = recorded.kind, recorded.as_of
            self._key = REPLAY_KEY if recorded.with_key else None
            self._environ = {}  # The paths of a recorded set are those below the public base URLs.
            self._http = Http(policy=policy, key=self._key, adapter=ReplayAdapter(recorded), notify=notify)
            return
        self._key = self._found_key(options)
        key = self._key.text if self._key else None
        record = Recorder(options.record, fetcher.name, key, self._public_path).save if options.record else None
        self._http = Http(policy=policy, key=self._key, notify=notify, record=record)

    @property
    def has_key(self) -> bool:
        """Whether requests carry a key."""
        return self._key is not None

    @property
    def requests_made(self) -> int:
        """Requests sent so far, retries and redirects included."""
        return self._http.requests_made

    def base_url(self, variable: str) -> str:
        """A base URL of the cloud: the environment variable, else the default of `Fetcher.base_urls`.

        Raises:
            BadSetting: it holds a secret; URLs are printed and published as sources.
        """
        url = (self._environ.get(variable, "").strip() or self._fetcher.base_urls[variable]).rstrip("/")
        if "@" in url or "?" in url:
            raise BadSetting(
                f"{variable} holds a user name or a query", "set it without; keys have their own variable"
            )
        try:
            check_url(url)
        except BadSetting as exc:
            exc.what = f"{variable}: {exc.what}"
            raise
        return url

    def get(self, url: str, query: Mapping[str, str] | None = None, *, has_substitute: bool = False) -> Answer:
        """GET, with the key where there is one; errors as `Http.request`."""
        header = self._key_header()
        return self._http.request(
            Request(method="GET", url=url, query=query or {}, key_header=header, has_substitute=has_substitute)
        )

    def post(self, url: str, body: object, *, with_key: bool = True, has_substitute: bool = False) -> Answer:
        """POST a JSON body; errors as `Http.request`."""
        header = self._key_header() if with_key else None
        return self._http.request(
            Request(method="POST", url=url, body=body, key_header=header, has_substitute=has_substitute)
        )

    def look(self, method: str, url: str, query: Mapping[str, str], body: object, key: str | None) -> RawAnswer:
        """One request without retries, whatever its status; `key` stands in for the session's own, "" for none."""
        header = self._key_header() if key is None else self._header_for(key)
        return self._http.look(Request(method=method, url=url, query=query, body=body, key_header=header))

    def scrubbed(self, body: bytes) -> bytes:
        """The body without the key and without personal data."""
        return scrubbed(body, self._key.text if self._key else None)

    def redacted(self, text: str) -> str:
        """The text without the key, should a server have echoed it."""
        if self._key and len(self._key.text) >= _SHORTEST_REDACTED:
            text = text.replace(self._key.text, "[key]")
        return text

    def warn(self, text: str) -> None:
        """Note something that whoever runs the fetch should look at; it is printed and published."""
        self.warnings.append(text)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _public_path(self, url: str) -> str:
        """The path that an asked URL has on the cloud's public host, whatever base URL is set."""
        bases = {self.base_url(variable): public for variable, public in self._fetcher.base_urls.items()}
        for base in sorted(bases, key=len, reverse=True):  # One may be the beginning of the other.
            if url == base or url.startswith(f"{base}/"):
                return urlsplit(bases[base]).path + url[len(base) :]
        return urlsplit(url).path

    def _replayed(self, options: SessionOptions) -> Path | None:
        if not options.recorded:
            return options.replay
        if self._fetcher.recorded is None:
            what = f"the fetcher of {self._fetcher.name} brings no recorded answers"
            raise BadSetting(what, "fetch it live, or --replay others")
        return self._fetcher.recorded

    def _found_key(self, options: SessionOptions) -> Key | None:
        source = self._fetcher.credentials
        if source is None:
            return None
        try:
            key = find_key(source, options.environ, options.home)
        except CredentialsMissing as exc:
            if source.required:
                raise
            self.warn(f"asked without a key: {exc}")
            return None
        if key is None and source.required:
            raise CredentialsMissing(
                f"no API key of {self._fetcher.display_name}",
                f"set {source.variable}, write `{source.names[0]} = KEY` into ~/{source.file}, or use --recorded",
            )
        if key and key.warning:
            self.warn(key.warning)
        return key

    def _key_header(self) -> tuple[str, str] | None:
        return self._header_for(self._key.text if self._key else "")

    def _header_for(self, key: str) -> tuple[str, str] | None:
        source = self._fetcher.credentials
        if source is None or not key:
            return None
        name, form = source.header
        return name, form.format(key=key)
