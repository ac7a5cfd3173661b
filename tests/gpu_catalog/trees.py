"""Small hand-written trees of `vms.csv` in the forms of SkyPilot's own catalogs. The figures are made up."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

COLUMNS = (
    "InstanceType", "AcceleratorName", "AcceleratorCount", "vCPUs", "MemoryGiB", "GpuInfo", "Price", "SpotPrice",
    "Region", "AvailabilityZone",
)  # fmt: skip

Row = Sequence[str]


def info(name: str, memory_mib: int, count: str = "1") -> str:
    return (f"{{'Gpus': [{{'Name': '{name}', 'Manufacturer': 'NVIDIA', 'Count': {count}, 'MemoryInfo': "
            f"{{'SizeInMiB': {memory_mib}}}}}], 'TotalGpuMemoryInMiB': {memory_mib}}}")  # fmt: skip


A100S = info("A100", 40960, "8")
AWS: Sequence[Row] = (
    ("p4d.24xlarge", "A100", "8", "96.0", "1152.0", A100S, "32.7726", "9.83", "us-east-1", "use1-az1"),
    ("p4d.24xlarge", "A100", "8", "96.0", "1152.0", A100S, "32.7726", "8.15", "us-west-2", "usw2-az2"),
    ("g5.xlarge", "A10G", "1", "4.0", "16.0", info("A10G", 24576), "1.006", "0.41", "us-east-1", "use1-az1"),
    ("g5.2xlarge", "A10G", "1", "8.0", "32.0", info("A10G", 24576), "1.212", "0.39", "us-east-1", "use1-az1"),
    ("g6.xlarge", "L4", "1", "4.0", "16.0", info("L4", 22888), "0.8048", "", "us-east-1", "use1-az1"),
    ("gr6.16th", "L4", "0.125", "2.0", "4.0", info("L4", 22888), "0.11", "0.05", "us-east-1", "use1-az1"),
    ("trn2.48xlarge", "Trainium2", "16", "192", "2048", "", "", "4.1", "us-east-2", "use2-az3"),
    ("p5.48xlarge", "H100", "8", "192", "2048", info("H100", 81920, "8"), "0", "", "us-east-1", "use1-az1"),
    ("m5.large", "", "", "2", "8", "", "0.096", "0.035", "us-east-1", "use1-az1"),
)  # fmt: skip
"""Zones, spot prices by zone, a spot-only row, a price of 0 for unknown, a CPU instance."""

GCP: Sequence[Row] = (
    ("a2-highgpu-1g", "", "", "12.0", "85.0", "", "0.74", "0.37", "us-central1", "us-central1-a"),
    ("a2-highgpu-1g", "", "", "12.0", "85.0", "", "0.81", "0.31", "europe-west4", "europe-west4-a"),
    ("n1-highmem-8", "", "", "8.0", "52.0", "", "0.47", "0.1", "us-central1", "us-central1-a"),
    ("n1-standard-8", "", "", "8.0", "30.0", "", "0.38", "0.08", "us-central1", "us-central1-a"),
    ("g2-standard-4", "", "", "4.0", "16.0", "", "0.15", "0.06", "us-central1", "us-central1-a"),
    ("g2-standard-12", "", "", "12.0", "48.0", "", "0.43", "0.05", "us-central1", "us-central1-a"),
    ("", "A100", "1", "", "", info("A100", 40960), "2.93", "1.15", "us-central1", "us-central1-a"),
    ("", "A100", "1", "", "", info("A100", 40960), "2.50", "1.20", "europe-west4", "europe-west4-b"),
    ("", "V100", "1", "", "", info("V100", 16384), "2.48", "0.74", "us-central1", "us-central1-a"),
    ("", "L4", "1", "", "", info("L4", 24576), "0.56", "0.22", "us-central1", "us-central1-a"),
    ("", "tpu-v6e-8", "1", "", "", "tpu-v6e-8", "21.6", "10.8", "us-south1", "us-south1-a"),
)  # fmt: skip
"""GPUs apart from their hosts; the A100 of europe-west4 has no host in its zone."""


def tree(folder: Path, clouds: Mapping[str, Sequence[Row]]) -> Path:
    """Write `<folder>/<cloud>/vms.csv` for each cloud; returns the folder."""
    for cloud, rows in clouds.items():
        path = folder / cloud / "vms.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *rows])
    return folder
