"""A large CSV of which few rows are wanted: they are found by a cell, and only they are taken apart.

Taking 70,000 rows apart costs more than all else that an estimate does. Nearly every file is plain: no row has a
line break in a cell, and no quote stands anywhere but around a cell, so that rows are lines and cells can be looked
for in the text. That is made sure of first; any other file is read by the `csv` module to its end, at once.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import islice

from gpu_catalog.errors import BadCatalogFile
from gpu_catalog.reading import MAX_ROWS, checked_header

Row = Sequence[str]

_ANY_CELL = r'(?:[^,"\n]*|"[^"\n]*")'
_EDGE = ("", ",", "\n")
"""What may stand beside a quoted cell."""
_FILLED_CELL = r'("[^"\n]+"|[^,"\n]+)'


class CsvText:
    """The text of a `vms.csv`: its header, and its rows when they are asked for. Blank lines are none."""

    def __init__(self, text: str, where: str) -> None:
        """Read the header, and all of a text that is not plain; `where` names it in messages.

        Raises:
            BadCatalogFile: no CSV, empty, too many rows, or a column is missing or there twice.
        """
        with_plain_ends = text.replace("\r\n", "\n")
        self._is_plain = is_plain(with_plain_ends)
        self._text = text = with_plain_ends if self._is_plain else text
        self._header_end = text.find("\n") + 1 or len(text)
        begun = text[: self._header_end] if self._is_plain else text
        reader = csv.reader(io.StringIO(begun, newline=""), strict=True)
        try:
            self.header: Row = checked_header(next(reader, []))
            """The names of the columns."""
            rows = text.count("\n", self._header_end)
            if not self._is_plain:
                self.rows = list(islice(filter(None, reader), MAX_ROWS + 1))
                rows = len(self.rows)
            if rows > MAX_ROWS:
                raise BadCatalogFile(f"more than {MAX_ROWS} rows")
        except (csv.Error, BadCatalogFile) as exc:
            raise BadCatalogFile(f"{where}, line {reader.line_num}: {exc}") from exc

    @cached_property
    def rows(self) -> Sequence[Row]:
        """All rows, of whatever length, in the order of the file."""
        return list(filter(None, csv.reader(self._text[self._header_end :].split("\n"), strict=True)))

    def places(self, column: int) -> Mapping[str, Sequence[int]]:
        """Where rows are, by their cell in a column, in the order of the file; not those where it is blank."""
        places: dict[str, list[int]] = defaultdict(list)
        if not self._is_plain:
            for index, row in enumerate(self.rows):
                if len(row) > column and row[column]:
                    places[row[column]].append(index)
            return places
        for found in re.finditer(rf"\n(?:{_ANY_CELL},){{{column}}}{_FILLED_CELL}", self._text):
            places[found[1].strip('"')].append(found.start() + 1)
        return places

    def at(self, places: Iterable[int]) -> Sequence[Row]:
        """The rows at these places."""
        if not self._is_plain:
            return [self.rows[place] for place in places]
        return list(csv.reader(map(self._line_at, places), strict=True))

    def _line_at(self, start: int) -> str:
        end = self._text.find("\n", start)
        return self._text[start:] if end < 0 else self._text[start:end]


def is_plain(text: str) -> bool:
    """Whether every row of a CSV is a line, no cell holds a quote, and nothing in it offends the `csv` module."""
    if "\r" in text or "\0" in text:
        return False
    half = max(csv.field_size_limit() // 2, 1)  # A cell above the limit would fill a block of half of it.
    if any(text.find("\n", at, at + half) < 0 for at in range(0, len(text) - half + 1, half)):
        return False
    before, *parts = text.split('"')  # What is outside and inside of quotes, by turns.
    if not parts:
        return True
    *parts, after = parts
    inside, between = parts[::2], parts[1::2]
    return (
        len(inside) > len(between)
        and before[-1:] in _EDGE
        and after[:1] in _EDGE
        and all(part and part[0] in _EDGE and part[-1] in _EDGE for part in between)
        and not any("\n" in part for part in inside)
    )
