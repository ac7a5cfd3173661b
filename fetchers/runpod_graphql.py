"""RunPod's GraphQL API: the only source of a pod's vCPUs and memory, and of prices when there is no key.

Public for catalog queries, deprecated, to be retired early in 2027. Fields and arguments are those of
graphql-spec.runpod.io v1.1.0 and of RunPod's own tools; nothing is interpolated from foreign input.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fetchers.answers import Answer
from fetchers.base import list_of_objects, member, shown, text_or_none
from fetchers.errors import FetchError, RateLimited, UnexpectedAnswer
from fetchers.runpod_listing import SENTINEL_ID, CpuListing, GpuListing, Listing
from fetchers.session import Session
from fetchers.tables import data_rows

LARGEST_COUNT = 12
"""GPUs in the largest machine seen so far (RTX A4000); larger pods are scaled."""

_SIZE_ALIAS = re.compile(r"s([1-9]\d{0,3})", re.ASCII)


@dataclass(frozen=True, slots=True)
class PodMinimum:
    """The least that a pod of one GPU count has, at the moment of the answer."""

    vcpus: Any
    """Whole pod; None when out of stock."""

    memory_gb: Any
    """Whole pod; None when out of stock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuDetails:
    """What only GraphQL says of a GPU type."""

    minimums: dict[int, PodMinimum] = field(default_factory=dict)
    """By GPU count."""

    counts_in_stock: frozenset[int] | None = None
    """Counts that some site has now; None when the answer does not say."""

    min_count: Any = None
    """Fewest GPUs in a pod."""

    spot_price_per_gpu: Any = None
    """Secure spot USD per GPU-hour; equal to on-demand since spot is no longer sold."""


def gpu_details(session: Session) -> dict[str, GpuDetails]:
    """Ask for pod sizes only: one request. Its absence degrades the catalog and does not end the run."""
    try:
        return _details(_ask(session, ["gpuTypes"], has_substitute=True)[0])
    except FetchError as exc:
        session.warn(f"GraphQL gave no pod sizes ({exc.what}); sizes are those of the bundled table")
        return {}


def listing_from_graphql(session: Session) -> tuple[Listing, dict[str, GpuDetails]]:
    """Ask for everything: one request, or three when the API refuses so large a document.

    Raises:
        FetchError: a request fails, or the answer has errors or is not of the documented structure.
    """
    data, answer = _ask(session, ["gpuTypes", "dataCenters", "cpuFlavors"])
    sites = list_of_objects(member(data, "dataCenters", "GraphQL"), "`dataCenters`")
    stock = _sites_by_gpu(sites)
    gpus = list_of_objects(member(data, "gpuTypes", "GraphQL"), "`gpuTypes`")
    listing = Listing(
        gpus=[_gpu(item, stock) for item in gpus if item.get("id") != SENTINEL_ID],
        cpus=_cpus(data),
        sites=[site for item in sites if item.get("listed") is True and (site := text_or_none(item.get("id")))],
        source=answer.source,
        observed_at=answer.observed_at,
    )
    return listing, _details(data)


# The query ----------------------------------------------------------------------------------------


def full_query(parts: Sequence[str]) -> str:
    """The GraphQL document for some of the parts gpuTypes, dataCenters, cpuFlavors."""
    return "query RunpodCatalog {\n" + "\n".join(_PARTS[part]() for part in parts) + "\n}"


def _gpu_part() -> str:
    counts = " ".join(
        f"c{n}: lowestPrice(input: {{gpuCount: {n}, secureCloud: true}}) {{ minVcpu minMemory stockStatus }}"
        for n in range(1, LARGEST_COUNT + 1)
    )
    return (
        "gpuTypes { id displayName manufacturer memoryInGb secureCloud securePrice secureSpotPrice "
        f"maxGpuCount maxGpuCountSecureCloud minPodGpuCount {counts} }}"
    )


def _site_part() -> str:
    return (
        "dataCenters { id listed g1: gpuAvailability(input: {gpuCount: 1, secureCloud: true}) "
        "{ gpuTypeId available stockStatus } }"
    )


def _cpu_part() -> str:
    """The flavors, and each known flavor's prices by size: a price needs an instance id, hence the table."""
    prices = []
    for flavor in data_rows("runpod_cpu_flavors"):
        sizes = " ".join(
            f's{vcpus}: specifics(input: {{instanceId: "{flavor["id"]}-{vcpus}-{_gb(flavor, vcpus)}"}}) '
            "{ securePrice }"
            for vcpus in _sizes(flavor)
        )
        prices.append(f'{flavor["id"]}: cpuFlavors(input: {{id: "{flavor["id"]}"}}) {{ id {sizes} }}')
    return "cpuFlavors { id minVcpu maxVcpu ramMultiplier }\n" + "\n".join(prices)


_PARTS = {"gpuTypes": _gpu_part, "dataCenters": _site_part, "cpuFlavors": _cpu_part}


