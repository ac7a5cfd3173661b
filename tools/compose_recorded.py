"""Compose the bundled sample answers in ``fetchers/recorded/`` from the fact tables.

The facts stand in ``tools/facts/*.csv`` and ``fetchers/data/lambda_regions.csv``, each row with its source
and date; this script only writes them in the shapes the APIs document. ``fetchers/recorded/README.md`` tells
where the figures are from.

    python tools/compose_recorded.py            write the files
    python tools/compose_recorded.py --check    exit 1 if the files differ from the facts
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

AS_OF = "2026-11-22T00:00:00Z"
NOTE = "Composed from published facts, not captured from the API; see ../README.md."
MAX_GPU_COUNT = 12  # the fetcher asks for pods of 1 to 12 GPUs

Row = dict[str, str]


@dataclass(frozen=True)
class Answer:
    """One answer of an API, as ``index.json`` lists it."""

    request: str
    """method and path"""
    file: str
    body: dict[str, object]
    date: str
    """date of its oldest fact, YYYY-MM-DD; of the oldest price that becomes a row where it carries prices"""
    source: str
    query: dict[str, str] = field(default_factory=dict)
    status: int = 200


def to_json(value: object, depth: int = 0) -> str:
    """Return JSON laid out like ``json.dumps(value, indent=1)``, each Decimal in its own digits."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        brackets = "{}"
        items = [f"{to_json(key)}: {to_json(item, depth + 1)}" for key, item in value.items()]
    elif isinstance(value, list):
        brackets = "[]"
        items = [to_json(item, depth + 1) for item in value]
    else:
        return json.dumps(value, ensure_ascii=False)
    if not items:
        return brackets
    line = "\n" + " " * (depth + 1)
    return brackets[0] + line + f",{line}".join(items) + line[:-1] + brackets[1]


