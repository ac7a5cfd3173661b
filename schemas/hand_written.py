"""A `vms.csv` that somebody wrote by hand, as SkyPilot's guide for new clouds describes it.

Columns come in any order, from an editor or a spreadsheet; a blank price is one that is not known; GpuInfo may be
left out for accelerators that our table knows. What is read is then held against every rule, as what is fetched.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gpu_catalog.accelerators import Accelerator, accelerator_table
from gpu_catalog.errors import BadCatalogFile, GpuCatalogError
from gpu_catalog.gpu_info import parse_gpu_info
from gpu_catalog.offering import Offering, Skipped
from gpu_catalog.reading import CELL_READERS, MAX_COLUMNS, MAX_FILE_BYTES
from schemas.columns import COLUMNS, NEWEST, SCHEMA_VERSIONS, ZONE_COLUMN
from schemas.csv_text import FIRST_ROW, read_csv_text
from schemas.new_accelerators import line_to_add, nearest, unknown_accelerators
from schemas.report import KEY_COLUMNS, Finding, Report, key_text
from schemas.validation import validate_catalog
from schemas.writers import row_order, rows_csv

REQUIRED = ("InstanceType", "vCPUs", "MemoryGiB", "Region", "Price")
"""Columns that a hand-written file must have; the others may be missing."""

HAND_ENTERED = "hand-entered"

_SHORT_GPU_INFO = re.compile(
    r"""(?P<gb>[1-9]\d{0,3}) ?Gi?B|\{ *['"]Gpus['"]: *\[ *\{ *['"]MemoryInfo['"]: """
    r"""*\{ *['"]SizeInMiB['"]: *(?P<mib>[1-9]\d{0,6}) *\} *\} *\] *\}""",
    re.ASCII,
)
"""`80GB`, and the least that SkyPilot reads: `{'Gpus': [{'MemoryInfo': {'SizeInMiB': 81920}}]}`."""

_PRICE_ADVICE = "; write a plain number such as 2.99, and leave it blank only when it is not known"
_ADVICE = {
    "Price": _PRICE_ADVICE,
    "SpotPrice": _PRICE_ADVICE,
    ZONE_COLUMN: "; fill it in every row, or in none for a cloud without zones",
    "GpuInfo": "; write the memory of one device, e.g. 80GB, or leave it blank for an accelerator of the table",
}

_RULES = {
    "columns": "The columns are those of `vms.csv`, in any order, each once.",
    "accelerator-known": "An accelerator is in the table, or the row says its memory in GpuInfo.",
    "readable": "Every cell is what its column says.",
    "utf-8": "The file is text in UTF-8, which spreadsheets save as `CSV UTF-8`.",
}


@dataclass(frozen=True, slots=True)
class HandWritten:
    """What a hand-written file says."""

    offerings: tuple[Offering, ...]
    """The rows with a price, sorted as in a catalog."""

    skipped: tuple[Skipped, ...]
    """The rows without one."""

    warnings: tuple[str, ...]
    """What its author should know."""

    files: Mapping[str, bytes]
    """The `vms.csv` by schema version, in our form."""

    report: Report
    """Everything that is wrong with it, by the rows of the hand-written file; nothing of it is good otherwise."""


def read_hand_written(content: bytes, cloud: str, source: str, observed_at: str) -> HandWritten:
    """Read the bytes of a hand-written `vms.csv` and hold it against every rule; no content raises.

    Args:
        content: the file.
        cloud: whose catalog it is.
        source: where its prices come from.
        observed_at: when they were looked up, UTC, `2026-11-20T00:00:00Z`.

    Raises:
        MissingExtra: pandas or Great Expectations is not installed.
    """
    header, text, problem = _header_and_text(content)
    if problem is not None:
        return HandWritten((), (), (), {}, Report(cloud=cloud, version=NEWEST, rows=0, findings=(problem,)))
    read = read_csv_text(text.encode(), [header])
    reader = _Reader(cloud, source, observed_at)
    blank = {number for number, line in enumerate(text.split("\n"), start=1) if not line.strip(", \t")}
    for number, cells in read.rows.items():
        if number not in blank:
            reader.read(number, {name: cell.strip() for name, cell in zip(header, cells, strict=True)})
    lines = sorted(reader.offerings, key=lambda number: row_order(reader.offerings[number]))
    offerings = [reader.offerings[number] for number in lines]
    files = {version: rows_csv(offerings, version) for version in SCHEMA_VERSIONS}
    findings = [*(finding for finding in read.findings if finding.row not in blank), *reader.findings]
    if not findings:  # The newest version's rules are those of the older ones and more.
        findings = [
            replace(one, row=None if one.row is None else lines[one.row - FIRST_ROW])
            for one in validate_catalog(files[NEWEST], cloud, NEWEST).findings
        ]
    findings.sort(key=lambda finding: finding.row or 0)
    report = Report(cloud=cloud, version=NEWEST, rows=read.row_count, findings=tuple(findings))
    warnings = tuple(unknown_accelerators(offerings, accelerator_table()))
    return HandWritten(tuple(offerings), tuple(reader.skipped), warnings, files, report)


def plain_csv(content: bytes) -> bytes:
    """A file from an editor or a spreadsheet as we publish it; what is no UTF-8 stays as it is.

    Without byte-order mark, CRLF, and what a spreadsheet leaves below a table; the last line has an end.
    """
    try:
        return "".join(f"{line}\n" for line in _lines(content)).encode()
    except UnicodeDecodeError:
        return content


def _lines(content: bytes) -> list[str]:
    lines = content.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    while lines and not lines[-1].strip(", \t"):
        lines.pop()
    return lines


def _header_and_text(content: bytes) -> tuple[tuple[str, ...], str, Finding | None]:
    """The columns by our names, the text with that header and one form of line ends, and what stands against it."""
    try:
        if len(content) > MAX_FILE_BYTES:
            return (), "", Finding(rule="file-size", message=f"The file is larger than {MAX_FILE_BYTES} bytes.")
        first, *lines = _lines(content) or [""]
        rest = "".join(f"{line}\n" for line in lines)
        header = [name.strip() for name in next(csv.reader(io.StringIO(first), strict=True), [])]
    except (UnicodeDecodeError, csv.Error) as exc:
        return (), "", Finding(rule="utf-8", message=f"{_RULES['utf-8']} Here: {exc}")
    if len(header) > MAX_COLUMNS:
        return (), "", Finding(rule="columns", message=f"{_RULES['columns']} Here more than {MAX_COLUMNS}.")
    ours = {column.name.casefold(): column.name for column in COLUMNS}  # SkyPilot's guide writes GPUInfo.
    names = tuple(ours.get(name.casefold(), name) for name in header)
    unknown = [name for name in names if name not in ours.values()]
    missing = [name for name in REQUIRED if name not in names]
    twice = sorted({name for name in names if names.count(name) > 1})
    wrong = {"missing": missing, "unknown": unknown, "twice": twice}
    if any(wrong.values()):
        if len(names) == 1 and (other := next((mark for mark in (";", "\t") if mark in first), None)):
            separated = f"Cells are separated by commas, not by {other!r}."
            return (), "", Finding(rule="columns", message=f"{_RULES['columns']} {separated}")
        said = "; ".join(f"{what}: {', '.join(which)}" for what, which in wrong.items() if which)
        known = f"Known are {', '.join(ours.values())}."
        return (), "", Finding(rule="columns", message=f"{_RULES['columns']} Here {said}. {known}"[:500])
    if ZONE_COLUMN in names and _is_blank(names.index(ZONE_COLUMN), rest):
        names = tuple("" if name == ZONE_COLUMN else name for name in names)  # No zones: as if it were not there.
    return names, ",".join(names) + "\n" + rest, None


def _is_blank(place: int, rows: str) -> bool:
    """Whether a column has no text in any row."""
    try:
        return not any(row[place].strip() for row in csv.reader(io.StringIO(rows)) if len(row) > place)
    except csv.Error:  # It is told with its line when the whole file is read.
        return False


def _gpu_info(cell: str) -> tuple[str | None, int] | None:
    """Maker, where it is said, and MiB of one device; None for a blank cell.

    Raises:
        BadGpuInfo: the cell says no memory.
    """
    if not cell:
        return None
    if short := _SHORT_GPU_INFO.fullmatch(cell):
        return None, int(short["mib"] or int(short["gb"]) * 1024)
    gpu = parse_gpu_info(cell)
    return gpu.vendor, gpu.memory_mib


_READERS = {**CELL_READERS, "GpuInfo": _gpu_info}


class _Reader:
    """Rows of cells by column to offerings by row, and everything that stands against them."""

    def __init__(self, cloud: str, source: str, observed_at: str) -> None:
        self.offerings: dict[int, Offering] = {}
        self.skipped: list[Skipped] = []
        self.findings: list[Finding] = []
        self._cloud, self._source, self._observed_at = cloud, source, observed_at
        self._table = accelerator_table()

    def read(self, number: int, cells: Mapping[str, str]) -> None:
        """Read one row; `number` is its line."""
        key = key_text(cells.get(column) for column in KEY_COLUMNS)
        wrong = len(self.findings)
        values = self._values(number, key, cells)
        if len(self.findings) > wrong or not self._names_its_gpus(number, key, values):
            return
        if cells["Price"]:
            self.offerings[number] = self._offering(values)
        else:
            self.skipped.append(
                Skipped(
                    cloud=self._cloud,
                    listing=values["InstanceType"],
                    rule="no-price",
                    reason=f"Price is blank in row {number}: not known",
                    broken=False,
                    accelerator=values.get("AcceleratorName"),
                )
            )

    def _values(self, number: int, key: str, cells: Mapping[str, str]) -> dict[str, Any]:
        """What the cells say, by column; a blank price is left out, and every cell that says nothing is found."""
        values: dict[str, Any] = {}
        for column, read in _READERS.items():
            if column in cells and (cells[column] or column != "Price"):
                try:
                    # Here, not left to the rules: a row without a price is skipped by its name before they see it.
                    if not cells[column].isprintable():
                        raise BadCatalogFile(f"{column} has characters that cannot be seen")
                    values[column] = read(cells[column])
                except GpuCatalogError as exc:
                    advice = _ADVICE.get(column, "")
                    self._find("readable", f"{exc}{advice}", number, key, column, cells[column])
        return values

    def _names_its_gpus(self, number: int, key: str, values: Mapping[str, Any]) -> bool:
        """Whether name, count and memory of the GPUs are there together, or none of them."""
        name, count = values.get("AcceleratorName"), values.get("AcceleratorCount")
        if (name is None) != (count is None):
            message = "AcceleratorName and AcceleratorCount are filled together or not at all."
            self._find("readable", message, number, key)
            return False
        if name is not None and values.get("GpuInfo") is None and self._table.named(name) is None:
            near = nearest(name, self._table)
            hint = f"Is it {near}? If not, write" if near else "Write"
            message = (
                f"{_RULES['accelerator-known']} {hint} the memory of one device into GpuInfo, e.g. 80GB, "
                f"or add to accelerators.csv: {line_to_add(name, ())}"
            )
            self._find("accelerator-known", message, number, key, "AcceleratorName", name)
            return False
        return True

    def _offering(self, values: Mapping[str, Any]) -> Offering:
        name = values.get("AcceleratorName")
        known: Accelerator | None = self._table.named(name) if name else None
        vendor, memory_mib = values.get("GpuInfo") or (None, None)
        if known is not None:
            vendor = vendor or known.vendor
            memory_mib = memory_mib or round(known.memory_gib_on(self._cloud) * 1024)
        return Offering(
            cloud=self._cloud,
            instance_type=values["InstanceType"],
            region=values["Region"],
            zone=values.get(ZONE_COLUMN),
            vcpus=values["vCPUs"],
            memory_gib=values["MemoryGiB"],
            price_usd_per_hour=values["Price"],
            spot_price_usd_per_hour=values.get("SpotPrice"),
            accelerator_name=known.name if known else name,
            accelerator_count=values.get("AcceleratorCount"),
            accelerator_vendor=vendor,
            gpu_memory_mib=memory_mib,
            arch=values.get("Arch"),
            source=self._source,
            observed_at=self._observed_at,
            marks=(HAND_ENTERED, "new-accelerator") if name and known is None else (HAND_ENTERED,),
        )

    def _find(
        self, rule: str, message: str, row: int, key: str, column: str | None = None, value: str | None = None
    ) -> None:
        self.findings.append(Finding(rule=rule, message=message, row=row, key=key, column=column, value=value))
