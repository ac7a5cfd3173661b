"""The lines of SkyPilot's `list_accelerators`, and their order. Helpers of `gpu_catalog.sky`."""

from __future__ import annotations

import math
from typing import NamedTuple

from gpu_catalog.cloud_names import display_name
from gpu_catalog.offering import Offering


class InstanceTypeInfo(NamedTuple):
    """A line of `list_accelerators`, field by field as SkyPilot's class of this name."""

    cloud: str
    """Display name, e.g. `Lambda`."""

    instance_type: str
    """As the cloud's launch API wants it."""

    accelerator_name: str
    """Canonical name."""

    accelerator_count: float
    """Accelerators in the instance."""

    cpu_count: float
    """vCPUs of the instance."""

    device_memory: float | None
    """Memory of one accelerator in GiB; None when unknown."""

    memory: float
    """Main memory of the instance in GiB."""

    price: float
    """On-demand price of the instance, USD per hour."""

    spot_price: float
    """Spot price of the instance, USD per hour; NaN when unknown, as in SkyPilot."""

    region: str
    """As the catalog spells it."""


def cheapest_lines(lines: list[InstanceTypeInfo], *, all_regions: bool) -> list[InstanceTypeInfo]:
    """One line per instance type (and region), in SkyPilot's order; an unknown spot price counts as the highest."""

    def spot(line: InstanceTypeInfo) -> float:
        return math.inf if math.isnan(line.spot_price) else line.spot_price

    kept: dict[tuple[object, ...], InstanceTypeInfo] = {}
    for line in sorted(lines, key=lambda line: (line.price, spot(line), line.region if all_regions else "")):
        key = (line.instance_type, line.accelerator_name, line.accelerator_count, line.cpu_count, line.memory)
        kept.setdefault((*key, line.region) if all_regions else key, line)
    return sorted(
        kept.values(),
        key=lambda line: (
            line.accelerator_name, line.accelerator_count, line.instance_type, line.cpu_count, line.price,
            spot(line), line.region,
        ),
    )  # fmt: skip


def line_of(cloud: str, facts: Offering, region: str) -> InstanceTypeInfo:
    """The line of an offering in one of its regions; `cloud` is the catalog's name of the cloud."""
    spot = facts.spot_price_usd_per_hour
    return InstanceTypeInfo(
        cloud=display_name(cloud),
        instance_type=facts.instance_type,
        accelerator_name=facts.accelerator_name or "",
        accelerator_count=facts.accelerator_count or 0.0,
        cpu_count=facts.vcpus,
        device_memory=None if facts.gpu_memory_mib is None else facts.gpu_memory_mib / 1024,
        memory=facts.memory_gib,
        price=float(facts.price_usd_per_hour),
        spot_price=math.nan if spot is None else float(spot),
        region=region,
    )
