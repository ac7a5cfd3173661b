"""The routes: method and path on the emulator's port, as in the request log, the counters and the fault table."""

from __future__ import annotations

Route = tuple[str, str]

YOTTA = "/yotta"
"""Prefix of everything that answers as Yotta; what follows it is the documented path."""

LAMBDA = "/lambda"
"""Prefix of everything that answers as Lambda."""

RUNPOD = "/runpod"
"""Prefix of everything that answers as RunPod, REST v2 and GraphQL."""

YOTTA_TYPES: Route = ("GET", f"{YOTTA}/v2/vms/types")
YOTTA_GPUS: Route = ("POST", f"{YOTTA}/openapi/v1/gpus/list")
LAMBDA_TYPES: Route = ("GET", f"{LAMBDA}/api/v1/instance-types")
LAMBDA_REGIONS: Route = ("GET", f"{LAMBDA}/api/v1/regions")
LAMBDA_IMAGES: Route = ("GET", f"{LAMBDA}/api/v1/images")
RUNPOD_GPUS: Route = ("GET", f"{RUNPOD}/v2/catalog/gpus")
RUNPOD_CPUS: Route = ("GET", f"{RUNPOD}/v2/catalog/cpus")
RUNPOD_DATA_CENTERS: Route = ("GET", f"{RUNPOD}/v2/catalog/datacenters")
RUNPOD_GRAPHQL: Route = ("POST", f"{RUNPOD}/graphql")

ALL = (
    YOTTA_TYPES,
    YOTTA_GPUS,
    LAMBDA_TYPES,
    LAMBDA_REGIONS,
    LAMBDA_IMAGES,
    RUNPOD_GPUS,
    RUNPOD_CPUS,
    RUNPOD_DATA_CENTERS,
    RUNPOD_GRAPHQL,
)


def base_urls(origin: str) -> dict[str, str]:
    """The environment variables that point a client at an emulator; `origin` is `http://127.0.0.1:8000`."""
    return {
        "YOTTA_BASE_URL": origin + YOTTA,
        "LAMBDA_BASE_URL": origin + LAMBDA,
        "RUNPOD_BASE_URL": f"{origin}{RUNPOD}/v2",
        "RUNPOD_GRAPHQL_URL": f"{origin}{RUNPOD}/graphql",
    }
