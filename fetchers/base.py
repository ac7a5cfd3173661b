"""The interface of a fetcher, and what its run results in.

A fetcher is one class in one short file: it asks its cloud through the `Session` it is given and yields an
`Offering` or a `Skipped` for everything the cloud lists. It never guesses, never turns an unknown price into 0
and never ends the run over one bad entry; it raises a FetchError when the answer as a whole is not to be used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from fetchers.answers import shown
from fetchers.credentials import KeySource
from fetchers.errors import FetchError, UnexpectedAnswer
from fetchers.http import utc_text
from fetchers.session import Session, SessionOptions
from gpu_catalog.manifest import Kind
from gpu_catalog.offering import Offering, Skipped

MAX_TEXT_CHARS = 200
"""Of one name; the longest real one has 56."""

_LONGEST_MESSAGE = 1000
_SITE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_READ_AS_MISSING = ("na", "n-a", "nan", "none", "null")


class Fetcher(Protocol):
    """One cloud."""

    name: str
    """Lower-case name of the cloud's catalog folder, as SkyPilot has it."""

    display_name: str
    """As people write it, e.g. `RunPod`; also SkyPilot's name in `common/accelerators.csv`."""

    base_urls: Mapping[str, str]
    """Base URLs by the environment variable that replaces them."""

    key_source: KeySource
    """Where the API key may lie."""

    key_header: tuple[str, str]
    """Header that carries the key, and its value with `{key}` in it."""

    needs_key: bool
    """False where a catalog can be had without a key."""

    min_interval_seconds: float
    """From the start of one request to the start of the next, as the API's document limits it."""

    def fetch(self, session: Session) -> Iterable[Offering | Skipped]:
        """Ask the cloud and normalise its answers.

        Raises:
            FetchError: the cloud cannot be asked, or its answer as a whole is not to be used.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What one run of one fetcher gave, before validation."""

    offerings: tuple[Offering, ...]
    """In the order of the answer."""

    skipped: tuple[Skipped, ...]
    """In the order of the answer."""

    warnings: tuple[str, ...]
    """What whoever runs the fetch should look at."""

    kind: Kind
    """`live` or `sample`."""

    requests_made: int
    """HTTP requests, retries and redirects included."""


def fetch_cloud(
    fetcher: Fetcher, options: SessionOptions, notify: Callable[[str], None] = lambda _: None
) -> Fetched:
    """Run one fetcher to its end.

    Raises:
        FetchError: as `Fetcher.fetch` and `Session`.
    """
    session = Session(fetcher, options, notify)

    def said(text: str) -> str:
        """What is printed and published: one printable line, without the key."""
        return shown(session.redacted(text), _LONGEST_MESSAGE)

    try:
        offerings: list[Offering] = []
        skipped: list[Skipped] = []
        for item in fetcher.fetch(session):
            if isinstance(item, Skipped):
                skipped.append(replace(item, listing=session.redacted(item.listing), reason=said(item.reason)))
            else:
                # A sample says nothing about stock: its levels are placeholders.
                offerings.append(replace(item, in_stock=None) if session.kind == "sample" else item)
    except FetchError as exc:
        exc.what = said(exc.what)
        raise
    finally:
        session.close()
    return Fetched(
        offerings=tuple(offerings),
        skipped=tuple(skipped),
        warnings=tuple(map(said, session.warnings)),
        kind=session.kind,
        requests_made=session.requests_made,
    )


# Reading foreign JSON -----------------------------------------------------------------------------


class Unusable(Exception):
    """One listed thing cannot become a row; `rule` and `str()` become the Skipped's rule and reason."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule


def list_of_objects(data: Any, what: str) -> list[dict[str, Any]]:
    """`data` as a non-empty list of JSON objects; anything else is not the API we know.

    Raises:
        UnexpectedAnswer: not a list, empty, or no object in it.
    """
    if not isinstance(data, list):
        raise UnexpectedAnswer(f"{what} is not a list", "the API may have changed; report this")
    if not data:
        raise UnexpectedAnswer(f"{what} is empty", "an empty catalog is never published; try again later")
    if not any(isinstance(item, dict) for item in data):
        raise UnexpectedAnswer(f"{what} holds no objects", "the API may have changed; report this")
    return [item if isinstance(item, dict) else {} for item in data]


def member(data: Any, key: str, what: str) -> Any:
    """`data[key]` of an answer that must be an object with that key.

    Raises:
        UnexpectedAnswer: `data` is not an object, or has no such key.
    """
    if not isinstance(data, dict) or key not in data:
        raise UnexpectedAnswer(f"{what} has no `{key}`", "the API may have changed; report this")
    return data[key]


def text_or_none(value: Any) -> str | None:
    """A name or description without its surrounding space; None for what can be none.

    That is: no string, blank, with a control character or half a surrogate pair, or too long.
    """
    text = value.strip() if isinstance(value, str) else ""
    return text if text.isprintable() and 0 < len(text) <= MAX_TEXT_CHARS else None


def is_site_name(name: str) -> bool:
    """Whether a region or zone can stand in a catalog: plain, and no text that pandas reads as missing."""
    return bool(_SITE_NAME.fullmatch(name)) and name.casefold() not in _READ_AS_MISSING


def day_as_moment(day: str) -> str:
    """A date of a data file, `2026-03-27`, as an `observed_at`."""
    return f"{day}T00:00:00Z"


__all__ = [
    "Fetched",
    "Fetcher",
    "Unusable",
    "day_as_moment",
    "fetch_cloud",
    "is_site_name",
    "list_of_objects",
    "member",
    "shown",
    "text_or_none",
    "utc_text",
]
