"""Running one fetcher to its end, and holding what it gave against its own word.

What a fetcher yields is not trusted, since it may be anybody's: after this every offering is one of the cloud, of
the documented types, and keeps to what the fetcher declares.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from itertools import chain
from operator import attrgetter
from types import NoneType
from typing import Any

from fetchers.answers import shown
from fetchers.base import Fetcher
from fetchers.errors import BadFetcher, DeadlinePassed, FetchError
from fetchers.session import Session, SessionOptions
from gpu_catalog.accelerators import accelerator_table
from gpu_catalog.manifest import Kind
from gpu_catalog.offering import MARKS, Offering, Skipped

MOST_ITEMS = 1_000_000
"""That one fetcher may yield; AWS has some 70,000 rows."""

MOST_SKIPPED = 10_000
"""Of these; all of them stand in the manifest, which readers limit."""

_LONGEST_MESSAGE = 1000
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_TIME_IS_LOOKED_AT_EVERY = 1024  # items: a fetcher that yields for ever makes no request that would notice

_HUGEST = 10**15
_FREE_TEXTS = ("Skipped.listing", "Skipped.reason")
"""Made printable and cut where they are published; a cloud's own ids may hold anything."""

_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "str | None": (str, NoneType),
    "float": (float, int),
    "float | None": (float, int, NoneType),
    "int": (int,),
    "int | None": (int, NoneType),
    "bool": (bool,),
    "bool | None": (bool, NoneType),
    "Decimal": (Decimal,),
    "Decimal | None": (Decimal, NoneType),
    "tuple[str, ...]": (tuple,),
}
"""What may stand in a field, by its annotation; subclasses are none of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What one run of one fetcher gave, before validation."""

    display_name: str
    """The cloud's name for people, as the fetcher has it."""

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
        FetchError: as `Fetcher.fetch` and `Session`; BadFetcher when it gave what it may not.
    """
    session = Session(fetcher, options, notify)

    def said(text: str) -> str:
        """What is printed and published: one printable line, without the key."""
        return shown(session.redacted(text), _LONGEST_MESSAGE)

    def as_listed(text: str) -> str:
        """The cloud's own id, to the letter where it can be printed."""
        own = session.redacted(text)
        return own if own.isprintable() and len(own) <= _LONGEST_MESSAGE else said(text)

    try:
        offerings, skipped = _collected(fetcher, session, options.deadline_seconds)
        for kind, items in ((Offering, offerings), (Skipped, skipped)):
            _check_fields(fetcher.name, kind, items, session.redacted)
        offerings, unnamed = _keeping_to_its_word(fetcher, _with_floats(offerings))
    except FetchError as exc:
        exc.what = said(exc.what)
        raise
    finally:
        session.close()
    if session.kind == "sample":  # A sample says nothing about stock: its levels are placeholders.
        offerings = [replace(item, in_stock=None) for item in offerings]
    return Fetched(
        display_name=fetcher.display_name,
        offerings=tuple(offerings),
        skipped=tuple(
            replace(item, listing=as_listed(item.listing), reason=said(item.reason))
            for item in (*skipped, *unnamed)
        ),
        warnings=tuple(map(said, session.warnings)),
        kind=session.kind,
        requests_made=session.requests_made,
    )


def _collected(fetcher: Fetcher, session: Session, deadline_seconds: float) -> tuple[list[Offering], list[Skipped]]:
    """Everything that the fetcher yields, apart by kind."""
    ends_at = time.monotonic() + deadline_seconds
    offerings: list[Offering] = []
    skipped: list[Skipped] = []
    items = fetcher.fetch(session)
    if not isinstance(items, Iterable):
        raise _bad(fetcher.name, f"gave a {type(items).__name__}, nothing that yields offerings")
    for number, item in enumerate(items, start=1):
        if type(item) is Offering:
            offerings.append(item)
        elif type(item) is Skipped:
            skipped.append(item)
        else:
            raise _bad(fetcher.name, f"gave a {type(item).__name__}, neither Offering nor Skipped")
        if number % _TIME_IS_LOOKED_AT_EVERY == 0 and time.monotonic() > ends_at:
            raise DeadlinePassed(f"not done within {deadline_seconds:g} s", "try again, or raise --deadline")
        if number > MOST_ITEMS or len(skipped) > MOST_SKIPPED:
            raise _bad(fetcher.name, f"gave more than {MOST_ITEMS} things, or {MOST_SKIPPED} skipped ones")
    return offerings, skipped


