"""What clouds are called: `clouds.csv` beside this module."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

_TABLE = Path(__file__).with_name("clouds.csv")


@lru_cache(maxsize=1)
def _display_names() -> dict[str, str]:
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return {row["name"]: row["display_name"] for row in csv.DictReader(file)}


def display_name(cloud: str) -> str:
    """The cloud's name for people, as SkyPilot writes it (`lambda` -> `Lambda`); an unknown one as it is."""
    return _display_names().get(cloud.lower(), cloud)
