"""The catalogs that lookups ask, in the form of each program: SkyPilot's folder, gpuhunt's site of zip files.

The published rows, and on request those of a made-up cloud of AWS's size. It takes the place of Nebius: a cloud
that SkyPilot, gpuhunt and we know and of which none does anything special. gpuhunt has no Yotta; its rows stand
as CloudRift there.
"""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.measure import ROOT

CATALOGS = ROOT / "catalogs"
OURS_AS_GPUHUNT = {"yotta": "cloudrift", "lambda": "lambdalabs", "runpod": "runpod", "nebius": "nebius"}
"""Cloud by cloud, the provider of gpuhunt that holds its rows."""
PROVIDERS = ("aws", "azure", "verda", "gcp", "lambdalabs", "nebius", "oci", "runpod", "cloudrift")
"""All that gpuhunt reads when it loads; those without rows are empty."""

LARGE_CLOUD = "nebius"
TYPES, REGIONS, ZONES = 1_000, 35, 2
"""70,000 rows."""
_GPUS = (
    ("T4", 16, 0.4), ("L4", 24, 0.7), ("A10G", 24, 0.9), ("V100", 16, 2.4), ("L40S", 48, 1.6),
    ("A100", 40, 2.3), ("A100-80GB", 80, 2.9), ("H100", 80, 4.4), ("RTX4090", 24, 0.31),
)  # fmt: skip
"""Name, memory in GB and USD per hour of one."""
HEADER = (
    "InstanceType", "AcceleratorName", "AcceleratorCount", "vCPUs", "MemoryGiB", "GpuInfo", "Region", "SpotPrice",
    "Price", "AvailabilityZone",
)  # fmt: skip


def skypilot_home(home: Path, *, large: bool) -> None:
    """`~/.sky/catalogs/v8` as SkyPilot reads it; without digests, so that nothing is fetched."""
    catalogs = home / ".sky" / "catalogs" / "v8"
    shutil.copytree(CATALOGS / "v8", catalogs, ignore=shutil.ignore_patterns("*.jsonl", "*.parquet"))
    if large:
        (catalogs / LARGE_CLOUD).mkdir()
        with (catalogs / LARGE_CLOUD / "vms.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(HEADER)
            writer.writerows(large_cloud())


def large_cloud() -> Iterator[tuple[object, ...]]:
    """The rows of the made-up cloud: one instance type in eight has GPUs, every region has its own price."""
    gpu: tuple[str, float | str, float, float, str]
    for number in range(TYPES):
        size = 2 ** (number % 4)
        if number % 8 == 0:
            name, memory_gb, dollars = _GPUS[number // 8 % len(_GPUS)]
            size = 2 ** (number // 72 % 4)
            each = f"{{'Name': '{name}', 'MemoryInfo': {{'SizeInMiB': {memory_gb * 1024}}}, 'Count': {size}}}"
            gpu = (name, float(size), 8.0 * size, 64.0 * size, f"{{'Gpus': [{each}]}}")
            price = dollars * size * (1 + number / 10_000)
        else:
            gpu = ("", "", 4.0 * size, 16.0 * size, "")
            price = 0.2 * size
        for region in range(REGIONS):
            dearer = round(price * (1 + region / 100), 4)
            for zone in "ab"[:ZONES]:
                site = (f"region-{region}", round(dearer * 0.4, 4), dearer, f"region-{region}{zone}")
                yield (f"m{number}.{size}x", *gpu, *site)


def gpuhunt_site(folder: Path, home: Path) -> None:
    """The rows of a SkyPilot home in gpuhunt's format, `<provider>/<version>/catalog.zip`: a row for each price."""
    catalogs = home / ".sky" / "catalogs" / "v8"
    rows_by_provider: dict[str, list[list[object]]] = {provider: [] for provider in PROVIDERS}
    for cloud, provider in OURS_AS_GPUHUNT.items():
        if (catalogs / cloud / "vms.csv").exists():
            with (catalogs / cloud / "vms.csv").open(encoding="utf-8", newline="") as file:
                rows_by_provider[provider] = [line for row in csv.DictReader(file) for line in _gpuhunt_rows(row)]
    for provider, rows in rows_by_provider.items():
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(_GPUHUNT_HEADER)
        writer.writerows(rows)
        place = folder / provider
        (place / "1").mkdir(parents=True)
        (place / "version").write_text("1", encoding="utf-8")
        with zipfile.ZipFile(place / "1" / "catalog.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{provider}.csv", text.getvalue())


_GPUHUNT_HEADER = (
    "instance_name", "location", "price", "cpu", "memory", "gpu_count", "gpu_name", "gpu_memory", "spot",
    "disk_size", "gpu_vendor", "flags", "cpu_arch", "provider_data",
)  # fmt: skip


def _gpuhunt_rows(row: Mapping[str, str]) -> Iterator[list[object]]:
    """On-demand and spot, as far as there are prices."""
    gpu = row["AcceleratorName"]
    count = int(float(row["AcceleratorCount"])) if gpu else 0
    vendor = ("amd" if gpu.startswith("MI") else "nvidia") if gpu else ""
    memory_mib = row["GpuInfo"].partition("'SizeInMiB': ")[2].partition("}")[0]
    memory = float(memory_mib) / 1024 if memory_mib else ""
    place = row.get("AvailabilityZone") or row["Region"]
    for price, spot in ((row["Price"], False), (row["SpotPrice"], True)):
        if price:
            size = [int(float(row["vCPUs"])), float(row["MemoryGiB"])]
            yield [row["InstanceType"], place, price, *size, count, gpu, memory, spot, "", vendor, "", "x86", "{}"]
