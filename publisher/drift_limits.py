"""How far a cloud may move in one run: the figures of `drift_limits.json`, where their reasons are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

LIMITS_FILE = Path(__file__).with_name("drift_limits.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftLimits:
    """How far a cloud may move in one run. Shares and factors are exact, so that a limit is met, not nearly met."""

    lost_types_share: Fraction
    """More than this share of the instance types lost: the cloud is kept."""

    lost_types_at_least: int
    """Fewer lost instance types (or rows) than this never keep a cloud, whatever their share; an accelerator that
    vanishes with so many or more is kept."""

    lost_rows_share: Fraction
    """The types that stay have fewer rows by more than this share: the cloud is kept."""

    median_move_share: Fraction
    """The median price moved by more than this share of the old one, up or down: the cloud is kept."""

    accelerator_factor: Fraction
    """The price of an accelerator multiplied or divided by more than this: the accelerator is kept."""

    unit_error_factor: Fraction
    """The median price multiplied or divided by this or more: the fetch is refused."""

    one_price_types_at_least: int
    """So many instance types or more, suddenly all at one price: the fetch is refused."""

    come_back_factor: Fraction
    """A price move of this factor or more is not accepted by coming back unchanged."""


@lru_cache(maxsize=1)
def default_limits() -> DriftLimits:
    """The limits of `drift_limits.json`, read once."""
    entries = json.loads(LIMITS_FILE.read_text("utf-8"), parse_float=Fraction)
    return DriftLimits(**{name: entry["value"] for name, entry in entries.items()})
