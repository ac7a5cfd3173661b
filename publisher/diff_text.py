"""A `CatalogDiff` for people: a table for terminals, tables in Markdown for pull requests and job summaries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gpu_catalog.cloud_names import display_name
from gpu_catalog.texts import dollars, number, printable, table

if TYPE_CHECKING:
    from publisher.diff import CatalogDiff, Subject

MOST_ROWS = 50
"""Rows of one table in Markdown."""

MOST_REGIONS = 4
"""Regions that a row names; the others are counted."""

_HEADER = ("CLOUD", "WHAT", "INSTANCE_TYPE", "GPU", "QTY", "KIND", "BEFORE", "AFTER", "CHANGE %", "REGIONS")
_RIGHT = frozenset({4, 6, 7, 8})
_FOREIGN = frozenset({2, 3, 9})
"""Columns with names that clouds chose."""

_Row = tuple[str, ...]


def as_text(found: CatalogDiff) -> str:
    """A table of all differences, and the summary below it; only the summary when there is none."""
    rows = [(display_name(cloud), *cells) for cloud, *cells in _rows(found)]
    return f"{table(_HEADER, rows, right=_RIGHT)}\n{found.summary}" if rows else found.summary


def as_markdown(found: CatalogDiff, most_rows: int) -> str:
    """A heading and a table for each cloud, of at most so many rows; what is beyond them is counted."""
    by_cloud: dict[str, list[_Row]] = defaultdict(list)
    for row in _rows(found):
        by_cloud[row[0]].append(row)
    rule = ["---:" if column in _RIGHT else "---" for column in range(len(_HEADER))]
    parts = []
    for cloud, rows in sorted(by_cloud.items()):
        shown = [[_cell(cell, column in _FOREIGN) for column, cell in enumerate(row)] for row in rows[:most_rows]]
        lines = [f"| {' | '.join(cells[1:])} |" for cells in (_HEADER, rule, *shown)]
        more = f"\n\n... and {len(rows) - most_rows} more" if len(rows) > most_rows else ""
        parts.append(f"### {_cell(display_name(cloud), foreign=False)}\n\n" + "\n".join(lines) + more)
    return "\n\n".join(parts) or "No change."


def _cell(text: str, foreign: bool) -> str:
    """A cell of a Markdown table; a foreign name as code, so that nothing in it is markup or mentions anybody."""
    plain = printable(text).replace("`", "'").replace("|", "\\|")
    return f"`{plain}`" if foreign and text != "-" else plain


def _rows(found: CatalogDiff) -> Iterator[_Row]:
    """Cloud and cells of every difference in the order in which people look at them: large moves first."""
    for move in sorted(found.changed, key=lambda move: -abs(move.percent)):
        prices = dollars(move.before), dollars(move.after), f"{move.percent:+.1f}"
        yield _row("price", move, prices, move.regions)
    for listed in found.added:
        yield _row("added", listed, ("-", dollars(listed.price), "-"), listed.regions)
    for listed in found.removed:
        yield _row("removed", listed, (dollars(listed.price), "-", "-"), listed.regions)
    for site in found.sites:
        if site.gained:
            yield _row("regions gained", site, ("-", dollars(site.price), "-"), site.gained)
        if site.lost:
            yield _row("regions lost", site, (dollars(site.price), "-", "-"), site.lost)


def _row(what: str, about: Subject, prices: tuple[str, str, str], regions: Sequence[str]) -> _Row:
    more = f" +{len(regions) - MOST_REGIONS}" if len(regions) > MOST_REGIONS else ""
    accelerator, count = about.accelerator or "-", number(about.accelerator_count)
    shown = ", ".join(regions[:MOST_REGIONS]) + more
    return about.cloud, what, about.instance_type, accelerator, count, about.kind, *prices, shown
