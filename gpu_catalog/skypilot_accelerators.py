"""SkyPilot's `common/accelerators.csv`: which clouds have an accelerator."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping

from gpu_catalog.errors import CannotInstall

ACCELERATORS_NAME = "common/accelerators.csv"
"""Below the folder of a schema version."""

_TEXT = re.compile(r"""'[^'\\]*'|"[^"\\]*\"""")
_CLOUDS = re.compile(rf"\[ *(?:(?:{_TEXT.pattern})(?: *, *(?:{_TEXT.pattern}))*)? *\]")


def clouds_by_accelerator(text: str) -> dict[str, set[str]]:
    """The clouds of every accelerator of such a file.

    Raises:
        ValueError: it is no such file.
    """
    return {name: _clouds_in(cell) for name, cell in _cells_by_accelerator(text).items()}


def merged_accelerators(there: bytes | None, clouds_by_name: Mapping[str, set[str]]) -> bytes:
    """Such a file with these names and clouds added; every line and cloud that was there stays.

    Raises:
        CannotInstall: what is there is no such file.
    """
    try:
        cells = _cells_by_accelerator((there or b"").decode("utf-8-sig"))
        for name, clouds in clouds_by_name.items():
            known = _clouds_in(cells[name]) if name in cells else set()
            if not clouds <= known:
                cells[name] = repr(sorted({*known, *clouds}))
    except ValueError as exc:
        raise CannotInstall(
            f"SkyPilot's {ACCELERATORS_NAME} is not of the known form ({exc}); move it away first"
        ) from exc
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("AcceleratorName", "Clouds"))
    writer.writerows(cells.items())
    return text.getvalue().encode()


def _cells_by_accelerator(text: str) -> dict[str, str]:
    """The cell `Clouds` by accelerator.

    Raises:
        ValueError: a column is missing, or it is no CSV.
    """
    rows = csv.DictReader(io.StringIO(text, newline=""))
    try:
        return {row["AcceleratorName"]: row["Clouds"] or "" for row in rows}
    except (KeyError, csv.Error) as exc:
        raise ValueError(str(exc)) from exc


def _clouds_in(cell: str) -> set[str]:
    """The clouds in a cell, a list of texts as Python writes it; read by its form, not as Python.

    Raises:
        ValueError: it is no such list.
    """
    if not _CLOUDS.fullmatch(cell):
        raise ValueError(f"{cell[:40]!r} is no list of clouds")
    return {text[1:-1] for text in _TEXT.findall(cell)}
