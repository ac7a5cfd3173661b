"""What `--probe` asks each cloud, and how the answers bear on the questions that the public documents left open.

An answer function gets what was seen, by the name of the request; an answer of another form than it expects is
reported as such.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fetchers.runpod_graphql import full_query
from fetchers.tables import data_rows
from fetchers.yotta import LISTING_QUERY
from fetchers.yotta_offers import folded


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of a probe."""

    name: str
    """How the answer functions call it."""

    method: str
    variable: str
    """Environment variable of the base URL."""

    path: str
    """Below the base URL."""

    query: tuple[tuple[str, str], ...] = ()
    body: object = None
    with_key: bool = True
    bad_key: bool = False
    """Send a key that is none, to see how it is refused."""

    sampled: bool = True
    """Whether a bundled answer of the same method and path is one to the same question."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer, scrubbed."""

    status: int
    """0 when there was none."""

    headers: Mapping[str, str]
    """Those worth telling, lower case."""

    data: Any
    """Parsed JSON; None when it was no JSON."""

    error: str | None
    """Why there was no answer."""


Answers = Mapping[str, Seen]


@dataclass(frozen=True, slots=True)
class Plan:
    """The probe of one cloud."""

    asks: tuple[Ask, ...]
    questions: tuple[tuple[str, Callable[[Answers], str]], ...]


def said(seen: Seen) -> str:
    """How an endpoint answered, in short."""
    return seen.error or f"HTTP {seen.status}, {seen.headers.get('content-type', 'no media type')}"


def _limits(answers: Answers) -> str:
    told = {
        name: value
        for seen in answers.values()
        for name, value in seen.headers.items()
        if "ratelimit" in name or name == "retry-after"
    }
    return str(told) if told else "no answer carried a rate-limit header"


def _fields(items: Any) -> str:
    return ", ".join(sorted({key for item in items for key in item})) or "none"


# Yotta --------------------------------------------------------------------------------------------


def _yotta_price_fields(answers: Answers) -> str:
    return "; ".join(
        f"{name}: {said(answers[name])}"
        + (f", fields {_fields(answers[name].data['data'])}" if answers[name].status == 200 else "")
        for name in ("type v1", "type v2")
    )


def _yotta_gpus_list(answers: Answers) -> str:
    seen = answers["gpus/list"]
    if seen.status != 200:
        return said(seen)
    items = seen.data["data"]
    codes = sorted({str(item.get("gpuType")) for item in items})
    legacy = [code for code in codes if folded(code) != code.casefold()]
    return (
        f"served; {len(items)} items; fields {_fields(items)}; codes {', '.join(codes)}; legacy: {legacy or 'none'}"
    )


def _yotta_scope(answers: Answers) -> str:
    items = answers["types"].data["data"]
    codes = {folded(str(item.get("gpuType"))) for item in items}
    sold_out = sum(region.get("available") is False for item in items for region in item["regions"])
    pods = "lists" if folded("NVIDIA_RTX_5090_32G") in codes else "does not list"
    return f"it {pods} RTX 5090, which is sold as a Pod; {sold_out} entries are not available"


_YOTTA = Plan(
    asks=(
        Ask("types", "GET", "YOTTA_BASE_URL", "/v2/vms/types"),
        Ask("gpus/list", "POST", "YOTTA_BASE_URL", "/openapi/v1/gpus/list", body=LISTING_QUERY),
        Ask("type v1", "GET", "YOTTA_BASE_URL", "/openapi/v1/vms/type"),
        Ask("type v2", "GET", "YOTTA_BASE_URL", "/v2/vms/type"),
        Ask("api docs", "GET", "YOTTA_BASE_URL", "/v3/api-docs", with_key=False),
        Ask("bad key", "GET", "YOTTA_BASE_URL", "/v2/vms/types", bad_key=True),
    ),
    questions=(
        ("Do /openapi/v1/vms/type and /v2/vms/type give prices, spot, counts?", _yotta_price_fields),
        ("Is /openapi/v1/gpus/list served; its fields and GPU codes?", _yotta_gpus_list),
        ("Does /v2/vms/types cover Pods, and keep sold-out entries?", _yotta_scope),
        ("How is a bad key refused?", lambda answers: said(answers["bad key"])),
        ("Any rate limit?", _limits),
        ("Is /v3/api-docs open?", lambda answers: said(answers["api docs"])),
    ),
)  # fmt: skip


