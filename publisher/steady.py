"""Sizes that move every few minutes without meaning, held still.

RunPod's API gives the least vCPUs and memory of a pod at that moment. Taken as they are, they would change the
catalog every night; so a size of the last publication stays until the new one is more than 25 % away.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gpu_catalog.offering import Offering

LARGEST_MOVE = 0.25


def with_steady_sizes(offerings: Iterable[Offering], previous: Iterable[Offering]) -> list[Offering]:
    """The offerings, those marked `minimum` with the sizes of the same type in `previous` where they are near."""
    known = {
        before.instance_type: (before.vcpus, before.memory_gib) for before in previous if "minimum" in before.marks
    }
    return [_steadied(offering, known.get(offering.instance_type)) for offering in offerings]


def _steadied(offering: Offering, before: tuple[float, float] | None) -> Offering:
    if before is None or "minimum" not in offering.marks:
        return offering
    vcpus, memory_gib = before
    near = _near(offering.vcpus, vcpus) and _near(offering.memory_gib, memory_gib)
    return replace(offering, vcpus=vcpus, memory_gib=memory_gib) if near else offering


def _near(now: float, before: float) -> bool:
    return abs(now - before) <= LARGEST_MOVE * before
