"""How much of a fetch may be broken before it is refused; figures and reasons are in `limits.json`."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from gpu_catalog.offering import Offering, Skipped

LIMITS_FILE = Path(__file__).with_name("limits.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What `acceptance` puts up with. A fetch is refused when a share is exceeded, not when it is reached."""

    broken_listings_tolerated: int
    """Defects in so many listings never refuse a fetch, whatever the shares say."""

    broken_listings_share: float
    """Listings without any row because something was broken, of all that the cloud offers."""

    broken_rows_share: float
    """Rows missing because something was broken, of all rows there could be."""

    lost_accelerators_tolerated: int
    """So many lost accelerators never refuse a fetch."""

    lost_accelerators_share: float
    """Accelerators left without any row because something was broken, of all accelerators."""

    def exceeded_by(self, kept: Collection[Offering], skipped: Collection[Skipped]) -> list[str]:
        """Return what exceeds the limits, e.g. `["3 of 40 listings"]`; empty when all is within them."""
        broken = [skip for skip in skipped if skip.broken]
        if len({skip.listing for skip in broken}) <= self.broken_listings_tolerated:
            return []
        listings = {listing_of(offering) for offering in kept}
        broken_listings = {skip.listing for skip in broken} - listings
        all_listings = broken_listings | listings
        broken_rows = sum(skip.rows for skip in broken)
        all_rows = broken_rows + len(kept)
        accelerators = {offering.accelerator_name for offering in kept} - {None}
        lost = {skip.accelerator for skip in broken} - accelerators - {None}
        all_accelerators = accelerators | lost

        exceeded = []
        if len(broken_listings) > self.broken_listings_share * len(all_listings):
            exceeded.append(f"{len(broken_listings)} of {len(all_listings)} listings")
        if broken_rows > self.broken_rows_share * all_rows:
            exceeded.append(f"{broken_rows} of {all_rows} rows")
        if self.lost_accelerators_tolerated < len(lost) > self.lost_accelerators_share * len(all_accelerators):
            exceeded.append(f"{len(lost)} of {len(all_accelerators)} accelerators")
        return exceeded


def listing_of(offering: Offering) -> str:
    """What the cloud lists, as `Skipped.listing` has it: its own id, else the instance type."""
    return offering.listing or offering.instance_type


@lru_cache(maxsize=1)
def default_limits() -> Limits:
    """The limits of `limits.json`, read once."""
    return Limits(**{name: entry["value"] for name, entry in json.loads(LIMITS_FILE.read_text("utf-8")).items()})
