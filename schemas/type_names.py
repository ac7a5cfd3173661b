"""What an instance type says about itself, on the clouds whose names are of our making.

Lambda's names are keys of its API: whatever they look like, nothing follows from them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from gpu_catalog import runpod, yotta
from gpu_catalog.errors import BadInstanceType

_UNKNOWN = math.nan


class TypeFigures(NamedTuple):
    """The figures inside an instance type; unknown where its cloud does not write them there."""

    type_error: str | None = None
    """Why the name does not follow the grammar of its cloud."""

    type_count: float = _UNKNOWN
    """Accelerators in the instance."""

    type_cpus: float = _UNKNOWN
    """vCPUs of the instance."""

    type_memory_gib: float = _UNKNOWN
    """Main memory of the instance."""


def type_figures(name: str | None, cloud: str) -> TypeFigures:
    """The figures of an instance type of this cloud; all unknown for a cloud whose names are its own."""
    if name is None or cloud not in ("runpod", "yotta"):
        return TypeFigures()
    try:
        kind = runpod.parse_instance_type(name) if cloud == "runpod" else yotta.parse_instance_type(name)
    except BadInstanceType as exc:
        return TypeFigures(type_error=str(exc))
    if isinstance(kind, runpod.RunPodCpuInstanceType):
        return TypeFigures(type_cpus=kind.vcpus, type_memory_gib=kind.memory_gb)
    if isinstance(kind, yotta.YottaInstanceType):
        return TypeFigures(None, kind.gpu_count, kind.vcpus, kind.memory_gb)
    return TypeFigures(type_count=kind.gpu_count)
