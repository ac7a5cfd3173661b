"""The page and the file of results: `docs/benchmarks.md` and `docs/benchmarks.json`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import BARE, OURS, ROOT, Series
from benchmarks.targets import Target, Verdict, figure, judged, targets

DOCS = ROOT / "docs"
REMARKS = Path(__file__).with_name("remarks.md")
"""Written by hand: why a target is missed, where the time goes."""

INTRODUCTION = """# Benchmarks

<!-- Written by `make bench` from docs/benchmarks.json; remarks at the end are those of benchmarks/remarks.md. -->

This project side by side with what one would take instead: SkyPilot's own fetchers and catalog functions, and
gpuhunt, all on the same data. Every figure is the median over whole processes, run in turn; ratios and differences
are taken pair by pair. MB are 10^6 bytes, of the process at its peak. The fetchers ask an emulator on this machine,
which answers every request so many milliseconds late, from memory, without TLS.
"""
_WORDS = {True: "met", False: "**MISSED**", None: "not measured"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table of series."""

    header: str
    """Its title."""

    cell: Callable[[Series, Sequence[Series]], str]
    """The text for a series, given all series of its case."""


def plain(value: float, unit: str = "") -> str:
    """A figure with three digits: `1.23 s`, `45.6 ms`, `12,624`."""
    if unit == "s" and abs(value) < 1:
        value, unit = value * 1000, "ms"
    whole = not unit and float(value).is_integer()
    digits = 0 if whole or abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}{unit if unit == 'x' else ' ' + unit if unit else ''}"


def median_of(name: str, unit: str = "", scale: float = 1) -> Callable[[Series, Sequence[Series]], str]:
    """The cell that shows a median; blank where there is no such figure."""
    return lambda series, _: plain(series.median(name) * scale, unit) if name in series.runs[0] else ""


def compared(name: str, how: str, against: str, unit: str) -> Callable[[Series, Sequence[Series]], str]:
    """The cell that compares with somebody, pair by pair; blank for themselves and where they are missing."""

    def cell(series: Series, case: Sequence[Series]) -> str:
        other = next((one for one in case if one.who == against), None)
        if other is None or other is series or series.who == BARE or name not in series.runs[0]:
            return ""
        if how == "times":  # how many times as long as `against`
            return plain(figure(other, name, "ratio", series), unit)
        return plain(figure(series, name, how, other), unit)

    return cell


NAMED = [Column("", lambda series, _: series.case), Column("who", lambda series, _: series.who)]
WHOLE = [
    Column("CPU", median_of("cpu_seconds", "s")),
    Column("peak MB", median_of("peak_mb")),
    Column("runs", lambda series, _: str(len(series.runs))),
]
OVER = Column("over the bare interpreter", compared("wall_seconds", "over", BARE, "s"))
WARM = [Column(f"{name} us", median_of(f"{name} us")) for name in ("A100:1", "H100:8", "RTX4090:1")]
TABLES: dict[str, list[tuple[str, Callable[[Series], bool], list[Column]]]] = {
    "fetch": [
        ("Fetching", lambda _: True, [
            *NAMED, Column("fetching", median_of("call_seconds", "s")),
            Column("times ours", compared("call_seconds", "times", OURS, "x")),
            Column("whole command", median_of("wall_seconds", "s")), Column("requests", median_of("requests")),
            Column("received KB", median_of("bytes", "", 1e-3)), Column("rows", median_of("rows")), *WHOLE,
        ]),
    ],
    "lookup": [
        ("Lookups in a new process, and batches", lambda series: not series.case.startswith("warm"), [
            *NAMED, Column("wall", median_of("wall_seconds", "s")), OVER,
            Column("times ours", compared("wall_seconds", "times", OURS, "x")), *WHOLE,
        ]),
        ("Lookups in a running process", lambda series: series.case.startswith("warm"), [
            *NAMED, *WARM, Column("A100:1, times ours", compared("A100:1 us", "times", OURS, "x")), *WHOLE[1:],
        ]),
    ],
    "pipeline": [
        ("Validate, write, publish, read", lambda _: True, [
            NAMED[0], Column("step", median_of("call_seconds", "s")),
            Column("its CPU", median_of("call_cpu_seconds", "s")),
            Column("of it Great Expectations", median_of("expectations_seconds", "s")),
            Column("imports before it", median_of("import_seconds", "s")),
            Column("whole process", median_of("wall_seconds", "s")), *WHOLE[1:],
        ]),
    ],
    "startup": [
        ("Start-up", lambda _: True, [*NAMED, Column("wall", median_of("wall_seconds", "s")), OVER, *WHOLE]),
    ],
}  # fmt: skip