def _check_fields(
    cloud: str, kind: type[Offering | Skipped], items: Sequence[Offering | Skipped], redacted: Callable[[str], str]
) -> None:
    """Column by column, since that costs a tenth of row by row.

    Raises:
        BadFetcher: a field holds what its annotation does not allow, text that cannot be published, the API key, a
            figure that is none, another cloud's name, or no source and time of a price.
    """
    for field in fields(kind):
        what, annotation, column = f"{kind.__name__}.{field.name}", str(field.type), attrgetter(field.name)
        # Text repeats, so that its types are soon looked at; what cannot be in a set is no text.
        is_text = annotation.startswith("str")
        try:
            values = set(map(column, items)) if is_text else map(column, items)
            wrong = set(map(type, values)).difference(_TYPES[annotation])
        except TypeError:
            wrong = set(map(type, map(column, items))).difference(_TYPES[annotation])
        if wrong:
            names = ", ".join(sorted(one.__name__ for one in wrong))
            raise _bad(cloud, f"gave {what} as {names}, not {annotation}")
        if is_text:
            _check_texts(cloud, what, set(values), redacted)
        elif not (annotation.startswith("bool") or _are_figures(annotation, map(column, items))):
            raise _bad(cloud, f"gave {what} as a number that is none, or as no mark of gpu_catalog.MARKS")


def _check_texts(cloud: str, what: str, texts: set[Any], redacted: Callable[[str], str]) -> None:
    if None in texts and what in ("Offering.source", "Offering.observed_at"):
        raise _bad(cloud, f"gave an offering without {what.partition('.')[2]}")
    for text in texts - {None}:
        if redacted(text) != text:
            raise _bad(cloud, f"gave the API key in {what}")
        if len(text) > _LONGEST_MESSAGE or not (text.isprintable() or what in _FREE_TEXTS):
            raise _bad(cloud, f"gave {what} as text that cannot be published: {shown(text)!r}")
        if what.endswith(".cloud") and text != cloud:
            raise _bad(cloud, f"gave offerings of {shown(text)}")
        if what == "Offering.observed_at" and not _MOMENT.fullmatch(text):
            raise _bad(cloud, "gave an observed_at that is not of the form 2026-11-20T00:00:00Z")


def _are_figures(annotation: str, values: Iterable[Any]) -> bool:
    """Whether numbers are finite and not beyond all sizes, and tuples hold marks."""
    if annotation.startswith("Decimal"):
        return all(value.is_finite() for value in values if value is not None)
    found = set(values)
    if annotation.startswith("tuple"):
        marks = set(chain.from_iterable(found))
        return set(map(type, marks)) <= {str} and marks <= set(MARKS)
    return all(value is None or -_HUGEST <= value <= _HUGEST for value in found)


def _with_floats(offerings: Sequence[Offering]) -> Sequence[Offering]:
    """Sizes and counts given as whole numbers, which Python's `float` allows, as the floats that are published."""
    columns = map(attrgetter, ("vcpus", "memory_gib", "accelerator_count"))
    if not any(int in set(map(type, map(column, offerings))) for column in columns):
        return offerings
    return [
        replace(
            one,
            vcpus=float(one.vcpus),
            memory_gib=float(one.memory_gib),
            accelerator_count=None if one.accelerator_count is None else float(one.accelerator_count),
        )
        for one in offerings
    ]


def _keeping_to_its_word(fetcher: Fetcher, offerings: Sequence[Offering]) -> tuple[list[Offering], list[Skipped]]:
    """The offerings whose names fit the declared pattern, new accelerators marked, and the others as skipped.

    Raises:
        BadFetcher: zones or spot prices in a cloud that is declared to have none, or the other way round.
    """
    with_zone = len(offerings) - list(map(attrgetter("zone"), offerings)).count(None)
    if with_zone != (len(offerings) if fetcher.has_zones else 0):
        raise _bad(fetcher.name, f"declares has_zones = {fetcher.has_zones}, and {with_zone} rows have one")
    if not fetcher.has_spot and any(offering.spot_price_usd_per_hour is not None for offering in offerings):
        raise _bad(fetcher.name, "declares has_spot = False, and gave a spot price")
    pattern = re.compile(fetcher.instance_type_pattern)
    names = set(map(attrgetter("instance_type"), offerings))
    unfit = {name for name in names if not pattern.fullmatch(name)}
    skipped = [
        Skipped(
            cloud=fetcher.name,
            listing=offering.listing or offering.instance_type,
            rule="instance-type-pattern",
            reason=f"{offering.instance_type[:80]!r} is no instance type of {fetcher.display_name}",
            broken=True,
            accelerator=offering.accelerator_name,
        )
        for offering in offerings
        if offering.instance_type in unfit
    ]
    kept = [offering for offering in offerings if offering.instance_type not in unfit] if unfit else offerings
    return _marked(kept), skipped


def _marked(offerings: Sequence[Offering]) -> list[Offering]:
    """With the mark of accelerators that the table does not know."""
    table = accelerator_table()
    names = set(map(attrgetter("accelerator_name"), offerings))
    new = {name for name in names if name is not None and table.named(name) is None}
    if not new:
        return list(offerings)
    marks = {one.marks: tuple(sorted({*one.marks, "new-accelerator"})) for one in offerings}
    return [replace(one, marks=marks[one.marks]) if one.accelerator_name in new else one for one in offerings]


def _bad(cloud: str, what: str) -> BadFetcher:
    return BadFetcher(f"the fetcher of {cloud} {what}", "report this to its authors")
