"""The interface of a fetcher, and what helps to write one.

A fetcher is one class in one short file: it asks its cloud through the `Session` it is given and yields an
`Offering` or a `Skipped` for everything the cloud lists. It never guesses, never turns an unknown price into 0
and never ends the run over one bad entry; it raises a FetchError when the answer as a whole is not to be used.
docs/adding-a-cloud.md writes one step by step.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fetchers.answers import shown
from fetchers.credentials import Credentials
from fetchers.errors import UnexpectedAnswer
from fetchers.http import utc_text
from gpu_catalog.offering import Offering, Skipped

if TYPE_CHECKING:
    from fetchers.session import Session

ANY_INSTANCE_TYPE = r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}"
"""What validation lets pass in any cloud; for clouds whose names follow no grammar of ours."""

MAX_TEXT_CHARS = 200
"""Of one name; the longest real one has 56."""

_SITE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_READ_AS_MISSING = ("na", "n-a", "nan", "none", "null")


class Fetcher(Protocol):
    """One cloud, as a class without arguments that an entry point of the group `gpu_catalog.fetchers` names.

    What a fetcher may rely on: the session carries the key, retries, waits, limits time and size, and stamps every
    answer with its source and time; `session.warn` reaches whoever runs the fetch. What it must do: yield an
    `Offering` for each instance type and region (and zone) that has a known price and size, and a `Skipped` with
    the reason for each other thing that the cloud lists; prices are `Decimal`s of the whole instance, memory of one
    GPU is MiB; and raise a FetchError, never anything else, when there is nothing to be had.
    `publisher.contract.FetcherContract` holds a fetcher against all of it.
    """

    name: str
    """Name of the cloud's catalog folder, as SkyPilot has it: lower-case letters and digits. The name of the entry
    point is the same."""

    display_name: str
    """As people write it, e.g. `RunPod`; also SkyPilot's name in `common/accelerators.csv`."""

    base_urls: Mapping[str, str]
    """Base URLs by the environment variable that replaces them."""

    credentials: Credentials | None
    """Where the API key may lie and how it is sent; None where the API has no keys."""

    min_interval_seconds: float
    """From the start of one request to the start of the next, as the API's document limits it; 0 for no limit."""

    has_zones: bool
    """Whether its offerings have availability zones: all of them, or none."""

    has_spot: bool
    """Whether any offering may have a spot price."""

    instance_type_pattern: str
    """Regular expression for the whole name of an instance type; others are skipped. See `ANY_INSTANCE_TYPE`."""

    recorded: Path | None
    """Folder with the recorded answers that `--recorded` uses (see `fetchers.replay`); None when there are none."""

    def fetch(self, session: Session) -> Iterable[Offering | Skipped]:
        """Ask the cloud and normalise its answers.

        Raises:
            FetchError: the cloud cannot be asked, or its answer as a whole is not to be used.
        """
        ...


class Unusable(Exception):
    """One listed thing cannot become a row; `rule` and `str()` become the Skipped's rule and reason."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule


# Reading foreign JSON -----------------------------------------------------------------------------


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
    "ANY_INSTANCE_TYPE",
    "Fetcher",
    "Unusable",
    "day_as_moment",
    "is_site_name",
    "list_of_objects",
    "member",
    "shown",
    "text_or_none",
    "utc_text",
]
