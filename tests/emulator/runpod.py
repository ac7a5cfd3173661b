"""RunPod REST v2: the catalog of GPUs, CPUs and data centers, with its parameter rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tests.emulator import routes
from tests.emulator.auth import accepts
from tests.emulator.data import Data
from tests.emulator.messages import Reply, Request, json_reply

_PATHS = [route[1] for route in (routes.RUNPOD_GPUS, routes.RUNPOD_CPUS, routes.RUNPOD_DATA_CENTERS)]
_PRODUCTS = ("POD", "CLUSTER", "SERVERLESS")
_REGIONS = (
    "NORTH_AMERICA", "SOUTH_AMERICA", "EUROPE", "ASIA", "MIDDLE_EAST", "AFRICA", "OCEANIA", "ANTARCTICA", "UNKNOWN",
)  # fmt: skip
_VOLUME_TYPES = ("STANDARD", "HIGH_PERFORMANCE")
_GPU_STOCK = ("availability", "dataCenters", "cudaVersions")
_TITLES = {400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed"}
_TITLES |= {403: "Forbidden", 429: "Too Many Requests", 500: "Internal Server Error"}


class _BadParameter(Exception):
    """A query that breaks the documented rules; the text becomes the problem's detail."""


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Reply:
    """An RFC 9457 problem."""
    body = {"title": _TITLES[status], "status": status, "detail": detail}
    return json_reply(status, body, headers, "application/problem+json")


def answer(request: Request, data: Data) -> Reply:
    """Answer a request below `/runpod/v2`."""
    if not accepts(request, "runpod", "bearer"):
        # Only the answer to a missing key is documented.
        return problem(401, ("invalid" if "authorization" in request.headers else "missing") + " bearer token")
    if request.path not in _PATHS:
        return problem(404, "resource not found")
    if request.method != "GET":
        return problem(405, f"{request.method} is not allowed", {"Allow": "GET"})
    try:
        return json_reply(200, _catalog(request.path, _Query(request), data))
    except _BadParameter as exc:
        return problem(400, str(exc))


def _catalog(path: str, query: _Query, data: Data) -> dict[str, Any]:
    if path == routes.RUNPOD_GPUS[1]:
        return {"gpus": _gpus(query, data.runpod_gpus)}
    if path == routes.RUNPOD_CPUS[1]:
        return {"cpus": _cpus(query, data.runpod_cpus)}
    return {"dataCenters": _data_centers(query, data.runpod_data_centers)}


class _Query:
    """The parameters of a request, checked as they are read. Lists come with commas or repeated names."""

    def __init__(self, request: Request) -> None:
        self._values = {
            name: [part for value in values for part in value.split(",")] for name, values in request.query.items()
        }

    def only(self, *names: str) -> None:
        """Refuse other parameters. What the API does with them is unknown; a client should not send them."""
        for name in self._values.keys() - set(names):
            raise _BadParameter(f"unknown parameter {name}")

    def only_with_include(self, *names: str) -> None:
        """Refuse parameters that mean nothing without `include`."""
        if "include" not in self._values and (lost := self._values.keys() & set(names)):
            raise _BadParameter(f"{', '.join(sorted(lost))} requires include")

    def has(self, name: str) -> bool:
        return name in self._values

    def chosen(self, name: str, allowed: Iterable[str]) -> list[str]:
        """The values of an enumeration, all of which must be known."""
        values = self._values.get(name, [])
        if unknown := [value for value in values if value not in tuple(allowed)]:
            raise _BadParameter(f"{name} must be one of {', '.join(allowed)}, not {unknown[0]!r}")
        return values

    def single(self, name: str, pattern: str, rule: str) -> str | None:
        """The one value, which must match; None if it is not given."""
        values = self._values.get(name)
        if values is None:
            return None
        if len(values) != 1 or not re.fullmatch(pattern, values[0]):
            raise _BadParameter(f"{name} must be {rule}")
        return values[0]


def _gpus(query: _Query, gpus: Any) -> Any:
    """The list as recorded: `count`, `cloud`, `countryCodes` and CUDA versions are checked, not applied."""
    with_include = ("count", "cloud", "countryCodes", "cudaVersions", "minCudaVersion")
    query.only("include", "product", *with_include)
    query.only_with_include(*with_include)
    included = query.chosen("include", ("AVAILABILITY",))
    query.single("product", "|".join(_PRODUCTS), f"one of {', '.join(_PRODUCTS)}")
    if query.has("include") and not query.has("product"):
        raise _BadParameter("product is required with include")
    query.single("count", r"[1-9]\d{0,3}", "a whole number of at least 1")
    query.single("cloud", "SECURE|COMMUNITY", "one of SECURE, COMMUNITY")
    if query.has("cudaVersions") and query.has("minCudaVersion"):
        raise _BadParameter("cudaVersions and minCudaVersion are mutually exclusive")
    return gpus if included else _without(gpus, *_GPU_STOCK)


def _cpus(query: _Query, cpus: Any) -> Any:
    query.only("include", "product", "vcpuCount")
    included = query.chosen("include", ("AVAILABILITY",))
    query.single("product", "POD|SERVERLESS", "one of POD, SERVERLESS")
    text = query.single("vcpuCount", r"[1-9]\d{0,3}", "a power of two of at least 2")
    if text and (int(text) < 2 or int(text).bit_count() != 1):
        raise _BadParameter("vcpuCount must be a power of two of at least 2")
    return cpus if included else _without(cpus, "availability", "dataCenters")


def _data_centers(query: _Query, sites: Any) -> Any:
    query.only("include", "regions", "networkVolumeTypes", "compliance", "globalNetwork")
    included = query.chosen("include", ("GPU_AVAILABILITY", "CPU_AVAILABILITY"))
    # How the filters combine is not documented; no client of ours uses them, so they are checked, not applied.
    query.chosen("regions", _REGIONS)
    query.chosen("networkVolumeTypes", _VOLUME_TYPES)
    query.single("globalNetwork", "true|false", "true or false")
    fields = {"GPU_AVAILABILITY": "gpuAvailability", "CPU_AVAILABILITY": "cpuAvailability"}
    return _without(sites, *(name for wanted, name in fields.items() if wanted not in included))


def _without(items: Any, *names: str) -> Any:
    """Copies of the entries without some fields; whatever is no list of objects stays as a test has made it."""
    if not isinstance(items, list):
        return items
    return [
        {key: value for key, value in item.items() if key not in names} if isinstance(item, dict) else item
        for item in items
    ]