def read_table(path: Path) -> list[Row]:
    """Return the rows of a CSV file in their order."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def number(text: str) -> Decimal | None:
    """Return the figure of a cell, ``None`` for an empty one."""
    return Decimal(text) if text else None


def words(text: str) -> list[str]:
    """Return the parts of a cell that holds a list, ``a|b``."""
    return text.split("|") if text else []


def oldest(dates: Iterable[str]) -> str:
    """Return the earliest of dates written as YYYY-MM-DD or YYYY; empty ones do not count."""
    return min(date for date in dates if date)


def v2_gpu(row: Row) -> dict[str, object]:
    """Return a GPU type as ``GET /v2/catalog/gpus`` lists it, without its stock."""
    return {
        "id": row["id"],
        "name": row["display_name"],
        "pool": row["pool"] or None,
        "manufacturer": row["manufacturer"].upper(),
        "memory": number(row["memory_gb"]),
        "secure": row["secure"] == "true",
        "community": row["community"] == "true",
        "price": {"secure": number(row["price_secure"]), "community": number(row["price_community"])},
        "maxCount": {
            "secure": number(row["max_count_secure"]),
            "community": number(row["max_count_community"]),
        },
    }


def v2_cpu(row: Row) -> dict[str, object]:
    """Return a CPU flavor as ``GET /v2/catalog/cpus`` lists it."""
    return {
        "id": row["id"],
        "name": row["name"],
        "group": row["group_name"],
        "vcpu": {"min": number(row["vcpu_min"]), "max": number(row["vcpu_max"])},
        "ramGbPerVcpu": number(row["ram_gb_per_vcpu"]),
        "price": {
            "securePerVcpu": number(row["price_secure_per_vcpu"]),
            "serverlessPerVcpu": number(row["price_serverless_per_vcpu"]),
        },
    }


def v2_site(row: Row) -> dict[str, object]:
    """Return a site as ``GET /v2/catalog/datacenters`` lists it, without its stock."""
    return {
        "id": row["id"],
        "name": row["name"],
        "region": row["region"],
        "globalNetwork": row["global_network"] == "true",
        "networkVolumeTypes": words(row["network_volume_types"]),
        "compliance": [],
    }


def graphql_gpu(row: Row, sizes: dict[tuple[str, str], Row]) -> dict[str, object]:
    """Return a GPU type of the GraphQL API with the pod sizes that were observed."""
    secure, community = int(row["max_count_secure"]), int(row["max_count_community"])
    gpu: dict[str, object] = {
        "id": row["id"],
        "displayName": row["display_name"],
        "manufacturer": row["manufacturer"],
        "memoryInGb": number(row["memory_gb"]),
        "secureCloud": row["secure"] == "true",
        "communityCloud": row["community"] == "true",
        "maxGpuCount": max(secure, community),
        "maxGpuCountSecureCloud": secure,
        "maxGpuCountCommunityCloud": community,
        "minPodGpuCount": number(row["min_pod_gpu_count"]),
        "securePrice": number(row["price_secure"]),
        "communityPrice": number(row["price_community"]),
        "secureSpotPrice": number(row["spot_secure"]),
        "communitySpotPrice": number(row["spot_community"]),
    }
    for count in range(1, MAX_GPU_COUNT + 1):
        size = sizes.get((row["id"], str(count)), {})
        gpu[f"c{count}"] = {
            "minVcpu": number(size.get("min_vcpu", "")),
            "minMemory": number(size.get("min_memory_gb", "")),
            "stockStatus": None,
        }
    return gpu


def graphql_site(row: Row) -> dict[str, object]:
    """Return a site of the GraphQL API."""
    return {
        "id": row["id"],
        "name": row["id"],
        "location": row["location"],
        "listed": row["listed"] == "true",
    }


def graphql_cpu(row: Row) -> dict[str, object]:
    """Return a CPU flavor of the GraphQL API."""
    return {
        "id": row["id"],
        "groupId": row["group_id"],
        "groupName": row["group_name"],
        "displayName": row["name"],
        "minVcpu": number(row["vcpu_min"]),
        "maxVcpu": number(row["vcpu_max"]),
        "ramMultiplier": number(row["ram_gb_per_vcpu"]),
    }


def graphql_cpu_prices(row: Row) -> dict[str, object]:
    """Return the price of each size of a CPU flavor: powers of two, USD per hour of the whole instance."""
    prices: dict[str, object] = {"id": row["id"]}
    vcpus = int(row["vcpu_min"])
    while vcpus <= int(row["vcpu_max"]):
        price = (vcpus * Decimal(row["price_secure_per_vcpu"])).normalize()
        prices[f"s{vcpus}"] = {"securePrice": price, "stockStatus": None}
        vcpus *= 2
    return prices


def runpod(root: Path) -> list[Answer]:
    """Compose the answers of RunPod's REST v2 and GraphQL APIs."""
    facts = root / "tools" / "facts"
    gpus, cpus, sites, sizes = (
        read_table(facts / f"runpod_{name}.csv") for name in ("gpus", "cpus", "sites", "pod_sizes_observed")
    )
    gpu_date = oldest(row["price_secure_date"] for row in gpus if row["secure"] == "true")
    cpu_date = oldest(row["date"] for row in cpus)
    size_by_pod = {(row["gpu_id"], row["gpu_count"]): row for row in sizes}
    graphql: dict[str, object] = {
        "gpuTypes": [graphql_gpu(row, size_by_pod) for row in gpus],
        "dataCenters": [graphql_site(row) for row in sites],
        "cpuFlavors": [graphql_cpu(row) for row in cpus],
        **{row["id"]: [graphql_cpu_prices(row)] for row in cpus},
    }
    prices = "secure prices: SkyPilot catalog v8 @01acdfd4, undated, INFERRED mid-2026"
    places = "sites: RunPod docs and SkyPilot 0.14.1"
    return [
        Answer(
            "GET /v2/catalog/gpus",
            "catalog_gpus.json",
            {"gpus": [v2_gpu(row) for row in gpus]},
            gpu_date,
            prices,
            query={"count": "1", "include": "AVAILABILITY", "product": "POD"},
        ),
        Answer(
            "GET /v2/catalog/cpus",
            "catalog_cpus.json",
            {"cpus": [v2_cpu(row) for row in cpus]},
            cpu_date,
            prices,
        ),
        Answer(
            "GET /v2/catalog/datacenters",
            "catalog_datacenters.json",
            {"dataCenters": [v2_site(row) for row in sites]},
            oldest(row["date"] for row in sites),
            places,
            query={"include": "GPU_AVAILABILITY,CPU_AVAILABILITY"},
        ),
        Answer(
            "POST /graphql",
            "graphql.json",
            {"data": graphql},
            oldest([gpu_date, cpu_date, *(row["date"] for row in sizes)]),
            f"{prices}; vCPU and RAM of 6 pods: the same catalog; {places}",
        ),
    ]


def lambda_type(row: Row, descriptions: dict[str, str]) -> dict[str, object]:
    """Return an entry of ``GET /api/v1/instance-types``."""
    return {
        "instance_type": {
            "name": row["name"],
            "description": row["description"],
            "gpu_description": row["gpu_description"],
            "price_cents_per_hour": number(row["price_cents_per_hour"]),
            "specs": {key: number(row[key]) for key in ("vcpus", "memory_gib", "storage_gib", "gpus")},
            "architecture": row["architecture"],
        },
        "regions_with_capacity_available": [
            {"name": name, "description": descriptions[name]} for name in words(row["capacity_regions"])
        ],
    }


