"""How prices went: what each was, since when, and in which publication.

A root keeps the complete history of a cloud in `history/<cloud>.jsonl`, one line per change, the oldest first:

    {"cloud": "lambda", "instance_type": "gpu_1x_a10", "kind": "on-demand", "price_usd_per_hour": 1.29,
     "valid_from": "2026-05-28T00:00:00Z", "publication": "20260528T000000Z-0123456789ab",
     "accelerator": "A10", "accelerator_count": 1.0, "regions": ["us-east-1", "us-west-1"]}

A price holds in these regions from `valid_from` (UTC) until the next line about the same instance type, kind and
region; null: no longer offered. Regions with the same change share a line. Zones do not matter: the price of a
region is the lowest in it. `replayed` turns lines into the prices after the last of them, and
`gpu_catalog.price_series` into what people look at.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import Any, Literal, TypeAlias, get_args

from gpu_catalog import json_values
from gpu_catalog.errors import BadCatalogFile
from gpu_catalog.numbers import parse_price, parse_quantity
from gpu_catalog.offers import MAX_LINE_CHARS, Offer, named

TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"

Kind = Literal["on-demand", "spot"]
Key: TypeAlias = tuple[str, str, Kind]
"""Instance type, region and kind: what has one price within a cloud."""

MAX_CHANGES = 10_000_000
"""Of one cloud, each region for itself: thousands of nights on which a thousand prices move."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChange:
    """One price that began in one region, or ended."""

    cloud: str
    """Cloud name, as in `Offering.cloud`."""

    instance_type: str
    """Instance type, as in `Offering.instance_type`."""

    region: str
    """Region as the cloud spells it."""

    kind: Kind
    """`on-demand` or `spot`."""

    price: Decimal | None
    """USD per hour of the whole instance; None: no longer offered (or, of spot, no longer known)."""

    valid_from: str
    """Newest `observed_at` of the cloud in the publication, UTC, `2026-11-22T02:30:00Z`."""

    publication: str
    """Id of the publication that was the first to say so."""

    accelerator: str | None = None
    """Canonical accelerator name; None for a CPU instance."""

    accelerator_count: float | None = None
    """Accelerators in the whole instance; None exactly where `accelerator` is None."""

    @property
    def key(self) -> Key:
        """What the price is of, within its cloud."""
        return self.instance_type, self.region, self.kind


def prices_of(offers: Iterable[Offer]) -> dict[Key, Decimal]:
    """Every known price of one cloud, USD per hour of the whole instance; zones: the lowest of a region."""
    found: dict[Key, Decimal] = {}
    for offer in offers:
        facts = offer.offering
        known: tuple[tuple[Kind, Decimal | None], ...] = (
            ("on-demand", facts.price_usd_per_hour), ("spot", facts.spot_price_usd_per_hour),
        )  # fmt: skip
        for kind, price in known:
            if price is not None:
                for region in offer.regions:
                    key = facts.instance_type, region, kind
                    found[key] = min(price, found.get(key, price))
    return found


def accelerators_of(offers: Iterable[Offer]) -> dict[str, tuple[str | None, float | None]]:
    """Accelerator and count of every instance type, whatever the order of the offers."""
    found: dict[str, tuple[str | None, float | None]] = {}
    for offer in offers:
        facts = offer.offering
        said = facts.accelerator_name, facts.accelerator_count
        known = found.setdefault(facts.instance_type, said)
        found[facts.instance_type] = max(known, said, key=lambda pair: (pair[0] or "", pair[1] or 0))
    return found


def changes(
    before: Sequence[Offer] | None, after: Sequence[Offer], *, cloud: str, valid_from: str, publication: str
) -> list[PriceChange]:
    """What a publication changes in the prices of a cloud, in a fixed order.

    Args:
        before: what the cloud offered in the publication before; None: there is none, so every price is new.
        after: what it offers in this one.
        cloud: name of the cloud.
        valid_from: newest `observed_at` of the cloud in this publication, UTC, `2026-11-22T02:30:00Z`.
        publication: id of this publication.

    Raises:
        BadCatalogFile: `valid_from` is not of that form.
    """
    was, now = prices_of(before or ()), prices_of(after)
    accelerators = accelerators_of(before or ()) | accelerators_of(after)
    time = _time(valid_from)
    found = []
    for key in was.keys() | now.keys():
        if was.get(key) != (price := now.get(key)):
            instance_type, region, kind = key
            accelerator, count = accelerators[instance_type]
            found.append(PriceChange(
                cloud=cloud, instance_type=instance_type, region=region, kind=kind, price=price, valid_from=time,
                publication=publication, accelerator=accelerator, accelerator_count=count,
            ))  # fmt: skip
    return sorted(found, key=_order)


