"""`fetch_skypilot.py CLOUD ORIGIN FOLDER`: SkyPilot's fetcher against the emulator, and the file that it writes.

Only the URLs are set: RunPod's by a variable of its SDK, Lambda's by the module's constant.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import time
from pathlib import Path


def runpod(output: Path) -> float:
    """Seconds of the fetch; the catalog is written after it."""
    from sky.catalog.data_fetchers import fetch_runpod

    started = time.perf_counter()
    instances = fetch_runpod.fetch_runpod_catalog(no_gpu=False, no_cpu=False)
    seconds = time.perf_counter() - started
    fetch_runpod.save_catalog(instances, str(output))
    return seconds


def lambda_cloud(output: Path, origin: str) -> float:
    """Seconds of the fetch, writing included: it is one function."""
    from sky.catalog.data_fetchers import fetch_lambda_cloud

    fetch_lambda_cloud.ENDPOINT = f"{origin}/lambda/api/v1/instance-types"
    started = time.perf_counter()
    # It knows the memory of some GPUs only, and ends at any other.
    fetch_lambda_cloud.create_catalog(os.environ["LAMBDA_API_KEY"], str(output))
    return time.perf_counter() - started


def main() -> None:
    """Fetch one cloud."""
    cloud, origin, folder = sys.argv[1:]
    output = Path(folder) / "vms.csv"
    seconds = runpod(output) if cloud == "runpod" else lambda_cloud(output, origin)
    with output.open(encoding="utf-8", newline="") as file:
        rows = sum(1 for _ in csv.reader(file)) - 1
    print(json.dumps({"call_seconds": seconds, "rows": rows}))


if __name__ == "__main__":
    main()
