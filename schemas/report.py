"""What validation found: one report, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

MAX_LINES = 50
"""Findings that the text shows; the JSON has all of them."""

_MAX_SHOWN_CHARS = 80

KEY_COLUMNS = ("InstanceType", "Tag", "Region", "AvailabilityZone")
"""Columns that identify a row of `vms.csv`, or with Tag one of `images.csv`."""


def one_line(text: str) -> str:
    """Foreign text as one line that is safe to print: line breaks and control characters become escapes."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def key_text(cells: Iterable[str | None]) -> str:
    """What identifies a row, for people: the cells of those of KEY_COLUMNS that the file has."""
    return " ".join(cell for cell in cells if cell)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One place where a file breaks a rule."""

    rule: str
    """Short name of the rule, e.g. `price-in-band`; docs/schema.md lists all."""

    message: str
    """One sentence: what the rule asks, or what is wrong."""

    row: int | None = None
    """Line of the file, the header being line 1 and line breaks inside a quoted cell not counted; None when the
    file as a whole is at fault."""

    key: str | None = None
    """What identifies the row, e.g. `1x_H100-SXM_SECURE US US-KS-2`; see `KEY_COLUMNS`."""

    column: str | None = None
    """Column at fault, where it is one."""

    value: str | None = None
    """The cell at fault as it stands in the file."""

    fatal: bool = False
    """True when leaving the row out would not mend the file: what remains cannot be trusted either."""

    def __str__(self) -> str:
        place = "file" if self.row is None else f"row {self.row}"
        column = f", {self.column} {_shown(self.value)}" if self.column else ""
        key = f" ({self.key})" if self.key else ""
        return one_line(f"{place}{column}: {self.rule}: {self.message}{key}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The verdict on one file."""

    cloud: str
    """Cloud whose file it is."""

    version: str
    """Schema version, or the name of the file where it is no `vms.csv`."""

    rows: int
    """Data rows in the file."""

    findings: tuple[Finding, ...] = ()
    """Everything that is wrong, whole file first, then by row."""

    notes: tuple[str, ...] = ()
    """What is no defect, but somebody should know, e.g. an accelerator that the table does not know yet."""

    @property
    def ok(self) -> bool:
        """True when nothing was found."""
        return not self.findings

    def to_text(self, max_lines: int = MAX_LINES) -> str:
        """Return the report for people, without a newline at the end."""
        verdict = "ok" if self.ok else f"{len(self.findings)} findings"
        lines = [f"{self.cloud} {self.version}: {self.rows} rows, {verdict}"]
        lines += [f"  {finding}" for finding in self.findings[:max_lines]]
        if len(self.findings) > max_lines:
            lines.append(f"  ... and {len(self.findings) - max_lines} more")
        lines += [f"  note: {one_line(note)}" for note in self.notes]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values that JSON can carry."""
        return {
            **asdict(self),
            "ok": self.ok,
            "findings": [asdict(finding) for finding in self.findings],
            "notes": list(self.notes),
        }


def _shown(value: str | None) -> str:
    """A cell as one short line."""
    text = "blank" if not value else repr(value)
    return text if len(text) <= _MAX_SHOWN_CHARS else text[: _MAX_SHOWN_CHARS - 3] + "..."
