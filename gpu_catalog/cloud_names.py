"""What clouds are called: `clouds.csv` beside this module."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from gpu_catalog.accelerators import name_key

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*", re.ASCII)
_NEW_NAME = re.compile(r"[a-z][a-z0-9]{1,31}", re.ASCII)
DISPLAY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}", re.ASCII)
"""What a cloud may be called for people: its name stands in tables, messages and a file of SkyPilot."""
_RESERVED = ("all", "common", "history")
"""What commands and folders mean by themselves."""
_TABLE = Path(__file__).with_name("clouds.csv")


@dataclass(frozen=True, slots=True)
class _Cloud:
    """One row of `clouds.csv`."""

    name: str
    """What catalogs call it, lower case."""

    display_name: str
    """Its name for people, as SkyPilot writes it."""

    aliases: tuple[str, ...]
    """What people write for it besides, lower case with `-`."""

    no_prices: str | None
    """Why nothing there has an hourly price of an instance; None for a cloud."""


@lru_cache(maxsize=1)
def _clouds() -> dict[str, _Cloud]:
    """Rows by name and by alias, as `name_key`."""
    found = {}
    with _TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            aliases = tuple(filter(None, row["aliases"].split(";")))
            cloud = _Cloud(row["name"], row["display_name"], aliases, row["no_prices"] or None)
            found.update(dict.fromkeys(map(name_key, (cloud.name, *aliases)), cloud))
    return found


def display_name(cloud: str, otherwise: str | None = None) -> str:
    """The cloud's name for people, as SkyPilot writes it (`lambda` -> `Lambda`).

    One that the table does not know is called `otherwise`, else as it is.
    """
    known = _clouds().get(name_key(cloud))
    return known.display_name if known else otherwise or cloud


@lru_cache(maxsize=1024)
def cloud_named(text: str) -> str:
    """The catalog's name of the cloud that people write so: `EC2` -> `aws`, `Lambda Labs` -> `lambda`.

    Case, blanks, `-` and `_` do not matter. A name that the table does not know comes back in lower case, with `-`.
    """
    known = _clouds().get(name_key(text))
    return known.name if known else text.strip().lower().replace("_", "-").replace(" ", "-")


def other_cloud_called(called: str, cloud: str) -> str | None:
    """The cloud of the table that people call so, unless it is `cloud` itself; case does not matter."""
    names = {display_name(known).lower(): known for known in known_clouds() if known != cloud}
    return names.get(called.lower())


def is_cloud_name(text: str) -> bool:
    """Whether a text can be the name of a cloud in catalogs, and so of a folder."""
    return bool(_NAME.fullmatch(text))


def why_no_new_cloud(name: str) -> str | None:
    """Why no catalog may be made under a name, as the end of a sentence about it; None for a good one.

    SkyPilot makes a module and a folder of it, commands take it as an argument: lower-case letters and digits.
    """
    if not _NEW_NAME.fullmatch(name):
        return "is no name of a cloud: 2 to 32 lower-case letters and digits, a letter first"
    if name in _RESERVED:
        return "has another meaning here"
    if (known := cloud_named(name)) != name:
        return f"is another name of {known}"
    why = why_no_prices(name)
    return f"has no prices: {why}" if why else None


def why_no_prices(cloud: str) -> str | None:
    """Why a place to run things can have no hourly price of an instance; None for a cloud that can."""
    known = _clouds().get(name_key(cloud))
    return known.no_prices if known else None


def known_clouds() -> list[str]:
    """The name of every cloud in the table."""
    return list(dict.fromkeys(cloud.name for cloud in _clouds().values()))
