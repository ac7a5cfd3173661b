"""What RunPod lists, in one form for both of its APIs, and how REST v2 says it.

Figures stay as they arrived (`Any`): they are judged one by one when rows are made, so that one bad figure costs
one row. REST v2 needs a key and comes first; GraphQL (`runpod_graphql`) stands in when there is none.
Source: runpod/docs `api-reference-v2/openapi.json` @a900806e.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from fetchers.answers import Answer
from fetchers.base import list_of_objects, member, text_or_none
from fetchers.session import Session
from fetchers.side_by_side import side_by_side

SENTINEL_ID = "unknown"
"""Both APIs end their GPU list with it; it is no GPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuListing:
    """One GPU type as RunPod lists it."""

    id: str | None
    """API id, the only stable key (display names have changed their meaning)."""

    display_name: str | None
    """Name for people."""

    vendor: str | None
    """Manufacturer as written by the API."""

    memory_gb: Any
    """GB of one GPU."""

    offered: Any
    """Whether it is sold on secure cloud: only then does the price mean anything."""

    price_per_gpu: Any
    """Secure on-demand USD per GPU-hour."""

    max_count: Any
    """GPUs of the largest machine."""

    sites_in_stock: frozenset[str] | None
    """Sites with at least one free now; None when the answer does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuListing:
    """One CPU flavor as RunPod lists it."""

    id: str | None
    """Flavor id, e.g. `cpu5c`."""

    min_vcpus: Any
    """Smallest size."""

    max_vcpus: Any
    """Largest size; sizes are the powers of two between."""

    ram_gb_per_vcpu: Any
    """May be a fraction."""

    price_per_vcpu: Any = None
    """USD per vCPU-hour (REST v2)."""

    price_by_vcpus: dict[int, Any] | None = None
    """USD per hour of the whole pod by its vCPUs (GraphQL)."""

    sites_in_stock: frozenset[str] | None = None
    """As in `GpuListing`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Everything that RunPod lists."""

    gpus: list[GpuListing]
    cpus: list[CpuListing]
    sites: list[str]
    """Data center ids."""

    source: str
    """URL that the prices came from."""

    observed_at: str
    """When the prices were seen."""


def listing_from_rest(session: Session) -> Listing:
    """Ask REST v2: three requests, side by side.

    Raises:
        FetchError: any of them fails or is not of the documented structure.
    """
    base = session.base_url("RUNPOD_BASE_URL") + "/catalog"
    asked = {
        "gpus": {"include": "AVAILABILITY", "product": "POD", "count": "1"},
        "cpus": {},
        "datacenters": {"include": "GPU_AVAILABILITY,CPU_AVAILABILITY"},
    }
    answers: list[Answer] = side_by_side(
        *(partial(session.get, f"{base}/{name}", query) for name, query in asked.items())
    )
    gpus, cpus, sites = answers
    gpu_items = list_of_objects(member(gpus.data, "gpus", "/catalog/gpus"), "`gpus`")
    cpu_items = list_of_objects(member(cpus.data, "cpus", "/catalog/cpus"), "`cpus`")
    site_items = list_of_objects(member(sites.data, "dataCenters", "/catalog/datacenters"), "`dataCenters`")
    return Listing(
        gpus=[_gpu(item) for item in gpu_items if item.get("id") != SENTINEL_ID],
        cpus=[_cpu(item) for item in cpu_items],
        sites=[site for item in site_items if (site := text_or_none(item.get("id")))],
        source=gpus.source,
        observed_at=gpus.observed_at,
    )


def _gpu(item: dict[str, Any]) -> GpuListing:
    return GpuListing(
        id=text_or_none(item.get("id")),
        display_name=text_or_none(item.get("name")),
        vendor=text_or_none(item.get("manufacturer")),
        memory_gb=item.get("memory"),
        offered=item.get("secure"),
        price_per_gpu=_object(item.get("price")).get("secure"),
        max_count=_object(item.get("maxCount")).get("secure"),
        sites_in_stock=_sites_in_stock(item),
    )


def _cpu(item: dict[str, Any]) -> CpuListing:
    return CpuListing(
        id=text_or_none(item.get("id")),
        min_vcpus=_object(item.get("vcpu")).get("min"),
        max_vcpus=_object(item.get("vcpu")).get("max"),
        ram_gb_per_vcpu=item.get("ramGbPerVcpu"),
        price_per_vcpu=_object(item.get("price")).get("securePerVcpu"),
        sites_in_stock=_sites_in_stock(item),
    )


def _sites_in_stock(item: dict[str, Any]) -> frozenset[str] | None:
    """`dataCenters` is left out when there is no stock anywhere; without `availability` stock was not asked for."""
    if "availability" not in item:
        return None
    entries = item.get("dataCenters") or []
    return frozenset(
        str(entry.get("id"))
        for entry in entries
        if isinstance(entry, dict) and entry.get("availability") not in (None, "NONE")
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
