"""RunPod's instance types as SkyPilot spells them.

GPU pods: `<n>x_<name>_<SECURE|COMMUNITY>`; SkyPilot's launcher splits at `_` and looks the name up in a fixed
map (`sky/provision/runpod/utils.py`, 0.14.1), so the name itself holds no `_`. CPU pods:
`<flavor>-<vcpus>-<ram GB>`, passed on as `instance_id`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gpu_catalog.errors import BadInstanceType

_GPU = re.compile(r"([1-9]\d{0,3})x_([A-Za-z0-9-]+)_(SECURE|COMMUNITY)", re.ASCII)
_CPU = re.compile(r"(cpu[a-z0-9]+)-([1-9]\d{0,3})-([1-9]\d{0,4}(?:\.\d{1,3})?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class RunPodGpuInstanceType:
    """A GPU pod."""

    gpu_count: int
    """GPUs in the pod."""

    launch_name: str
    """The GPU's name in SkyPilot's launcher where it has one, else the canonical accelerator name."""

    cloud_type: str
    """`SECURE` or `COMMUNITY`."""

    def __str__(self) -> str:
        return f"{self.gpu_count}x_{self.launch_name}_{self.cloud_type}"


@dataclass(frozen=True, slots=True)
class RunPodCpuInstanceType:
    """A CPU pod."""

    flavor: str
    """Flavor id, e.g. `cpu5c`."""

    vcpus: int
    """vCPUs of the pod."""

    memory_gb: float
    """Main memory of the pod, GB as RunPod counts it."""

    def __str__(self) -> str:
        return f"{self.flavor}-{self.vcpus}-{self.memory_gb:.8g}"


def parse_instance_type(name: str) -> RunPodGpuInstanceType | RunPodCpuInstanceType:
    """Take a name apart; `str()` of the result gives the name back.

    Raises:
        BadInstanceType: neither grammar fits.
    """
    if match := _GPU.fullmatch(name):
        return RunPodGpuInstanceType(int(match[1]), match[2], match[3])
    if match := _CPU.fullmatch(name):
        cpu = RunPodCpuInstanceType(match[1], int(match[2]), float(match[3]))
        if str(cpu) == name:
            return cpu
    raise BadInstanceType(f"{name[:80]!r} is no RunPod instance type (`8x_H100-SXM_SECURE`, `cpu5c-4-8`)")
