"""Runs inside a SkyPilot environment: answers the questions on standard input with `sky.catalog`.

One JSON question a line, `{"function", "arguments"}`; one answer a line, `{"value"}` or `{"error", "message"}`.
The network is cut: every attempt to use it is an error of its own kind. Uses nothing of this project.
"""

from __future__ import annotations

import json
import math
import os
import socket
import sys
from typing import Any


class NetworkUsed(BaseException):
    """SkyPilot wanted the network, so it did not take our catalog as it is."""


def _refuse(*args: object, **kwargs: object) -> Any:
    raise NetworkUsed(repr(args)[:200])


def _plain(value: Any) -> Any:
    """The answer as JSON: NaN is null, named tuples are lists, regions are [name, zones]."""
    if hasattr(value, "zones") and hasattr(value, "name"):
        return [value.name, None if value.zones is None else [zone.name for zone in value.zones]]
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(member) for member in value]
    if isinstance(value, (bool, str, type(None))):
        return value
    if hasattr(value, "item"):  # a number of numpy
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value


def _answer(functions: dict[str, Any], question: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"value": _plain(functions[question["function"]](**question["arguments"]))}
    except NetworkUsed as exc:
        return {"error": "NetworkUsed", "message": str(exc)}
    except Exception as exc:  # noqa: BLE001 - whatever it dies of is the answer
        return {"error": type(exc).__name__, "message": str(exc)[:300]}


def _resources_cost(cloud: str, instance_type: str, region: str | None = None) -> float:
    import sky
    from sky.utils import registry

    chosen = registry.CLOUD_REGISTRY.from_str(cloud)
    return float(sky.Resources(cloud=chosen, instance_type=instance_type, region=region).get_cost(3600))


def _optimized(accelerators: str, clouds: list[str]) -> list[Any]:
    """[cloud, instance type, USD per hour] that the optimizer chooses, with all these clouds enabled."""
    import sky
    from sky import check, optimizer
    from sky.utils import registry

    enabled = [registry.CLOUD_REGISTRY.from_str(cloud) for cloud in clouds]
    check.get_cached_enabled_clouds_or_refresh = lambda *_args, **_kwargs: enabled
    with sky.Dag() as dag:
        task = sky.Task(run="true")
        task.set_resources(sky.Resources(accelerators=accelerators))
    optimizer.Optimizer.optimize(dag, quiet=True)
    best = task.best_resources
    return [str(best.cloud).lower(), best.instance_type, float(best.get_cost(3600))]


def _generic(name: str, file: str, **arguments: Any) -> Any:
    """One of the functions that the module of every cloud passes its own table to; of a cloud new to SkyPilot."""
    from sky import clouds
    from sky.catalog import common
    from sky.utils import registry

    cloud = file.partition("/")[0]
    if cloud not in registry.CLOUD_REGISTRY:  # What adding a cloud begins with; SkyPilot reads no others' tables.
        registry.CLOUD_REGISTRY.register(type(cloud.capitalize(), (clouds.Cloud,), {}))
    return getattr(common, name)(df=common.read_catalog(file), **arguments)


def main() -> None:
    """Answer until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what SkyPilot prints must not mix with the answers
    for name in ("connect", "connect_ex"):
        setattr(socket.socket, name, _refuse)
    socket.getaddrinfo = _refuse
    from sky import catalog

    names = (
        "instance_type_exists", "validate_region_zone", "get_hourly_cost", "get_vcpus_mem_from_instance_type",
        "get_default_instance_type", "get_accelerators_from_instance_type", "get_instance_type_for_accelerator",
        "get_region_zones_for_instance_type", "list_accelerators",
    )  # fmt: skip
    functions = {name: getattr(catalog, name) for name in names}
    functions |= {"resources_cost": _resources_cost, "optimized": _optimized, "generic": _generic}
    for line in sys.stdin:
        answers.write(json.dumps(_answer(functions, json.loads(line))) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
