"""What `gpu-catalog list` and `gpu-catalog why` find in a catalog; without a terminal in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from gpu_catalog.accelerators import accelerator_table
from gpu_catalog.catalog import Catalog
from gpu_catalog.errors import NotOffered
from gpu_catalog.numbers import COUNT_TOLERANCE
from gpu_catalog.offering import Offering, Skipped

Sort = Literal["price", "spot", "gpu-memory"]
MOST_SUGGESTIONS = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the list: an instance type at its price, and where."""

    offering: Offering
    """The offering of the first site."""

    regions: tuple[str, ...]
    """All regions that have it at this price."""


def folded(name: str) -> str:
    """A name as it is compared: case and the choice between `_`, `-` and blank do not matter."""
    return name.strip().lower().replace("_", "-").replace(" ", "-")


def accelerator_named(catalog: Catalog, text: str) -> str:
    """The name in the catalog that `text` means: itself, or another spelling of the same card.

    Raises:
        NotOffered: nothing of this name; the message tells the nearest names.
    """
    names = {
        folded(offers[0].offering.accelerator_name or name): offers[0].offering.accelerator_name or name
        for cloud in catalog.clouds.values()
        for name, offers in cloud.by_accelerator.items()
    }
    wanted = folded(text)
    if wanted in names:
        return names[wanted]
    without_dashes = {name.replace("-", ""): full for name, full in names.items()}
    if wanted.replace("-", "") in without_dashes:
        return without_dashes[wanted.replace("-", "")]
    for accelerator in accelerator_table():
        spellings = {folded(accelerator.name), folded(accelerator.synonym_of or accelerator.name)}
        if wanted in spellings and (there := spellings & names.keys()):
            return names[there.pop()]
    raise NotOffered(f"no accelerator {text[:80]!r} in the catalog{suggestion(wanted, names.values())}")


def suggestion(wanted: str, names: Iterable[str], otherwise: str = "`gpu-catalog list` shows what there is") -> str:
    """`; did you mean ...?` with the nearest names, else what to do instead."""
    import difflib  # Only who is lost needs it.

    # What begins so comes first, and what is short: an accelerator before the instance types that have it.
    low = wanted.lower()
    ordered = sorted(names, key=lambda name: (not name.lower().startswith(low), len(name), name))
    by_lower_name = {name.lower(): name for name in ordered if name.lower() != low}
    near = [name for name in by_lower_name if low and low in name]
    near += difflib.get_close_matches(low, by_lower_name, n=MOST_SUGGESTIONS)
    if not near:
        return f"; {otherwise}"
    shown = [by_lower_name[name] for name in dict.fromkeys(near)]
    return f"; did you mean {', '.join(shown[:MOST_SUGGESTIONS])}?"


def list_lines(
    catalog: Catalog,
    gpu: str | None = None,
    *,
    clouds: Iterable[str] = (),
    region: str | None = None,
    count: float | None = None,
    spot_only: bool = False,
    all_regions: bool = False,
    sort: Sort = "price",
) -> list[Line]:
    """The lines of `gpu-catalog list`.

    With a GPU every instance type that has it, one line each, or one per region; without one, for each accelerator
    and cloud what costs the least per GPU-hour.

    Raises:
        NotOffered: no such accelerator, cloud or region in the catalog.
    """
    name = None if gpu is None else accelerator_named(catalog, gpu)
    chosen = [cloud.lower() for cloud in clouds] or list(catalog.clouds)
    for cloud in chosen:
        if cloud not in catalog.clouds:
            raise NotOffered(f"no cloud {cloud[:80]!r} in the catalog; there are {', '.join(catalog.clouds)}")
    if region is not None:
        _check_region(catalog, chosen, region)
    lines = [
        line
        for cloud in chosen
        for line in _lines(catalog, cloud, region, all_regions=all_regions)
        if name is None or line.offering.accelerator_name == name
    ]
    if count is not None:
        lines = [o for o in lines if abs((o.offering.accelerator_count or 0) - count) <= COUNT_TOLERANCE]
    if spot_only:
        lines = [line for line in lines if line.offering.spot_price_usd_per_hour is not None]
    if name is None and not all_regions:
        lines = _cheapest_each(lines)
    return sorted(lines, key=lambda line: _order(line, sort))


def _check_region(catalog: Catalog, clouds: Iterable[str], region: str) -> None:
    known = {name: full for cloud in clouds for name, full in catalog.clouds[cloud].region_by_lower_name.items()}
    if region.lower() not in known:
        raise NotOffered(f"no region {region[:80]!r} in these clouds{suggestion(region.lower(), known)}")


def _lines(catalog: Catalog, cloud: str, region: str | None, *, all_regions: bool) -> Iterator[Line]:
    for offer in catalog.clouds[cloud].offers:
        if offer.offering.accelerator_name is None:
            continue
        named = offer.regions if region is None else filter(None, [offer.region_named(region)])
        regions = tuple(named)
        for group in [(name,) for name in regions] if all_regions else [regions] if regions else []:
            zones = offer.regions[group[0]]
            yield Line(offer.at(group[0], zones[0] if zones else None), group)


def _cheapest_each(lines: Iterable[Line]) -> list[Line]:
    best: dict[tuple[str, str | None], Line] = {}
    for line in sorted(lines, key=lambda line: _order(line, "price")):
        best.setdefault((line.offering.cloud, line.offering.accelerator_name), line)
    return list(best.values())


def _order(line: Line, sort: Sort) -> tuple[object, ...]:
    facts = line.offering
    per_gpu = facts.price_usd_per_gpu_hour or facts.price_usd_per_hour
    if sort == "spot":
        spot = facts.spot_price_usd_per_hour
        first: object = (spot is None, spot or Decimal(0))
    elif sort == "gpu-memory":
        first = -(facts.gpu_memory_mib or 0)
    else:
        first = 0
    return first, per_gpu, facts.accelerator_count, facts.cloud, facts.instance_type, line.regions


@dataclass(frozen=True, slots=True)
class Why:
    """What is known about a name."""

    offerings: tuple[Line, ...]
    """What is in the catalog under this name: an accelerator, an instance type of either schema, a cloud's id."""

    skipped: tuple[Skipped, ...]
    """What the clouds listed under it that did not become a row."""

    nearest: str | None
    """The nearest names when there is neither; None otherwise."""


def why(catalog: Catalog, name: str) -> Why:
    """Why something is, or is not, in the catalog."""
    wanted = folded(name)
    lines = tuple(
        Line(offer.offering, tuple(offer.regions))
        for cloud in catalog.clouds.values()
        for offer in cloud.offers
        if wanted in {folded(text) for text in _names(offer.offering)}
    )
    entries = [entry for cloud in catalog.clouds.values() if cloud.entry for entry in cloud.entry.skipped]
    skipped = tuple(
        entry for entry in entries if wanted in {folded(entry.listing), folded(entry.accelerator or "")} - {""}
    )
    if lines or skipped:
        return Why(lines, skipped, None)
    try:
        accelerator = accelerator_named(catalog, name)
    except NotOffered:
        known = {text for c in catalog.clouds.values() for o in c.offers for text in _names(o.offering)}
        known |= {text for entry in entries for text in (entry.listing, entry.accelerator) if text}
        return Why((), (), suggestion(wanted, known).removeprefix("; "))
    return why(catalog, accelerator)


def _names(facts: Offering) -> Iterator[str]:
    known = (facts.accelerator_name, facts.instance_type, facts.instance_type_v7, facts.listing)
    return (text for text in known if text)