def read(place: Path = DOCS) -> dict[str, Any]:
    """The results by part, each `{"about", "series"}`; empty when there are none."""
    try:
        found: dict[str, Any] = json.loads((place / "benchmarks.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def write(results: dict[str, Any], place: Path = DOCS) -> list[Verdict]:
    """Write the file and the page into a folder, made when missing; what came of the targets."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "benchmarks.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    series = [Series(**one) for part in results.values() for one in part["series"]]
    verdicts = [judged(target, series) for target in targets()]
    remarks = REMARKS.read_text(encoding="utf-8") if REMARKS.exists() else ""
    (place / "benchmarks.md").write_text(page(results, series, verdicts, remarks), encoding="utf-8")
    return verdicts


def page(results: dict[str, Any], series: Sequence[Series], verdicts: Sequence[Verdict], remarks: str = "") -> str:
    """The Markdown of everything."""
    blocks = [INTRODUCTION, "## Targets\n\n" + targets_table(verdicts)]
    for part, tables in TABLES.items():
        if part not in results:
            continue
        found = [one for one in series if one.part == part]
        for title, wanted, columns in tables:
            chosen = [one for one in found if wanted(one)]
            blocks.append(f"## {title}\n\n{series_table(chosen, columns)}")
            if part == "pipeline":
                blocks.append("![Seconds of each step by rows, both logarithmic](benchmarks.svg)\n")
        blocks.append(about_text(results[part]["about"]))
    blocks.append("## Commands\n\n" + commands_list(series))
    return "\n".join(filter(None, [*blocks, remarks]))


def targets_table(verdicts: Iterable[Verdict]) -> str:
    """One line for each target."""
    rows = []
    for verdict in verdicts:
        target = verdict.target
        measured = "" if verdict.measured is None else plain(verdict.measured, target.unit)
        rows.append([target.wording, limit_text(target), measured, _WORDS[verdict.met]])
    return table(["target", "limit", "measured", ""], rows)


def limit_text(target: Target) -> str:
    """At most or at least so much."""
    sign, limit = ("<=", target.at_most) if target.at_most is not None else (">=", target.at_least)
    if target.unit == "s" and (limit or 0) < 1:
        return f"{sign} {(limit or 0) * 1000:g} ms"
    return f"{sign} {limit:g}{target.unit}" if target.unit == "x" else f"{sign} {limit:g} {target.unit}".rstrip()


def series_table(series: Sequence[Series], columns: Sequence[Column]) -> str:
    """A line for each series; columns that are blank throughout are left out."""
    cells = []
    for one in series:
        case = [other for other in series if other.case == one.case]
        cells.append([column.cell(one, case) for column in columns])
    shown = [number for number in range(len(columns)) if any(row[number] for row in cells)]
    return table([columns[number].header for number in shown], [[row[number] for number in shown] for row in cells])


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(cells) + " |" for cells in [header, *rows]]
    return "\n".join([lines[0], "|" + "---|" * len(header), *lines[1:], ""])


def about_text(about: dict[str, Any]) -> str:
    """Where and when a part was measured."""
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    return (
        f"Measured {about['at']} at commit {about['commit']}: {about['cpu']}, {about['cores']} cores, "
        f"{about['os']}, Python {about['python']}; load {about['load_before']} before and {about['load_after']} "
        f"after; {about['seconds']} s in all. {versions}.\n"
    )


def commands_list(series: Sequence[Series]) -> str:
    """Every command once, by whose it is."""
    shown = [one for one in series if one.part != "pipeline" and not one.case.startswith("warm")]
    said = dict.fromkeys(f"- {one.who}: `{one.command}`\n" for one in shown if not one.command.startswith(one.who))
    return "".join([*said, "- pipeline: `python benchmarks/programs/pipeline_step.py STEP ROWS FOLDER`\n"])