# Lambda -------------------------------------------------------------------------------------------


def _lambda_types(answers: Answers) -> dict[str, Any]:
    types: dict[str, Any] = answers["types"].data["data"]
    return types


def _lambda_cpus(answers: Answers) -> str:
    cpus = {name: entry for name, entry in _lambda_types(answers).items() if name.startswith("cpu_")}
    storage = {name: entry["instance_type"]["specs"].get("storage_gib") for name, entry in cpus.items()}
    return f"CPU types listed, with storage in GiB: {storage or 'none'}"


def _lambda_architecture(answers: Answers) -> str:
    stated = {str(entry["instance_type"].get("architecture")) for entry in _lambda_types(answers).values()}
    return f"`architecture` values: {', '.join(sorted(stated))}"


def _lambda_regions(answers: Answers) -> str:
    return f"{said(answers['regions'])}; " + ", ".join(region["name"] for region in answers["regions"].data["data"])


def _lambda_capacity(answers: Answers) -> str:
    regions = {
        name: [region["name"] for region in entry["regions_with_capacity_available"]]
        for name, entry in _lambda_types(answers).items()
    }
    return f"with capacity now (not the offer): { ({name: where for name, where in regions.items() if where}) }"


def _lambda_caching(answers: Answers) -> str:
    told = {name: seen.headers[h] for name, seen in answers.items() for h in ("cache-control", "etag", "age")
            if h in seen.headers}  # fmt: skip
    return str(told) if told else "no answer carried a caching header"


_LAMBDA = Plan(
    asks=(
        Ask("types", "GET", "LAMBDA_BASE_URL", "/api/v1/instance-types"),
        Ask("regions", "GET", "LAMBDA_BASE_URL", "/api/v1/regions"),
        Ask("images", "GET", "LAMBDA_BASE_URL", "/api/v1/images"),
        Ask("bad key", "GET", "LAMBDA_BASE_URL", "/api/v1/instance-types", bad_key=True),
    ),
    questions=(
        ("What does /regions answer?", _lambda_regions),
        ("Are CPU types still sold; the storage of cpu_4x_generalx?", _lambda_cpus),
        ("Is `architecture` there?", _lambda_architecture),
        ("Body and headers of a 429?", lambda answers: f"not provoked; {_limits(answers)}"),
        ("Any response caching?", _lambda_caching),
        ("Which regions can a type run in?", _lambda_capacity),
        ("Date of SkyPilot's v8 catalog?", lambda _: "not a matter of this API"),
    ),
)


# RunPod -------------------------------------------------------------------------------------------


def _runpod_not_offered(answers: Answers) -> str:
    prices = {str(gpu["price"].get("secure")) for gpu in answers["gpus"].data["gpus"] if gpu.get("secure") is False}
    return f"prices where `secure` is false: {', '.join(sorted(prices)) or 'no such type'}"


def _runpod_sites(answers: Answers) -> str:
    known = {row["id"] for row in data_rows("runpod_sites")}
    sites = {
        site["id"]: f"{site.get('name')} ({site.get('region')})" for site in answers["sites"].data["dataCenters"]
    }
    new = {site: name for site, name in sites.items() if site not in known}
    return f"{len(sites)} sites; not in our table: {new or 'none'}; in our table only: {sorted(known - set(sites))}"


def _graphql_gpus(answers: Answers) -> dict[str, dict[str, Any]]:
    return {gpu["id"]: gpu for gpu in answers["graphql"].data["data"]["gpuTypes"]}


