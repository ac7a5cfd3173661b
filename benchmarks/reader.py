"""`python -m benchmarks.reader`: what importing and asking costs, against the bare interpreter.

Whole processes, in turn, the median of so many runs; the difference is taken pair by pair. An idle machine, please.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

CATALOGS = Path(__file__).resolve().parents[1] / "catalogs"
PROGRAMS = {
    "import gpu_catalog": "import gpu_catalog",
    "cold: cheapest H100:8": (
        f"from gpu_catalog import Catalog; assert Catalog.load({str(CATALOGS)!r}).cheapest('H100', 8)"
    ),
}
TARGET_MS = {"import gpu_catalog": 40.0, "cold: cheapest H100:8": 110.0}


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reader", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=21)
    runs = parser.parse_args().runs
    print("| what | median over bare | target |\n|---|---|---|")
    for what, program in PROGRAMS.items():
        over = statistics.median(seconds(program) - seconds("pass") for _ in range(runs))
        print(f"| {what} | {over * 1000:.0f} ms | {TARGET_MS[what]:.0f} ms |")
    print(f"| warm: cheapest H100:8 | {warm_us():.1f} us | 50 us |")


def seconds(program: str) -> float:
    """Wall time of a process that runs the program."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
    return time.perf_counter() - started


def warm_us() -> float:
    """Median time of a lookup in a process that has the catalogs loaded, in microseconds."""
    from gpu_catalog import Catalog

    catalog = Catalog.load(CATALOGS)
    times = []
    for _ in range(2_000):
        started = time.perf_counter()
        catalog.cheapest("H100", 8)
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e6


if __name__ == "__main__":
    main()
