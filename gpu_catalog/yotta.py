"""Yotta's instance types: what the two schema versions call one and the same Pod.

v8 (SkyPilot 0.12 and later): `<n>x<vcpus>v<ram>g_<gpu code>_<SECURE|COMMUNITY>` with totals, so one GPU has
different names in different regions. v7 (the older plugin): `<n>x_<accelerator>_<SECURE|COMMUNITY>`.
Source: skypilot-org/skypilot-catalog `catalogs/v8/yotta/vms.csv` @1f69048 (all eight rows) for v8, the fork
yottalabsai/skypilot (branches add_yotta, add_yotta_dev) for v7.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from gpu_catalog.errors import BadInstanceType

CLOUD_TYPES = ("SECURE", "COMMUNITY")

# Greedy on purpose: a GPU code contains underscores itself.
_V8 = re.compile(r"([1-9]\d{0,3})x([1-9]\d{0,5})v([1-9]\d{0,6})g_(\w+)_(SECURE|COMMUNITY)", re.ASCII)
_V7 = re.compile(r"([1-9]\d{0,3})x_([A-Za-z0-9-]+)_(SECURE|COMMUNITY)", re.ASCII)


@dataclass(frozen=True, slots=True)
class YottaInstanceType:
    """A v8 instance type, taken apart."""

    gpu_count: int
    """GPUs in the Pod."""

    vcpus: int
    """vCPUs of the whole Pod."""

    memory_gb: int
    """Main memory of the whole Pod, GB as Yotta counts it."""

    gpu_code: str
    """Yotta's GPU code, which the launch API wants verbatim, e.g. `NVIDIA_GeForce_RTX_5090_32G`."""

    cloud_type: str
    """`SECURE` or `COMMUNITY`."""

    def __str__(self) -> str:
        return f"{self.gpu_count}x{self.vcpus}v{self.memory_gb}g_{self.gpu_code}_{self.cloud_type}"


@dataclass(frozen=True, slots=True)
class YottaInstanceTypeV7:
    """A v7 instance type, taken apart. Its vCPUs and memory are not in the name."""

    gpu_count: int
    """GPUs in the Pod."""

    accelerator_name: str
    """SkyPilot's name of the accelerator, e.g. `RTX5090`."""

    cloud_type: str
    """`SECURE` or `COMMUNITY`."""

    @property
    def gpu_code(self) -> str | None:
        """Yotta's GPU code for the launch API (`yotta_v7_codes.csv` has the evidence); None if not known."""
        return _v7_codes().get(self.accelerator_name)

    def __str__(self) -> str:
        return f"{self.gpu_count}x_{self.accelerator_name}_{self.cloud_type}"


@lru_cache(maxsize=1)
def _v7_codes() -> dict[str, str]:
    """GPU code by accelerator. H100 and A100-80GB are missing: which of several codes is meant is unknown."""
    with Path(__file__).with_name("yotta_v7_codes.csv").open(encoding="utf-8", newline="") as file:
        return {row["accelerator_name"]: row["gpu_code"] for row in csv.DictReader(file)}


def parse_instance_type(name: str) -> YottaInstanceType | YottaInstanceTypeV7:
    """Take a v8 or v7 name apart; `str()` of the result gives the name back.

    Raises:
        BadInstanceType: neither grammar fits.
    """
    if match := _V8.fullmatch(name):
        count, vcpus, memory_gb, code, cloud_type = match.groups()
        return YottaInstanceType(int(count), int(vcpus), int(memory_gb), code, cloud_type)
    if match := _V7.fullmatch(name):
        return YottaInstanceTypeV7(int(match[1]), match[2], match[3])
    raise BadInstanceType(
        f"{name[:80]!r} is no Yotta instance type (v8 `1x14v119g_NVIDIA_GeForce_RTX_5090_32G_SECURE`, "
        "v7 `1x_RTX5090_SECURE`)"
    )