def lambda_cloud(root: Path) -> list[Answer]:
    """Compose the answers of the Lambda Cloud API."""
    types = read_table(root / "tools" / "facts" / "lambda_instance_types.csv")
    regions = read_table(root / "fetchers" / "data" / "lambda_regions.csv")
    descriptions = {row["name"]: row["description"] for row in regions}
    return [
        Answer(
            "GET /api/v1/instance-types",
            "instance_types.json",
            {"data": {row["name"]: lambda_type(row, descriptions) for row in types}},
            oldest(row["date"] for row in types),
            "a recorded response of 2026-08-20 and lambda.ai/instances of 2026-09-20; "
            "CPU types: SkyPilot catalog v8 @0f4070387 and a listing of 2026-05-28",
        ),
        Answer(
            "GET /api/v1/regions",
            "regions.json",
            {"data": [{key: row[key] for key in ("name", "description")} for row in regions]},
            oldest(row["date"] for row in regions),
            "regions of a recorded /images response of 2025-11-22",
        ),
    ]


def yotta(root: Path) -> list[Answer]:
    """Compose the answers of the Yotta API."""
    rows = read_table(root / "tools" / "facts" / "yotta_vm_types.csv")
    types: dict[str, list[object]] = {}
    for row in rows:
        types.setdefault(row["gpu_type"], []).append(
            {
                "region": row["region"],
                "regionName": row["region_name"],
                "available": row["available"] == "true",
                "vmTypeId": number(row["vm_type_id"]),
            }
        )
    data = [{"gpuType": gpu_type, "regions": regions} for gpu_type, regions in types.items()]
    date = oldest(row["date"] for row in rows)
    return [
        Answer(
            "GET /v2/vms/types",
            "vms_types.json",
            {"message": "success", "code": 10000, "data": data},
            date,
            "Yotta docs @e8f520c, example; further pairs: third-party note, undated",
        ),
        Answer(
            "POST /openapi/v1/gpus/list",
            "gpus_list.json",
            {"message": "Record not exist", "code": 10007, "data": None},
            date,
            "INFERRED: no public sample of its items exists; envelope and code as documented",
            status=404,
        ),
    ]


def index(cloud: str, answers: list[Answer]) -> dict[str, object]:
    """Return the index of a cloud's answers."""
    return {
        "format": 1,
        "cloud": cloud,
        "kind": "sample",
        "as_of": AS_OF,
        "note": NOTE,
        "answers": [
            {
                "method": answer.request.split()[0],
                "path": answer.request.split()[1],
                "query": answer.query,
                "status": answer.status,
                "headers": {"Content-Type": "application/json"},
                "body": answer.file,
                "observed_at": f"{answer.date}T00:00:00Z",
                "source": answer.source,
            }
            for answer in answers
        ],
    }


def compose(root: Path) -> dict[Path, str]:
    """Return the text of every file, by its path under ``fetchers/recorded/``."""
    files: dict[Path, str] = {}
    for cloud, answers in (("lambda", lambda_cloud(root)), ("runpod", runpod(root)), ("yotta", yotta(root))):
        files[Path(cloud, "index.json")] = to_json(index(cloud, answers)) + "\n"
        for answer in answers:
            files[Path(cloud, answer.file)] = to_json(answer.body) + "\n"
    return files


def differences(files: dict[Path, str], folder: Path) -> list[str]:
    """Return one line for each file of ``folder`` that is missing, differs or does not belong there."""
    lines = []
    for name, text in files.items():
        path = folder / name
        if not path.is_file():
            lines.append(f"{path}: missing")
        elif path.read_bytes() != text.encode():
            lines.append(f"{path}: differs from the facts")
    present = {path.relative_to(folder) for path in folder.glob("*/*.json")}
    return lines + [f"{folder / name}: not composed, remove it" for name in sorted(present - files.keys())]


def main() -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(description="Compose fetchers/recorded/ from the fact tables.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file differs")
    parser.add_argument(
        "--root", type=Path, default=Path(__file__).resolve().parents[1], help="folder of the repository"
    )
    args = parser.parse_args()
    files = compose(args.root)
    folder = args.root / "fetchers" / "recorded"
    if not args.check:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
    lines = differences(files, folder)
    for line in lines:
        print(line, file=sys.stderr)
    if lines and args.check:
        print("Run: python tools/compose_recorded.py", file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
