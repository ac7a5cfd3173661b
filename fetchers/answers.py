"""What came back: a raw answer, its JSON with exact numbers, and what its error body and headers say."""

from __future__ import annotations

import email.utils
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from requests.structures import CaseInsensitiveDict

from fetchers.errors import UnexpectedAnswer

OBSERVED_AT_HEADER = "X-Gpu-Catalog-Observed-At"
SOURCE_HEADER = "X-Gpu-Catalog-Source"
"""Both are set by the replay adapter on recorded answers and ignored on live ones."""

_MOST_LEVELS = 64


@dataclass(frozen=True, slots=True)
class Answer:
    """A parsed answer with status 2xx."""

    data: Any
    """The JSON document, with every fraction as an exact Decimal (`NaN` included: a row is judged, not a file)."""

    observed_at: str
    """When it was received, UTC to the second; for recorded answers, the date of the recording or of the facts."""

    source: str
    """Where it came from: the URL without query; for a sample, what its figures were composed from."""


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """Status, headers and whole body of one answer, of any status."""

    status: int
    headers: dict[str, str]
    body: bytes
    observed_at: str
    source: str


def parse_json(body: bytes, where: str) -> Any:
    """Parse a whole body with exact decimals; `where` names the endpoint in messages.

    Raises:
        UnexpectedAnswer: empty, not UTF-8, not JSON to the end, a key twice in one object, or nested too deep.
    """
    if not body.strip():
        raise UnexpectedAnswer(f"{where} answered with an empty body", "try again later")
    try:
        data = json.loads(
            body.decode("utf-8-sig"),
            parse_float=Decimal,
            parse_constant=Decimal,
            object_pairs_hook=_object_without_repeats,
        )
        return _not_too_deep(data)
    except (ValueError, ArithmeticError, RecursionError) as exc:
        kind = "an HTML page" if body.lstrip().startswith(b"<") else "something that is not whole, valid JSON"
        raise UnexpectedAnswer(f"{where} answered with {kind}", "check the base URL; else try again later") from exc


def shown(value: Any, most: int = 80) -> str:
    """Foreign text as a message can carry it: printable, in one line, cut."""
    text = str(value)[: 2 * most]
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:most].rstrip()


def vendor_message(body: bytes) -> str:
    """What an error body says, in any of the clouds' envelopes; "" when it says nothing we can read."""
    try:
        data = parse_json(body[:100_000], "")
    except UnexpectedAnswer:
        return ""
    if not isinstance(data, dict):
        return ""
    errors = data.get("errors")
    inner = data.get("error", errors[0] if isinstance(errors, list) and errors else data)
    if not isinstance(inner, dict):
        return str(inner)[:200]
    parts = [inner.get(key) for key in ("code", "message", "suggestion", "title", "detail")]
    return " ".join(str(part) for part in parts if isinstance(part, (str, int)))[:300]


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("an object has the same key twice")
    return result


def _not_too_deep(data: Any) -> Any:
    """The document itself; ValueError where it would end in a RecursionError wherever it is looked at."""
    level = [data]
    for _ in range(_MOST_LEVELS):
        inner = [list(item.values()) if isinstance(item, dict) else item for item in level]
        level = [value for items in inner if isinstance(items, list) for value in items]
    if level:
        raise ValueError("nested too deep")
    return data


def retry_after_seconds(headers: dict[str, str]) -> float | None:
    """Seconds that the server asks to wait (a number or an HTTP date); None when it does not say.

    A date is by the server's clock, so it is held against the answer's own `Date`, else against our clock.
    """
    fields = CaseInsensitiveDict(headers)
    text = fields.get("Retry-After", "").strip()
    if text.isdecimal() and len(text) < 9:
        return float(text)
    moment = _http_date(text)
    if moment is None:
        return None
    now = _http_date(fields.get("Date", "")) or datetime.now(timezone.utc)
    return max(0.0, (moment - now).total_seconds())


def _http_date(text: str) -> datetime | None:
    """A date of a header, in UTC; None for anything else."""
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or timezone.utc)
