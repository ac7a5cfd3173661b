"""The drift gate: whether what a cloud says now is a move of its market, or more likely a defect.

Validation looks at one fetch; this looks at what changed since the last good live catalog of the same cloud. What
is held back and comes back unchanged on the next run was a real move, within limits: the figures and the reasons
are in `drift_limits.json`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from gpu_catalog.accelerators import AcceleratorTable, accelerator_table
from gpu_catalog.numbers import price_text
from gpu_catalog.offering import Offering
from publisher.drift_limits import DriftLimits, default_limits
from publisher.drift_pairs import ByType, Pair, by_accelerator, by_type, median_ratio, pairs_of, usd_per_gpu_hour
from schemas.report import one_line
from schemas.writers import row_order

Verdict = Literal["accepted", "kept", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be done with one fetch."""

    cloud: str
    """Cloud name."""

    verdict: Verdict
    """`accepted`: publish it, see `kept_accelerators`. `kept`: it moved too far, the last good catalog stays.
    `refused`: it is a defect, the last good catalog stays too."""

    reason: str | None
    """One line with the figures; None when plainly accepted."""

    kept_accelerators: Mapping[str, str]
    """Why its last good rows stay, by accelerator (see `merged`). Empty unless accepted."""

    proposal: str | None
    """Digests of all that was held back (prices, lost types), to be given as `held_back` on the next run; None when
    nothing was, or when the fetch was refused."""


def judge(
    cloud: str,
    before: Sequence[Offering] | None,
    now: Sequence[Offering],
    *,
    held_back: str | None = None,
    accept_reason: str | None = None,
    limits: DriftLimits | None = None,
    table: AcceleratorTable | None = None,
) -> Decision:
    """Compare a fetch with the last good live catalog of its cloud; never raises.

    Args:
        cloud: cloud name, for the decision.
        before: the last good live catalog; None (or nothing) where there is none, a sample is none. Without it
            everything is accepted.
        now: the fetch after validation, with what is out of stock: stock would look like lost types.
        held_back: `proposal` of the run before.
        accept_reason: why an operator accepts what would be held back; blank is no reason. It is in
            `Decision.reason` where it overruled something. What is refused stays refused.
        limits: instead of those of `drift_limits.json`.
        table: price bands, instead of the bundled accelerator table.
    """
    if not before:
        return _decision(cloud, "accepted")
    old, new = by_type(before), by_type(now)
    if not new:
        return _decision(cloud, "refused", [f"none of {len(old)} instance types is left"])
    limits, table = limits or default_limits(), table or accelerator_table()
    pairs = pairs_of(old, new)
    defects = _defects(before, now, pairs, limits)
    moves = _lost_types(old, new, limits) + _lost_rows(old, new, limits) + _median_move(pairs, limits, table)
    jumps = _jumps(pairs, limits, table) | _vanished(before, now, limits)
    drifts = [*moves, *jumps.values()]
    if defects:
        return _decision(cloud, "refused", defects)
    if accept_reason and accept_reason.strip():
        overruled = [drift.why for drift in drifts]
        return _decision(cloud, "accepted", overruled, f"accepted by hand ({accept_reason.strip()}): ")
    if still := [drift for drift in moves if not drift.came_back(held_back)]:
        # What came back is held back again with the rest, so it is shown again with it.
        return _decision(cloud, "kept", [drift.held_text for drift in still], held=drifts)
    kept = {name: drift for name, drift in jumps.items() if not drift.came_back(held_back)}
    returned = [f"came back unchanged: {drift.why}" for drift in drifts if drift.came_back(held_back)]
    staying = [f"last good rows stay of {', '.join(kept)}"] if kept else []
    return _decision(cloud, "accepted", returned + staying, held=kept.values(), accelerators=kept)


def merged(
    before: Iterable[Offering], now: Iterable[Offering], kept_accelerators: Collection[str]
) -> list[Offering]:
    """What to publish of an accepted fetch, in catalog order; validate it again, as zones may have moved.

    That is `now`, with the rows of these accelerators as they were `before`, also those that vanished. Should a
    kept row's key belong to another accelerator now, the kept row stays: it is kept whole or not at all.
    """
    staying = [offering for offering in before if offering.accelerator_name in kept_accelerators]
    taken = {offering.key for offering in staying}
    rest = [
        offering
        for offering in now
        if offering.accelerator_name not in kept_accelerators and offering.key not in taken
    ]
    return sorted(staying + rest, key=row_order)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drift:
    """One thing that moved too far."""

    why: str
    """What moved, with the figures."""

    digest: str
    """Of what it moved to: the same on the next run if nothing changed."""

    barred: str | None = None
    """Why coming back unchanged is not enough; None when it is."""

    def came_back(self, held_back: str | None) -> bool:
        """Whether it was held back on the run before, is unchanged, and that is enough."""
        return self.barred is None and self.digest in (held_back or "").split()

    @property
    def held_text(self) -> str:
        """What moved, and what ends the hold."""
        return f"{self.why} ({self.barred or 'accepted if the next run finds the same'})"


def _decision(
    cloud: str,
    verdict: Verdict,
    whys: Sequence[str] = (),
    prefix: str = "",
    held: Iterable[_Drift] = (),
    accelerators: Mapping[str, _Drift] | None = None,
) -> Decision:
    return Decision(
        cloud=cloud,
        verdict=verdict,
        reason=one_line(prefix + "; ".join(whys)) if whys else None,
        kept_accelerators={name: one_line(drift.held_text) for name, drift in (accelerators or {}).items()},
        proposal=" ".join(sorted({drift.digest for drift in held})) or None,
    )


