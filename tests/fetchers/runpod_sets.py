"""RunPod's bundled set cut to two sites, so that a catalog has hundreds of rows and not thousands."""

from __future__ import annotations

from typing import Any

from fetchers import Fetched
from gpu_catalog import Offering
from tests.fetchers.recordings import RecordedSet, bundled

GPUS, CPUS, SITES, GRAPHQL = "/catalog/gpus", "/catalog/cpus", "/catalog/datacenters", "/graphql"
TWO_SITES = {"US-KS-2": "US", "EU-RO-1": "RO"}


def two_sites(*, with_key: bool = True, kind: str = "live") -> RecordedSet:
    """The bundled answers with two sites; without a key, a set of GraphQL alone."""
    recorded = bundled("runpod", kind)
    recorded.with_key = with_key
    for holder in (recorded[SITES].body, recorded[GRAPHQL].body["data"]):
        holder["dataCenters"] = [site for site in holder["dataCenters"] if site["id"] in TWO_SITES]
    if not with_key:
        recorded.answers = [recorded[GRAPHQL]]
    return recorded


def item(items: list[dict[str, Any]], item_id: str) -> dict[str, Any]:
    """The item with this id."""
    return next(entry for entry in items if entry["id"] == item_id)


def gpu(recorded: RecordedSet, gpu_id: str) -> dict[str, Any]:
    """A GPU type of the REST answer."""
    return item(recorded[GPUS].body["gpus"], gpu_id)


def details(recorded: RecordedSet, gpu_id: str) -> dict[str, Any]:
    """A GPU type of the GraphQL answer."""
    return item(recorded[GRAPHQL].body["data"]["gpuTypes"], gpu_id)


def cpu(recorded: RecordedSet, flavor: str) -> dict[str, Any]:
    """A flavor of the REST answer."""
    return item(recorded[CPUS].body["cpus"], flavor)


def rows_of(fetched: Fetched, listing: str) -> dict[int, Offering]:
    """The rows of one GPU type in Kansas, by GPU count; of one flavor, by vCPUs."""
    return {
        int(row.accelerator_count or row.vcpus): row
        for row in fetched.offerings
        if row.listing == listing and row.zone == "US-KS-2"
    }


def broken_rules(fetched: Fetched) -> list[tuple[str, str]]:
    """(listing, rule) of what was skipped for a defect."""
    return [(skip.listing, skip.rule) for skip in fetched.skipped if skip.broken]