def _order(change: PriceChange) -> tuple[object, ...]:
    """Regions with the same change stand together, so that they become one line."""
    return (change.cloud, change.instance_type, change.kind, change.price is None, change.price or 0, change.region)


def replayed(history: Iterable[PriceChange]) -> dict[str, dict[Key, Decimal]]:
    """The prices after the last of these changes, by cloud; the changes in the order of their file."""
    found: dict[str, dict[Key, Decimal]] = defaultdict(dict)
    for change in history:
        if change.price is None:
            found[change.cloud].pop(change.key, None)
        else:
            found[change.cloud][change.key] = change.price
    return dict(found)


_but_for_region = attrgetter(*(field.name for field in fields(PriceChange) if field.name != "region"))


def history_jsonl(history: Iterable[PriceChange]) -> bytes:
    """The changes as lines of a `history/<cloud>.jsonl`, in their order; the inverse of `parse_history`.

    Neighbours that are equal in everything but the region become one line.
    """
    lines = []
    for _, group in groupby(history, key=_but_for_region):
        shared, *others = group
        line = {
            "cloud": shared.cloud,
            "instance_type": shared.instance_type,
            "kind": shared.kind,
            # Exact through float: see `schemas.writers`.
            "price_usd_per_hour": None if shared.price is None else float(shared.price),
            "valid_from": shared.valid_from,
            "publication": shared.publication,
            "accelerator": shared.accelerator,
            "accelerator_count": shared.accelerator_count,
            "regions": list(dict.fromkeys(change.region for change in (shared, *others))),
        }
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    return "".join(lines).encode(errors="backslashreplace")


def parse_history(text: str, where: str = "history.jsonl") -> list[PriceChange]:
    """Read the text of a `history/<cloud>.jsonl`, one PriceChange per region; `where` names it in messages.

    Unknown keys are passed over, so that a later version may add some.

    Raises:
        BadCatalogFile: a line that is not of the documented form, or cut off; the message names the line.
    """
    if text and not text.endswith("\n"):
        raise BadCatalogFile(f"{where}: the last line has no end; the file was cut off")
    found: list[PriceChange] = []
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        try:
            if len(line) > MAX_LINE_CHARS:
                raise BadCatalogFile(f"longer than {MAX_LINE_CHARS} characters")
            found += _parsed(json_values.loads(line))
            if len(found) > MAX_CHANGES:
                raise BadCatalogFile(f"more than {MAX_CHANGES} changes")
        except (ValueError, ArithmeticError, KeyError, TypeError, AttributeError, RecursionError) as exc:
            reason = f"{exc} is missing" if isinstance(exc, KeyError) else str(exc)
            raise BadCatalogFile(f"{where}, line {number}: {reason}") from exc
    return found


def _parsed(line: dict[str, Any]) -> list[PriceChange]:
    accelerator, count = json_values.text_or_none(line, "accelerator"), line["accelerator_count"]
    if (accelerator is None) != (count is None):
        raise BadCatalogFile("accelerator and accelerator_count are not null together")
    kind, price = json_values.text(line, "kind"), line["price_usd_per_hour"]
    if kind not in get_args(Kind):
        raise BadCatalogFile(f"kind {kind[:40]!r} is none of {', '.join(get_args(Kind))}")
    regions = json_values.texts(line, "regions")
    if not regions or len(set(regions)) != len(regions):
        raise BadCatalogFile("regions is empty, or names one twice")
    first = PriceChange(
        cloud=named(json_values.text(line, "cloud"), "cloud"),
        instance_type=named(json_values.text(line, "instance_type"), "instance_type"),
        region=named(regions[0], "region"),
        kind="spot" if kind == "spot" else "on-demand",
        price=None if price is None else parse_price(price),
        valid_from=_time(json_values.text(line, "valid_from")),
        publication=named(json_values.text(line, "publication"), "publication"),
        accelerator=None if accelerator is None else named(accelerator, "accelerator"),
        accelerator_count=None if count is None else parse_quantity(count, "accelerator_count"),
    )
    return [first, *(replace(first, region=named(region, "region")) for region in regions[1:])]


@lru_cache(maxsize=1024)
def _time(text: str) -> str:
    try:
        if not _TIME.fullmatch(text):
            raise ValueError
        datetime.strptime(text, TIME_FORMAT)  # noqa: DTZ007  only whether there is such a time
    except ValueError:
        raise BadCatalogFile(f"valid_from {text[:40]!r} is no UTC time such as 2026-11-22T02:30:00Z") from None
    return text


def change_percent(before: Decimal, after: Decimal) -> Decimal:
    """By how many percent of `before` the price moved, not rounded; below zero when it fell."""
    return (after - before) / before * 100
