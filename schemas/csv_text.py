"""The form of a CSV file as pandas and SkyPilot need it, checked before its content.

Every byte is foreign here: nothing raises, everything that is wrong becomes a finding.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass

from gpu_catalog.reading import MAX_FILE_BYTES
from schemas.report import KEY_COLUMNS, Finding, key_text

FIRST_ROW = 2
"""Line of the first data row: the header is line 1."""

_BYTE_ORDER_MARK = "\ufeff"
_MAX_DETAIL_CHARS = 300

FILE_RULES = {
    "file-size": f"The file is not larger than {MAX_FILE_BYTES // 1024**2} MiB.",
    "utf-8": "The file is UTF-8 text.",
    "no-byte-order-mark": "The file starts with its header, not with a byte order mark.",
    "line-endings": "Lines end in LF alone.",
    "newline-at-end": "The last line has an end; a file without one may have been cut off.",
    "not-empty": "The file has a header line.",
    "no-comment": "The file has no comment lines: SkyPilot takes the first line for the header.",
    "columns": "The columns are those of the schema version, in its order.",
    "parses": "The file parses as CSV to its end.",
    "row-length": "Every row has as many cells as the header; a longer row ends the reading of the whole cloud.",
    "one-line-rows": "No cell holds a line break.",
    "duplicate-row": "No row stands in the file twice.",
}
"""Sentence by rule."""


@dataclass(frozen=True, slots=True)
class CsvText:
    """A CSV file taken apart."""

    header: tuple[str, ...]
    """Names of the columns; empty when the file has no usable header, and then there are no rows."""

    rows: dict[int, tuple[str, ...]]
    """Cells by line of the file: the well-formed rows, each once."""

    row_count: int
    """All data rows, also those that are not in `rows`."""

    findings: tuple[Finding, ...]
    """What is wrong with the form."""


def read_csv_text(content: bytes, headers: Collection[tuple[str, ...]]) -> CsvText:
    """Take a CSV file apart; `headers` are the column lists that it may have. No content makes it raise."""
    text, findings = _text(content)
    # Not of a StringIO, which takes twice the time and four bytes for each character.
    lines = io.TextIOWrapper(io.BytesIO(text.encode("utf-8")), encoding="utf-8", newline="")
    reader = csv.reader(lines, strict=True)
    header: tuple[str, ...] = ()
    rows: dict[int, tuple[str, ...]] = {}
    first_seen: dict[tuple[str, ...], int] = {}
    shared: dict[str, str] = {}  # A catalog repeats few texts many times: keep one copy of each.
    row, line, returns_in_cells = FIRST_ROW - 1, 0, 0
    try:
        header = tuple(next(reader, ()))
        if header not in headers:
            if text:
                findings.append(_wrong_header(header, headers))
            return CsvText((), {}, 0, tuple(findings))
        line, width = reader.line_num, len(header)
        for row, read in enumerate(reader, start=FIRST_ROW):
            cells = tuple(map(shared.setdefault, read, read))
            first = first_seen.setdefault(cells, row)
            if len(cells) != width:
                findings.append(_row_length(row, cells, header))
            elif reader.line_num != line + 1:
                returns_in_cells += sum(cell.count("\r") for cell in cells)
                findings.append(Finding(rule="one-line-rows", message=FILE_RULES["one-line-rows"], row=row))
            elif first != row:
                message = f"{FILE_RULES['duplicate-row']} It is row {first} again."
                key = key_text(cell for name, cell in zip(header, cells, strict=True) if name in KEY_COLUMNS)
                findings.append(Finding(rule="duplicate-row", message=message, row=row, key=key))
            else:
                rows[row] = cells
            line = reader.line_num
    except csv.Error as exc:
        findings.append(_file_finding("parses", f"line {reader.line_num}: {exc}"))
    if text.count("\r") > returns_in_cells:
        findings.append(_file_finding("line-endings"))
    return CsvText(header, rows, row - FIRST_ROW + 1, tuple(findings))


def _text(content: bytes) -> tuple[str, list[Finding]]:
    """The text, empty where it cannot be read, and what is wrong with it as a whole."""
    if len(content) > MAX_FILE_BYTES:
        return "", [_file_finding("file-size")]
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as exc:
        return "", [_file_finding("utf-8", str(exc))]
    findings = []
    if text.startswith(_BYTE_ORDER_MARK):
        findings.append(_file_finding("no-byte-order-mark"))
        text = text.removeprefix(_BYTE_ORDER_MARK)
    if not text:
        findings.append(_file_finding("not-empty"))
    elif not text.endswith("\n"):
        findings.append(_file_finding("newline-at-end"))
    return text, findings


def _wrong_header(header: tuple[str, ...], headers: Collection[tuple[str, ...]]) -> Finding:
    if header and header[0].startswith("#"):
        return _file_finding("no-comment")
    expected = min(headers, key=lambda names: len(set(names) ^ set(header)))
    missing = [name for name in expected if name not in header]
    unknown = [name for name in header if name not in expected]
    if missing or unknown:
        return _file_finding("columns", f"missing {missing}, unknown {unknown}"[:_MAX_DETAIL_CHARS])
    return _file_finding("columns", f"the order is {', '.join(expected)}")


def _row_length(row: int, cells: tuple[str, ...], header: tuple[str, ...]) -> Finding:
    rule = "no-comment" if cells and cells[0].startswith("#") else "row-length"
    message = f"{FILE_RULES[rule]} Here {len(cells)} cells under {len(header)} columns."
    # A longer row ends pandas' reading of the file, a shorter one is a row of unknowns: no row to just leave out.
    return Finding(rule=rule, message=message, row=row, fatal=True)


def _file_finding(rule: str, detail: str = "") -> Finding:
    return Finding(rule=rule, message=f"{FILE_RULES[rule]} Here: {detail}" if detail else FILE_RULES[rule])
