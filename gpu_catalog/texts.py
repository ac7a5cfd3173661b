"""Text for terminals: tables, and foreign names that can do nothing to a terminal."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from decimal import Decimal

_LEAST = Decimal("0.0001")
_SHOWN = reprlib.Repr()
_SHOWN.maxlevel, _SHOWN.maxstring, _SHOWN.maxother, _SHOWN.maxlong = 2, 60, 60, 60


def shown(value: object) -> str:
    """A foreign value as a one-line message can carry it: cut off, and never spelled out whole to cut it.

    Aliases in YAML can make a few lines stand for more than memory holds.
    """
    if isinstance(value, Decimal):
        return str(value)[:60]
    try:
        return _SHOWN.repr(value)
    except (ValueError, RecursionError):  # an int of thousands of digits
        return f"<{type(value).__name__}>"


def printable(text: str) -> str:
    """The text with every control or otherwise invisible character as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def capital(sentence: str) -> str:
    """The sentence with a capital at its beginning."""
    return sentence[:1].upper() + sentence[1:]


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
    """A price with two decimals from one dollar up and four below, six where four would say 0; `-` when unknown."""
    if price is None:
        return "-"
    return f"{price:.2f}" if price >= 1 or price == 0 else f"{price:.4f}" if price >= _LEAST else f"{price:.6f}"


def number(value: float | None) -> str:
    """A size or count without a needless `.0`; `-` when unknown."""
    return "-" if value is None else f"{value:.12g}"


def plain_dollars(price: float | None) -> str:
    """A price with two decimals from one dollar up and four below; `-` when unknown."""
    return dollars(None if price is None else Decimal(repr(price)))


def plain_number(value: float | None) -> float | None:
    """A number as JSON should have it: at most six decimals, whole ones without `.0`."""
    if value is None:
        return None
    rounded = round(value, 6)
    return int(rounded) if rounded == int(rounded) else rounded
