"""The rules of SkyPilot's contract that compare rows with each other.

The functions that SkyPilot asks assert most of them: a type with two sizes or two prices in a region ends a launch
with an AssertionError.
"""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple, TypeAlias

from gpu_catalog.numbers import price_text
from gpu_catalog.offering import Offering
from schemas.report import Finding, key_text

_CLOUD_TYPES = ("SECURE", "COMMUNITY")
_MAX_MESSAGE_CHARS = 300

_Comparable: TypeAlias = tuple[str | None, str, str | None, str | None]


class ComparedRow(NamedTuple):
    """What the rules want to know of a row, for who reads no more of it; the fields are those of `Offering`."""

    instance_type: str
    region: str
    zone: str | None
    vcpus: float
    memory_gib: float
    price_usd_per_hour: Decimal
    accelerator_name: str | None
    accelerator_count: float | None


Row: TypeAlias = Offering | ComparedRow


@dataclass(frozen=True, slots=True)
class _Agreement:
    """Rows of one group say the same."""

    rule: str
    """Name of the rule."""

    says: str
    """Sentence for people."""

    column: str
    """Column that must agree."""

    group: Callable[[Row], Hashable]
    """What rows of one group have in common; None for a row that the rule does not concern."""

    value: Callable[[Row], Hashable]
    """What they must agree in."""


_AGREEMENTS = (
    _Agreement(
        "one-vcpus-per-type",
        "All rows of an instance type have the same vCPUs.",
        "vCPUs",
        attrgetter("instance_type"),
        attrgetter("vcpus"),
    ),
    _Agreement(
        "one-memory-per-type",
        "All rows of an instance type have the same MemoryGiB.",
        "MemoryGiB",
        attrgetter("instance_type"),
        attrgetter("memory_gib"),
    ),
    _Agreement(
        "one-accelerator-per-type",
        "All rows of an instance type have the same accelerator and count.",
        "AcceleratorName",
        attrgetter("instance_type"),
        attrgetter("accelerator_name", "accelerator_count"),
    ),
    _Agreement(
        "one-price-per-region",
        "All rows of an instance type in a region have the same Price, whatever the zone.",
        "Price",
        attrgetter("instance_type", "region"),
        attrgetter("price_usd_per_hour"),
    ),
    _Agreement(
        "zone-in-one-region",
        "A zone lies in one region.",
        "Region",
        attrgetter("zone"),
        attrgetter("region"),
    ),
)


def _one_spelling(column: str, name: Callable[[Row], str | None]) -> _Agreement:
    return _Agreement(
        "one-spelling",
        "A name is spelled in one way: lookups ignore case, so that two spellings are one thing.",
        column,
        lambda row: (name(row) or "").lower() or None,
        name,
    )


_SPELLINGS = (
    _one_spelling("InstanceType", attrgetter("instance_type")),
    _one_spelling("AcceleratorName", attrgetter("accelerator_name")),
    _one_spelling("Region", attrgetter("region")),
    _one_spelling("AvailabilityZone", attrgetter("zone")),
)

_PRICE_RISES = "price-rises-with-count"

CROSS_ROW_RULES = {agreement.rule: agreement.says for agreement in (*_AGREEMENTS, *_SPELLINGS)} | {
    _PRICE_RISES: "More of an accelerator costs more: at one site the cheapest price of a count rises with the "
    "count."
}
"""Sentence by rule."""


def cross_row_findings(rows: Mapping[int, Row]) -> list[Finding]:
    """Check rows (by their number) against each other.

    Where rows disagree, those outside the majority are at fault; without a majority all are, since nothing tells
    which of them is right.
    """
    agreements = [*_AGREEMENTS, *(spelling for spelling in _SPELLINGS if _has_two_spellings(rows, spelling))]
    findings = [finding for agreement in agreements for finding in _disagreements(rows, agreement)]
    return findings + list(_prices_that_do_not_rise(rows))


def _has_two_spellings(rows: Mapping[int, Row], spelling: _Agreement) -> bool:
    """Whether any name differs from another in case alone: a catalog has few names, and many rows."""
    names = {str(name) for name in set(map(spelling.value, rows.values())) if name is not None}
    return len({name.lower() for name in names}) < len(names)