def _defects(
    before: Sequence[Offering], now: Sequence[Offering], pairs: Sequence[Pair], limits: DriftLimits
) -> list[str]:
    """What no market does."""
    defects = []
    ratio = median_ratio(pairs)
    if _factor(ratio) >= limits.unit_error_factor:
        defects.append(f"the median price of {len(pairs)} instance types was {_times(ratio)}: a wrong unit")
    types = len({row.instance_type for row in now})
    old, new = ({row.price_usd_per_hour for row in rows} for rows in (before, now))
    if types >= limits.one_price_types_at_least and len(new) == 1 < len(old):
        defects.append(f"all {types} instance types are at {price_text(min(new))} USD per hour, not so before")
    return defects


def _lost_types(old: ByType, new: ByType, limits: DriftLimits) -> list[_Drift]:
    lost = sorted(old.keys() - new.keys())
    if len(lost) < limits.lost_types_at_least or len(lost) <= limits.lost_types_share * len(old):
        return []
    why = f"{len(lost)} of {len(old)} instance types are lost, {lost[0]} first"
    return [_Drift(why=why, digest=_digest((name,) for name in lost))]


def _lost_rows(old: ByType, new: ByType, limits: DriftLimits) -> list[_Drift]:
    """Fewer sites for the types that both have, whichever: a site may go and come under another name."""
    types = old.keys() & new.keys()
    then, today = ([row for name in types for row in rows[name]] for rows in (old, new))
    lost = len(then) - len(today)
    if lost < limits.lost_types_at_least or lost <= limits.lost_rows_share * len(then):
        return []
    why = f"{lost} of {len(then)} rows are lost"
    return [_Drift(why=why, digest=_digest((row.instance_type, row.region, row.zone or "") for row in today))]


def _vanished(before: Sequence[Offering], now: Sequence[Offering], limits: DriftLimits) -> dict[str, _Drift]:
    """The accelerators that no row has any more; whoever asks for one would be sent elsewhere."""
    gone = {row.accelerator_name for row in before} - {row.accelerator_name for row in now}
    vanished = {}
    for name in sorted(filter(None, gone)):
        types = {row.instance_type for row in before if row.accelerator_name == name}
        if len(types) >= limits.lost_types_at_least:
            why = f"{name} is gone with {len(types)} instance types"
            vanished[name] = _Drift(why=why, digest=_digest((name, kind) for kind in types))
    return vanished


def _median_move(pairs: Sequence[Pair], limits: DriftLimits, table: AcceleratorTable) -> list[_Drift]:
    ratio = median_ratio(pairs)
    if abs(ratio - 1) <= limits.median_move_share:
        return []
    why = f"the median price of {len(pairs)} instance types moved by {float(ratio - 1) * 100:+.1f} %"
    return [_price_drift(why, ratio, pairs, limits, table)]


def _jumps(pairs: Iterable[Pair], limits: DriftLimits, table: AcceleratorTable) -> dict[str, _Drift]:
    """The accelerators that moved too far on their own; what is new has nothing to be compared with."""
    jumps = {}
    for name, own in by_accelerator(pairs).items():
        before, now = usd_per_gpu_hour(own)
        ratio = Fraction(now) / Fraction(before) if before and now else Fraction(1)
        if _factor(ratio) > limits.accelerator_factor:
            why = f"{name} from {price_text(before)} to {price_text(now)} USD per GPU-hour, {_times(ratio)}"
            jumps[name] = _price_drift(why, ratio, own, limits, table)
    return jumps


def _price_drift(
    why: str, ratio: Fraction, pairs: Sequence[Pair], limits: DriftLimits, table: AcceleratorTable
) -> _Drift:
    # The price per GPU too: a wrong count moves it, and nothing else that is in here.
    facts = {
        (row.instance_type, row.region, price_text(row.price_usd_per_hour), str(row.price_usd_per_gpu_hour))
        for _, new in pairs
        for row in new
    }
    return _Drift(why=why, digest=_digest(facts), barred=_barred(ratio, pairs, limits, table))


def _barred(ratio: Fraction, pairs: Iterable[Pair], limits: DriftLimits, table: AcceleratorTable) -> str | None:
    """Why this price move waits for an operator, however often it comes back."""
    if _factor(ratio) >= limits.come_back_factor:
        return f"a factor of {float(limits.come_back_factor):g} or more waits for --accept-drift"
    for name, own in by_accelerator(pairs).items():
        _, price = usd_per_gpu_hour(own)
        low, high = table.price_band(name)
        if not low <= price <= high:
            return f"{name} at {price_text(price)} is not between {low} and {high}, which waits for --accept-drift"
    return None


def _digest(facts: Iterable[tuple[str, ...]]) -> str:
    return hashlib.sha256(json.dumps(sorted(facts)).encode()).hexdigest()[:16]


def _factor(ratio: Fraction) -> Fraction:
    """By what a price was multiplied or divided, whichever is above one."""
    return max(ratio, 1 / ratio)


def _times(ratio: Fraction) -> str:
    # Floats are for people; what is decided is decided on the fraction.
    return f"{'multiplied' if ratio > 1 else 'divided'} by {float(_factor(ratio)):.2f}"
