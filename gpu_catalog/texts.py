"""Text for terminals: tables, and foreign names that can do nothing to a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal


def printable(text: str) -> str:
    """The text with every control or otherwise invisible character as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> str:
    """Columns two blanks apart, as wide as their widest cell; those in `right` are aligned to the right."""
    lines = [[printable(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def dollars(price: Decimal | None) -> str:
    """A price with two decimals from one dollar up and four below; `-` when unknown."""
    if price is None:
        return "-"
    return f"{price:.2f}" if price >= 1 else f"{price:.4f}"


def number(value: float | None) -> str:
    """A size or count without a needless `.0`; `-` when unknown."""
    return "-" if value is None else f"{value:g}"