def _disagreements(rows: Mapping[int, Row], agreement: _Agreement) -> Iterator[Finding]:
    """Findings for the rows whose value is not that of more than half of their group."""
    groups = list(map(agreement.group, rows.values()))
    votes = Counter(zip(groups, map(agreement.value, rows.values()), strict=True))
    ways = Counter(group for group, _ in votes if group is not None)
    if len(ways) == ways.total():
        return
    sizes = Counter(groups)
    for (number, row), group in zip(rows.items(), groups, strict=True):
        if ways[group] > 1:
            value = agreement.value(row)
            if (votes_for := votes[group, value]) * 2 <= sizes[group]:
                here = f"{_text(value)}, in {votes_for} of {sizes[group]} rows"
                yield _finding(number, row, agreement.rule, agreement.column, _text(value), here)


def _prices_that_do_not_rise(rows: Mapping[int, Row]) -> Iterator[Finding]:
    """Findings for the cheapest rows of the fewest counts that must go until prices rise with the count.

    Several instance types may offer one count (with more memory, on another bus): only the cheapest is compared.
    """
    cheapest: dict[_Comparable, dict[float, Decimal]] = defaultdict(dict)
    for row in rows.values():
        count, price = row.accelerator_count, row.price_usd_per_hour
        if count is not None:
            prices = cheapest[_comparable(row)]
            if count not in prices or price < prices[count]:
                prices[count] = price
    outside = {group: counts for group, prices in cheapest.items() if (counts := _outside_rise(prices))}
    for number, row in rows.items() if outside else ():
        group, count = _comparable(row), row.accelerator_count
        if count is not None and count in outside.get(group, ()):
            prices = cheapest[group]
            if row.price_usd_per_hour == prices[count]:
                here = ", ".join(f"{n:g}x {price_text(prices[n])}" for n in sorted(prices))
                yield _finding(number, row, _PRICE_RISES, "Price", price_text(row.price_usd_per_hour), here)


def _comparable(row: Row) -> _Comparable:
    """What rows share whose prices must rise with the count: accelerator, site, and secure or community cloud."""
    return row.accelerator_name, row.region, row.zone, _cloud_type(row.instance_type)


@lru_cache(maxsize=8192)
def _cloud_type(instance_type: str) -> str | None:
    _, _, tail = instance_type.rpartition("_")
    return tail if tail in _CLOUD_TYPES else None


def _outside_rise(price_by_count: Mapping[float, Decimal]) -> set[float]:
    """Counts outside a longest series of prices that rise with the count.

    Of several such series the one that keeps the low counts is taken: a small instance's price is the one that most
    others are checked against.
    """
    # Patience sorting in O(n log n), from the highest count down and with prices negated, so that ties fall to the
    # low counts: `ends[i]` is the least end of a series of length i + 1, `before` links each count to its
    # predecessor in its series.
    ends: list[Decimal] = []
    end_counts: list[float] = []
    before: dict[float, float | None] = {}
    for count in sorted(price_by_count, reverse=True):
        price = -price_by_count[count]
        place = bisect.bisect_left(ends, price)
        ends[place : place + 1] = [price]
        end_counts[place : place + 1] = [count]
        before[count] = end_counts[place - 1] if place else None
    kept = set()
    last: float | None = end_counts[-1]
    while last is not None:
        kept.add(last)
        last = before[last]
    return set(price_by_count) - kept


def _text(value: Hashable) -> str:
    """What rows disagree in, as the file has it; an accelerator as `8.0 A100`."""
    if isinstance(value, tuple):
        return " ".join(str(part) for part in reversed(value) if part is not None)
    return price_text(value) if isinstance(value, Decimal) else str(value)


def _finding(number: int, row: Row, rule: str, column: str, value: str, here: str) -> Finding:
    return Finding(
        rule=rule,
        message=f"{CROSS_ROW_RULES[rule]} Here {here}."[:_MAX_MESSAGE_CHARS],
        row=number,
        key=key_text((row.instance_type, row.region, row.zone)),
        column=column,
        value=value,
    )