def _ask(session: Session, parts: list[str], *, has_substitute: bool = False) -> tuple[dict[str, Any], Answer]:
    """Send one document; a refusal of its size (400, 413, 5xx) sends its parts one by one."""
    url = session.base_url("RUNPOD_GRAPHQL_URL")
    try:
        answer = session.post(url, {"query": full_query(parts)}, with_key=False, has_substitute=has_substitute)
    except FetchError as exc:
        too_large = exc.status in (400, 413) or (exc.status or 0) >= 500
        if len(parts) == 1 or not too_large:
            raise
        session.warn(f"GraphQL refused the whole document ({exc.what}); asked for it in parts")
        answers = [_ask(session, [part]) for part in parts]
        return {key: value for data, _ in answers for key, value in data.items()}, answers[0][1]
    if isinstance(answer.data, dict) and answer.data.get("errors"):
        # Such an answer may hold part of the data; a part is not a catalog.
        raise _graphql_error(answer.data["errors"])
    data = member(answer.data, "data", "the GraphQL answer")
    if not isinstance(data, dict):
        raise UnexpectedAnswer(
            "`data` of the GraphQL answer is not an object", "the API may have changed; report this"
        )
    return data, answer


def _graphql_error(errors: Any) -> FetchError:
    first = errors[0] if isinstance(errors, list) and isinstance(errors[0], dict) else {}
    message = shown(first.get("message", "no message"), most=200)
    if "too many requests" in message.lower():
        return RateLimited(f"GraphQL answered: {message}", "try again in a few minutes", status=200)
    return UnexpectedAnswer(f"GraphQL answered with errors: {message}", "set RUNPOD_API_KEY or try again later")


# The answer ---------------------------------------------------------------------------------------


def _details(data: dict[str, Any]) -> dict[str, GpuDetails]:
    """By GPU id."""
    items = list_of_objects(member(data, "gpuTypes", "GraphQL"), "`gpuTypes`")
    return {str(item.get("id")): _details_of(item) for item in items}


def _details_of(item: dict[str, Any]) -> GpuDetails:
    minimums, in_stock, stock_known = {}, set(), False
    for count in range(1, LARGEST_COUNT + 1):
        answer = item.get(f"c{count}")
        if not isinstance(answer, dict):
            continue
        minimums[count] = PodMinimum(answer.get("minVcpu"), answer.get("minMemory"))
        stock_known = True
        if answer.get("stockStatus") in ("High", "Medium", "Low"):
            in_stock.add(count)
    return GpuDetails(
        minimums=minimums,
        counts_in_stock=frozenset(in_stock) if stock_known else None,
        min_count=item.get("minPodGpuCount"),
        spot_price_per_gpu=item.get("secureSpotPrice"),
    )


def _gpu(item: dict[str, Any], stock: dict[str, frozenset[str]] | None) -> GpuListing:
    gpu_id = text_or_none(item.get("id"))
    secure_max = item.get("maxGpuCountSecureCloud")
    return GpuListing(
        id=gpu_id,
        display_name=text_or_none(item.get("displayName")),
        vendor=text_or_none(item.get("manufacturer")),
        memory_gb=item.get("memoryInGb"),
        offered=item.get("secureCloud"),
        price_per_gpu=item.get("securePrice"),
        max_count=item.get("maxGpuCount") if secure_max is None else secure_max,
        sites_in_stock=None if stock is None else stock.get(gpu_id or "", frozenset()),
    )


def _sites_by_gpu(sites: list[dict[str, Any]]) -> dict[str, frozenset[str]] | None:
    """Sites with stock by GPU id; None when no site says anything about stock."""
    found: dict[str, set[str]] = {}
    if not any(isinstance(site.get("g1"), list) for site in sites):
        return None
    for site in sites:
        for entry in site.get("g1") or []:
            if isinstance(entry, dict) and entry.get("stockStatus") in ("High", "Medium", "Low"):
                found.setdefault(str(entry.get("gpuTypeId")), set()).add(str(site.get("id")))
    return {gpu_id: frozenset(ids) for gpu_id, ids in found.items()}


def _cpus(data: dict[str, Any]) -> list[CpuListing]:
    listings = []
    for item in list_of_objects(member(data, "cpuFlavors", "GraphQL"), "`cpuFlavors`"):
        flavor = text_or_none(item.get("id"))
        priced = data.get(flavor) if flavor else None
        prices = priced[0] if isinstance(priced, list) and priced and isinstance(priced[0], dict) else {}
        listings.append(
            CpuListing(
                id=flavor,
                min_vcpus=item.get("minVcpu"),
                max_vcpus=item.get("maxVcpu"),
                ram_gb_per_vcpu=item.get("ramMultiplier"),
                price_by_vcpus={
                    int(match[1]): value.get("securePrice")
                    for alias, value in prices.items()
                    if (match := _SIZE_ALIAS.fullmatch(alias)) and isinstance(value, dict)
                },
            )
        )
    return listings


def _sizes(flavor: dict[str, str]) -> list[int]:
    return [int(size) for size in flavor["vcpu_sizes"].split("|")]


def _gb(flavor: dict[str, str], vcpus: int) -> str:
    return f"{float(flavor['ram_gb_per_vcpu']) * vcpus:g}"
