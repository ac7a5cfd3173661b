"""What of two catalogs of a cloud can be compared, and how its prices moved between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from statistics import median

from gpu_catalog.offering import Offering

ByType = Mapping[str, Sequence[Offering]]
"""The rows of each instance type."""
Pair = tuple[list[Offering], list[Offering]]
"""The rows, before and now, of an instance type that both have, at the sites that both have: a site that comes or
goes moves no price."""


def by_type(offerings: Iterable[Offering]) -> ByType:
    """The rows of each instance type, in their order."""
    groups: dict[str, list[Offering]] = {}
    for offering in offerings:
        groups.setdefault(offering.instance_type, []).append(offering)
    return groups


def pairs_of(old: ByType, new: ByType) -> list[Pair]:
    """What can be compared; a type without a common site as a whole, lest a wrong unit hide behind new regions."""
    pairs = []
    for name in sorted(old.keys() & new.keys()):
        sites = {(row.region, row.zone) for row in old[name]} & {(row.region, row.zone) for row in new[name]}
        then, today = (
            [row for row in rows if not sites or (row.region, row.zone) in sites] for rows in (old[name], new[name])
        )
        pairs.append((then, today))
    return pairs


def by_accelerator(pairs: Iterable[Pair]) -> dict[str, list[Pair]]:
    """The types that carried one accelerator and carry the same now: a renamed accelerator is no price move."""
    groups: dict[str, list[Pair]] = {}
    for old, new in pairs:
        names = {row.accelerator_name for row in (*old, *new)}
        name = names.pop()
        if name is not None and not names:
            groups.setdefault(name, []).append((old, new))
    return groups


def usd_per_gpu_hour(pairs: Iterable[Pair]) -> tuple[Decimal, Decimal]:
    """Price of an accelerator before and now, median over its rows; zero where it is below half a millionth."""
    before, now = (
        median(row.price_usd_per_gpu_hour or Decimal(0) for rows in side for row in rows)
        for side in zip(*pairs, strict=True)
    )
    return before, now


def median_ratio(pairs: Iterable[Pair]) -> Fraction:
    """Median of new price by old price; 1 where nothing can be compared.

    Over types, not rows: the types with most regions would outvote the others, and a region more is no more news.
    """
    return median([_usd_per_hour(new) / _usd_per_hour(old) for old, new in pairs] or [Fraction(1)])


def _usd_per_hour(rows: Iterable[Offering]) -> Fraction:
    return Fraction(median(row.price_usd_per_hour for row in rows))
