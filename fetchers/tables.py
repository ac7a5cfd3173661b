"""The bundled tables of facts, `fetchers/data/*.csv`: each row has its source."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "data"


@lru_cache(maxsize=16)
def data_rows(name: str) -> tuple[dict[str, str], ...]:
    """The rows of `fetchers/data/<name>.csv` by column, read once."""
    with (_FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))
