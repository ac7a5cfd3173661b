"""Validating a `vms.csv` as it would be on disk, ours or a foreign one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import repeat
from typing import Any

from gpu_catalog.accelerators import AcceleratorTable, accelerator_table
from gpu_catalog.collector import paused_collector
from gpu_catalog.errors import GpuCatalogError
from gpu_catalog.offering import Offering
from gpu_catalog.reading import CELL_READERS, offering_of_row
from schemas.columns import ZONE_COLUMN, column_names, versions_until
from schemas.cross_row_rules import ComparedRow, cross_row_findings
from schemas.csv_text import CsvText, read_csv_text
from schemas.errors import needs_extra
from schemas.frame import catalog_frame, key_frame, unlike_rows
from schemas.new_accelerators import unknown_accelerators
from schemas.report import KEY_COLUMNS, Finding, Report, key_text
from schemas.suites import expectations_of, failing, findings_of, is_about_key

READABLE_RULE = {"readable": "Every row that the expectations pass can be read back as an offering."}
"""Sentence by rule. It finds nothing as long as the expectations are at least as strict as the reader."""


def preload() -> None:
    """Import what validation and Parquet need now, for a caller that is about to wait for something else.

    Raises:
        MissingExtra: one of them is not installed.
    """
    with needs_extra("validation"):
        import great_expectations  # noqa: F401
        import pyarrow.parquet  # noqa: F401


@paused_collector()
def validate_catalog(
    content: bytes, cloud: str, version: str, table: AcceleratorTable | None = None, *, with_notes: bool = False
) -> Report:
    """Check a `vms.csv` against every rule of its schema version.

    First the form of the file, then the expectations on its rows, then, on the rows that passed, the rules that
    compare rows. Nothing about the content raises.

    Args:
        content: the bytes of the file.
        cloud: cloud whose catalog it is; some accelerators have another memory there.
        version: schema version, `v7` or `v8`.
        table: accelerators to compare with; the bundled table by default.
        with_notes: also note the accelerators that the table does not know.

    Raises:
        SchemaError: no such schema version.
        MissingExtra: pandas or Great Expectations is not installed.
    """
    text = read_csv_text(content, [column_names(version, has_zones) for has_zones in (False, True)])
    findings = list(text.findings)
    notes: tuple[str, ...] = ()
    if text.header:
        table = table or accelerator_table()
        findings += _row_findings(text, cloud, version, table)
        if with_notes:
            # A price out of the general band is what an unknown name leads to: all the more the note is due.
            notes = _notes(text, cloud, table, {one.row for one in findings if one.rule != "price-in-band"})
    findings.sort(key=lambda finding: finding.row or 0)
    return Report(cloud=cloud, version=version, rows=text.row_count, findings=tuple(findings), notes=notes)


def _notes(text: CsvText, cloud: str, table: AcceleratorTable, at_fault: Set[int | None]) -> tuple[str, ...]:
    """On the accelerators that the table does not know, of rows that are right otherwise."""
    place = text.header.index("AcceleratorName")
    names = {cells[place] for cells in text.rows.values()}
    unknown = {name for name in names if name and table.named(name) is None}
    rows = {
        number: cells for number, cells in text.rows.items() if number not in at_fault and cells[place] in unknown
    }
    offerings, _ = _read_one_by_one(text.header, rows, cloud)
    return tuple(unknown_accelerators(offerings.values(), table))


def _row_findings(text: CsvText, cloud: str, version: str, table: AcceleratorTable) -> list[Finding]:
    suites = [*versions_until(version), *(["zones"] if ZONE_COLUMN in text.header else [])]
    findings = _unexpected(text, suites, cloud, table)
    at_fault = {finding.row for finding in findings}
    if None in at_fault:
        return findings
    passed = {number: cells for number, cells in text.rows.items() if number not in at_fault}
    try:
        return [*findings, *cross_row_findings(_compared_rows(text.header, passed))]
    except GpuCatalogError:
        rows, unread = _read_one_by_one(text.header, passed, cloud)
        return [*findings, *unread, *cross_row_findings(rows)]


def _unexpected(text: CsvText, suites: Sequence[str], cloud: str, table: AcceleratorTable) -> list[Finding]:
    """What the expectations find.

    The verdict needs the key of every row, and of rows that are alike in all else one: a catalog says the same at
    many sites.
    """
    expectations = expectations_of(suites)
    of_key = [expectation for expectation in expectations if is_about_key(expectation)]
    others = [expectation for expectation in expectations if not is_about_key(expectation)]
    unlike = unlike_rows(text.header, text.rows, cloud)
    failed = [
        *failing(of_key, key_frame(text.header, text.rows)),
        *failing(others, catalog_frame(text.header, unlike, cloud, table)),
    ]
    return findings_of(failed, catalog_frame(text.header, text.rows, cloud, table)) if failed else []


# In the order of ComparedRow.
_COMPARED_COLUMNS = (
    "InstanceType", "Region", ZONE_COLUMN, "vCPUs", "MemoryGiB", "Price", "AcceleratorName", "AcceleratorCount",
)  # fmt: skip


def _compared_rows(header: Sequence[str], rows: Mapping[int, Sequence[str]]) -> dict[int, ComparedRow]:
    """All rows by their number, each distinct cell read once.

    Raises:
        GpuCatalogError: some row cannot be read.
    """
    if not rows:
        return {}
    columns = dict(zip(header, zip(*rows.values(), strict=True), strict=True))
    values: dict[str, Iterable[Any]] = {ZONE_COLUMN: repeat(None)}
    for column, cells in columns.items():
        read = {cell: CELL_READERS[column](cell) for cell in set(cells)}
        values[column] = map(read.__getitem__, cells)
    compared = zip(*(values[column] for column in _COMPARED_COLUMNS), strict=False)  # A zone may be missing.
    return dict(zip(rows, map(ComparedRow._make, compared), strict=True))


def _read_one_by_one(
    header: Sequence[str], rows: Mapping[int, Sequence[str]], cloud: str
) -> tuple[dict[int, Offering], list[Finding]]:
    """The rows that can be read, and findings for the others."""
    passed, unread = {}, []
    for number, cells in rows.items():
        row = dict(zip(header, cells, strict=True))
        try:
            passed[number] = offering_of_row(row, cloud)
        except GpuCatalogError as exc:
            key = key_text(row.get(column) for column in KEY_COLUMNS)
            message = f"{READABLE_RULE['readable']} Here: {exc}"
            unread.append(Finding(rule="readable", message=message, row=number, key=key))
    return passed, unread
