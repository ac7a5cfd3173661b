"""`python -m benchmarks.estimate`: what an estimate costs, cold, warm and in batches. An idle machine, please."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.reader import seconds

CATALOGS = Path(__file__).resolve().parents[1] / "catalogs"
COLD = f"from gpu_catalog import estimate_cost; assert estimate_cost('A100:1', catalog_dir={str(CATALOGS)!r}).found"
QUESTIONS = ("A100:1", "H100:8", "RTX4090:1")
BATCH = 10_000
TARGETS = {"cold": "110 ms", "warm": "50 us", "batch": "2 s"}


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.estimate", description=__doc__)
    parser.add_argument("--runs", type=int, default=21)
    runs = parser.parse_args().runs
    print("| what | median | target |\n|---|---|---|")
    cold = statistics.median(seconds(COLD) - seconds("pass") for _ in range(runs)) * 1000
    print(f"| cold process: import and A100:1, over bare | {cold:.0f} ms | {TARGETS['cold']} |")
    for asked in QUESTIONS:
        print(f"| warm: {asked}, any cloud | {warm_us(asked):.0f} us | {TARGETS['warm']} |")
    batch = statistics.median(batch_seconds() for _ in range(min(runs, 5)))
    print(f"| estimate-cost --batch - --json, {BATCH:,} NodeConfigs | {batch:.2f} s | {TARGETS['batch']} |")


def warm_us(asked: str) -> float:
    """Median time of an estimate in a process that has made one, in microseconds."""
    from gpu_catalog import estimate_cost

    estimate_cost(asked, catalog_dir=CATALOGS)
    times = []
    for _ in range(5_000):
        started = time.perf_counter()
        estimate_cost(asked, catalog_dir=CATALOGS)
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e6


def batch_seconds() -> float:
    """Wall time of the command over a batch, its start included."""
    nodes = [
        {"provider": "", "region": "", "gpu": name, "gpu_count": int(count)}
        for name, count in (asked.split(":") for asked in QUESTIONS)
    ]
    batch = json.dumps((nodes * BATCH)[:BATCH]).encode()
    program = "from gpu_catalog.estimate_cli import estimate_command; estimate_command()"
    command = [sys.executable, "-c", program, "--batch", "-", "--json", "--root", str(CATALOGS)]
    started = time.perf_counter()
    answers = subprocess.run(command, input=batch, capture_output=True, check=True).stdout
    elapsed = time.perf_counter() - started
    assert len(json.loads(answers)) == BATCH
    return elapsed


if __name__ == "__main__":
    main()
