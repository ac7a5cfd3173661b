"""What differs between two states of the catalogs, as buyers see it: instance types, prices, regions.

Everything is compared by cloud, instance type, region and kind of price. Stock, times, sources, marks and sizes are
no differences, nor are zones: the price of a region is the lowest in it. Every difference is in exactly one of the
four lists of a `CatalogDiff`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from statistics import median
from typing import Any, TypeAlias

from gpu_catalog.history import Kind, accelerators_of, change_percent, prices_of
from gpu_catalog.offers import Offer
from publisher import diff_text
from schemas.writers import natural_key

_Prices: TypeAlias = dict[str, Decimal]
"""Price by region."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a difference is about: one kind of price of one instance type."""

    cloud: str
    """Cloud name."""

    instance_type: str
    """Instance type."""

    accelerator: str | None
    """Canonical accelerator name; None for a CPU instance. As after, where it is there after."""

    accelerator_count: float | None
    """Accelerators in the whole instance; None exactly where `accelerator` is None."""

    kind: Kind
    """`on-demand` or `spot`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceMove(Subject):
    """A price that went from one figure to another, in all regions where it did just that."""

    before: Decimal
    """USD per hour of the whole instance, before."""

    after: Decimal
    """USD per hour of the whole instance, after."""

    regions: tuple[str, ...]
    """Where, in natural order."""

    @property
    def percent(self) -> Decimal:
        """By how many percent of `before` it moved, not rounded; below zero when it fell."""
        return change_percent(self.before, self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Subject):
    """A price of an instance type that the cloud had nowhere before, or has nowhere any more."""

    price: Decimal
    """USD per hour of the whole instance. A type with several prices is there once for each."""

    regions: tuple[str, ...]
    """Where, in natural order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteChange(Subject):
    """Regions that an instance type gained or lost while it stayed in the catalog."""

    price: Decimal
    """USD per hour of the whole instance, in these regions."""

    gained: tuple[str, ...]
    """Regions that have it at this price and had none before."""

    lost: tuple[str, ...]
    """Regions that had it at this price and have none any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogDiff:
    """All differences, each list by cloud, instance type, kind, price and regions."""

    added: tuple[Listed, ...]
    """What is offered now and was not; `spot`: a spot price where the type had none in any region."""

    removed: tuple[Listed, ...]
    """What was offered and is not any more; `spot` as in `added`."""

    changed: tuple[PriceMove, ...]
    """Prices that moved."""

    sites: tuple[SiteChange, ...]
    """Regions gained and lost."""

    @property
    def is_empty(self) -> bool:
        """Whether there is no difference."""
        return not (self.added or self.removed or self.changed or self.sites)

    @property
    def summary(self) -> str:
        """One line: `3 added, 1 removed, 12 prices changed (median +4.2 %)`; `no change` when there is none."""
        added, removed = _types(self.added, "on-demand"), _types(self.removed, "on-demand")
        moves, middle = len(self.changed), median(move.percent for move in self.changed) if self.changed else 0
        parts = (
            (len(added), "added", "added"),
            (len(removed), "removed", "removed"),
            (moves, f"price changed ({middle:+.1f} %)", f"prices changed (median {middle:+.1f} %)"),
            (len({(s.cloud, s.instance_type) for s in self.sites}), "with other regions", "with other regions"),
            (len(_types(self.added, "spot") - added), "new spot price", "new spot prices"),
            (len(_types(self.removed, "spot") - removed), "spot price gone", "spot prices gone"),
        )
        return ", ".join(f"{n} {one if n == 1 else many}" for n, one, many in parts if n) or "no change"

    def to_text(self) -> str:
        """A table for terminals, and the summary below it."""
        return diff_text.as_text(self)

    def to_markdown(self, most_rows: int = diff_text.MOST_ROWS) -> str:
        """A heading and a table for each cloud; price moves first, the largest at the top.

        Args:
            most_rows: rows in each table; what is beyond them is counted (`... and 40 more`).
        """
        return diff_text.as_markdown(self, most_rows)

    def to_dict(self) -> dict[str, Any]:
        """The same for JSON: the four lists and the summary; prices are numbers, USD per hour."""
        lists = {"changed": self.changed, "added": self.added, "removed": self.removed, "sites": self.sites}
        return {
            "summary": self.summary,
            **{name: [_json(entry) for entry in found] for name, found in lists.items()},
        }


def diff(before: Mapping[str, Sequence[Offer]], after: Mapping[str, Sequence[Offer]]) -> CatalogDiff:
    """What differs between two states of the catalogs, each the offers by cloud name."""
    added: list[Listed] = []
    removed: list[Listed] = []
    changed: list[PriceMove] = []
    sites: list[SiteChange] = []
    for cloud in sorted(before.keys() | after.keys()):
        offered_before, offered = before.get(cloud, ()), after.get(cloud, ())
        was, now = _by_subject(offered_before), _by_subject(offered)
        accelerators = accelerators_of(offered_before) | accelerators_of(offered)
        for name, kind in sorted(was.keys() | now.keys(), key=lambda of: (natural_key(of[0]), of[1])):
            about = (cloud, name, *accelerators[name], kind)
            old, new = was.get((name, kind), {}), now.get((name, kind), {})
            if not old:
                added += _listed(about, new)
            elif not new:
                removed += _listed(about, old)
            else:
                changed += _moves(about, old, new)
                sites += _site_changes(about, old, new)
    return CatalogDiff(added=tuple(added), removed=tuple(removed), changed=tuple(changed), sites=tuple(sites))


_About: TypeAlias = tuple[str, str, str | None, float | None, Kind]


def _by_subject(offers: Sequence[Offer]) -> dict[tuple[str, Kind], _Prices]:
    found: dict[tuple[str, Kind], _Prices] = defaultdict(dict)
    for (instance_type, region, kind), price in prices_of(offers).items():
        found[instance_type, kind][region] = price
    return dict(found)


def _subject(about: _About) -> dict[str, Any]:
    return dict(zip(("cloud", "instance_type", "accelerator", "accelerator_count", "kind"), about, strict=True))


def _regions_by_price(prices: _Prices) -> dict[Decimal, tuple[str, ...]]:
    groups: dict[Decimal, list[str]] = defaultdict(list)
    for region in sorted(prices, key=natural_key):
        groups[prices[region]].append(region)
    return {price: tuple(groups[price]) for price in sorted(groups)}


def _listed(about: _About, prices: _Prices) -> Iterator[Listed]:
    for price, regions in _regions_by_price(prices).items():
        yield Listed(**_subject(about), price=price, regions=regions)


def _moves(about: _About, old: _Prices, new: _Prices) -> Iterator[PriceMove]:
    groups: dict[tuple[Decimal, Decimal], list[str]] = defaultdict(list)
    for region in sorted(old.keys() & new.keys(), key=natural_key):
        if old[region] != new[region]:
            groups[old[region], new[region]].append(region)
    for (before, after), regions in sorted(groups.items()):
        yield PriceMove(**_subject(about), before=before, after=after, regions=tuple(regions))


def _site_changes(about: _About, old: _Prices, new: _Prices) -> Iterator[SiteChange]:
    gained = _regions_by_price({region: new[region] for region in new.keys() - old.keys()})
    lost = _regions_by_price({region: old[region] for region in old.keys() - new.keys()})
    for price in sorted(gained.keys() | lost.keys()):
        yield SiteChange(**_subject(about), price=price, gained=gained.get(price, ()), lost=lost.get(price, ()))


def _types(listed: Sequence[Listed], kind: Kind) -> set[tuple[str, str]]:
    return {(entry.cloud, entry.instance_type) for entry in listed if entry.kind == kind}


def _json(entry: Subject) -> dict[str, Any]:
    found = {name: float(value) if isinstance(value, Decimal) else value for name, value in asdict(entry).items()}
    for name in ("before", "after", "price"):
        if name in found:
            found[f"{name}_usd_per_hour"] = found.pop(name)
    if isinstance(entry, PriceMove):
        found["percent"] = float(round(entry.percent, 4))
    return found
