"""What `fetch-catalog` says at the end: a table for people, a document for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gpu_catalog.numbers import price_text
from publisher.run import CloudResult, exit_code

if TYPE_CHECKING:
    from rich.table import Table

MOST_LINES_PER_CLOUD = 20

# In two lines, so that the table fits 80 columns.
_HEADINGS = (
    "cloud", "state", "data", "rows", "instance\ntypes", "accel-\nerators", "skipped", "from\n$/GPU-hour",
    "seconds",
)  # fmt: skip
_STYLES = {"fresh": "green", "kept": "yellow", "failed": "red"}


def results_table(results: Sequence[CloudResult]) -> Table:
    """The closing table."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, collapse_padding=True, header_style="bold")
    for heading in _HEADINGS:
        table.add_column(heading, justify="left" if heading in _HEADINGS[:3] else "right", no_wrap=True)
    for result in results:
        entry = result.entry
        style = _STYLES[entry.state]
        table.add_row(
            result.cloud,
            f"[{style}]{entry.state}[/{style}]",
            entry.kind or "-",
            *(str(count) if count else "-" for count in (entry.rows, entry.instance_types, entry.accelerators)),
            str(len(entry.skipped)) if entry.kind else "-",
            price_text(result.cheapest_usd_per_gpu_hour) if result.cheapest_usd_per_gpu_hour else "-",
            f"{result.seconds:.1f}",
        )
    return table


def remarks(results: Sequence[CloudResult]) -> list[str]:
    """The lines that need someone's eye: failures, warnings, and each thing that broke a rule."""
    lines = []
    for result in results:
        entry, cloud = result.entry, result.cloud
        if entry.state != "fresh":
            kept = f" (kept: the {entry.kind} catalog of {entry.observed_at})" if entry.state == "kept" else ""
            lines.append(f"{cloud}: {entry.reason}{kept}")
            continue
        lines += [f"{cloud}: warning: {warning}" for warning in entry.warnings]
        broken = [skip for skip in entry.skipped if skip.broken]
        lines += [f"{cloud}: skipped {skip.listing}: {skip.reason} [{skip.rule}]" for skip in broken][
            :MOST_LINES_PER_CLOUD
        ]
        if len(broken) > MOST_LINES_PER_CLOUD:
            lines.append(f"{cloud}: ... and {len(broken) - MOST_LINES_PER_CLOUD} more, all in the manifest")
    return lines


def results_json(results: Sequence[CloudResult], output: str | None, refused: Sequence[str] = ()) -> str:
    """The whole run as one JSON document.

    Args:
        results: one per cloud.
        output: the folder written; None for a dry run.
        refused: what packages register that cannot be fetched, one line each.
    """
    document: dict[str, Any] = {
        "exit_code": exit_code(results),
        "output": output,
        "refused_fetchers": list(refused),
        "clouds": {
            result.cloud: {
                **asdict(result.entry),
                "cheapest_usd_per_gpu_hour": _number(result),
                "requests_made": result.requests_made,
                "seconds": round(result.seconds, 3),
            }
            for result in results
        },
    }
    return json.dumps(document, indent=1)


def _number(result: CloudResult) -> float | None:
    price = result.cheapest_usd_per_gpu_hour
    # Six decimals below a million have at most 12 digits, which a float gives back exactly.
    return None if price is None else float(price)