def _runpod_counts(answers: Answers) -> str:
    details = _graphql_gpus(answers)
    differing = {
        gpu["id"]: (gpu["maxCount"]["secure"], details[gpu["id"]].get("maxGpuCountSecureCloud"))
        for gpu in answers["gpus"].data["gpus"]
        if gpu["id"] in details and gpu["maxCount"]["secure"] != details[gpu["id"]].get("maxGpuCountSecureCloud")
    }
    return f"differing (v2, GraphQL): {differing or 'none'}"


def _runpod_unit(answers: Answers) -> str:
    ratios = [
        round(float(gpu["u2"]["uninterruptablePrice"]) / float(gpu["securePrice"]), 2)
        for gpu in answers["unit"].data["data"]["gpuTypes"]
        if gpu["securePrice"] and gpu["u2"] and gpu["u2"].get("uninterruptablePrice")
    ]
    return f"price of 2 GPUs over securePrice: {sorted(set(ratios))} (1: per GPU, 2: per pod)"


def _runpod_memory(answers: Answers) -> str:
    figures = {gpu_id: (gpu.get("c1") or {}).get("minMemory") for gpu_id, gpu in _graphql_gpus(answers).items()}
    return f"minMemory of one GPU, to compare with the console: { ({k: v for k, v in figures.items() if v}) }"


def _runpod_community(answers: Answers) -> str:
    sites = {
        gpu["id"]: [site["id"] for site in gpu.get("dataCenters") or []]
        for gpu in answers["community"].data["gpus"]
    }
    return f"sites of community stock: {({gpu_id: where for gpu_id, where in sites.items() if where}) or 'none'}"


_RUNPOD = Plan(
    asks=(
        Ask("gpus", "GET", "RUNPOD_BASE_URL", "/catalog/gpus",
            (("include", "AVAILABILITY"), ("product", "POD"), ("count", "1"))),
        Ask("community", "GET", "RUNPOD_BASE_URL", "/catalog/gpus",
            (("include", "AVAILABILITY"), ("product", "POD"), ("count", "1"), ("cloud", "COMMUNITY"))),
        Ask("cpus", "GET", "RUNPOD_BASE_URL", "/catalog/cpus"),
        Ask("sites", "GET", "RUNPOD_BASE_URL", "/catalog/datacenters",
            (("include", "GPU_AVAILABILITY,CPU_AVAILABILITY"),)),
        Ask("graphql", "POST", "RUNPOD_GRAPHQL_URL", "", with_key=False,
            body={"query": full_query(["gpuTypes", "dataCenters", "cpuFlavors"])}),
        Ask("unit", "POST", "RUNPOD_GRAPHQL_URL", "", with_key=False,
            body={"query": "query Unit { gpuTypes { id securePrice u2: lowestPrice(input: "
                           "{gpuCount: 2, secureCloud: true}) { uninterruptablePrice } } }"}, sampled=False),
        Ask("bad key", "GET", "RUNPOD_BASE_URL", "/catalog/cpus", bad_key=True),
    ),
    questions=(
        ("Is one GraphQL document of the planned size accepted; any limit told?",
         lambda answers: f"{said(answers['graphql'])}; {_limits({'graphql': answers['graphql']})}"),
        ("Unit of uninterruptablePrice?", _runpod_unit),
        ("What does v2 give as the price of a cloud that is not offered?", _runpod_not_offered),
        ("v2 names and regions of the sites; sites without a known country?", _runpod_sites),
        ("Does v2 maxCount equal GraphQL's?", _runpod_counts),
        ("Is minMemory GB or GiB?", _runpod_memory),
        ("Sites of community stock?", _runpod_community),
        ("Rate limits of v2?", lambda answers: _limits({k: v for k, v in answers.items() if k != "graphql"})),
    ),
)  # fmt: skip

PLANS = {"yotta": _YOTTA, "lambda": _LAMBDA, "runpod": _RUNPOD}
"""By cloud name."""
