"""All corruptions, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.trust.corrupt_catalogs import CORRUPT_CATALOGS
from tests.trust.corrupt_fetches import CORRUPT_FETCHES
from tests.trust.corrupt_publications import CORRUPT_PUBLICATIONS

ALL = (*CORRUPT_CATALOGS, *CORRUPT_FETCHES, *CORRUPT_PUBLICATIONS)
CORRUPTIONS = {corruption.name: corruption for corruption in ALL}
"""Every corruption by its name."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One line of the table in docs/trust.md."""

    name: str
    """What was wrong."""

    where: str
    """What it was applied to."""

    caught_by: str
    """The rule or error that must notice it."""

    ok: bool
    """Whether it did, and nothing corrupt was published or read."""


def outcomes() -> Iterator[Outcome]:
    """Run every corruption, one outcome each, in the order of the list."""
    for corruption in CORRUPTIONS.values():
        yield Outcome(corruption.name, corruption.where, corruption.caught_by, corruption.is_caught())
