"""Offerings and accelerators that the tests of `schemas` start from."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from gpu_catalog.accelerators import Accelerator, AcceleratorTable
from gpu_catalog.offering import Offering, Skipped


def _accelerator(name: str, memory_gib: float, low: str, high: str, **overrides: float) -> Accelerator:
    return Accelerator(
        name=name,
        vendor="NVIDIA",
        memory_gib=memory_gib,
        usd_per_gpu_hour_min=Decimal(low),
        usd_per_gpu_hour_max=Decimal(high),
        synonym_of=None,
        runpod_launch_name=None,
        memory_overrides=overrides,
        aliases=(),
        source="test",
    )


TABLE = AcceleratorTable(
    [
        _accelerator("H100", 80, "0.5", "12"),
        _accelerator("RTX5090", 32, "0.16", "3"),
        _accelerator("B300", 288, "1", "30", yotta=262),
    ]
)

H100 = Offering(
    cloud="somecloud",
    instance_type="1x_H100_SECURE",
    region="us-east-1",
    vcpus=26.0,
    memory_gib=200.0,
    price_usd_per_hour=Decimal("2.49"),
    accelerator_name="H100",
    accelerator_count=1.0,
    accelerator_vendor="NVIDIA",
    gpu_memory_mib=81920,
)

CPU = Offering(
    cloud="somecloud",
    instance_type="cpu_4x_general",
    region="us-east-1",
    vcpus=4.0,
    memory_gib=16.0,
    price_usd_per_hour=Decimal("0.2"),
)

RTX5090 = replace(
    H100,
    instance_type="1x14v119g_NVIDIA_GeForce_RTX_5090_32G_SECURE",
    instance_type_v7="1x_RTX5090_SECURE",
    vcpus=14.0,
    memory_gib=119.0,
    price_usd_per_hour=Decimal("0.65"),
    accelerator_name="RTX5090",
    gpu_memory_mib=32768,
)


def h100s(count: int) -> list[Offering]:
    """That many good offerings, each an instance type and a listing of its own in a region of its own."""
    return [
        replace(H100, instance_type=f"t{n}_H100_SECURE", region=f"region-{n}", listing=f"listing {n}")
        for n in range(count)
    ]


def skip(listing: str, **changes: Any) -> Skipped:
    """Something that a fetcher skipped as broken."""
    skipped = Skipped(cloud="somecloud", listing=listing, rule="no-memory", reason="no memory", broken=True)
    return replace(skipped, **changes)
