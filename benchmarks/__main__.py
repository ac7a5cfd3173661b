"""`python -m benchmarks [PART...]`: measure, and write docs/benchmarks.*. On an idle machine, please.

Parts: fetch, lookup, pipeline, startup; all of them by default. A part that is not asked for keeps its results. The
peers are installed first, each into an environment of its own (GPU_CATALOG_CONTRACT_ENVS, else in ~/.cache).
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks import fetch, lookup, pipeline, report, startup
from benchmarks.measure import ROOT, Failed, Series
from benchmarks.peers import VERSIONS, python_of
from tests.contract.clients import CannotInstall

PARTS = {"fetch": fetch.measure, "lookup": lookup.measure, "pipeline": pipeline.measure, "startup": startup.measure}
LIBRARIES = ("pandas", "great-expectations", "pyarrow", "requests", "click")


def main(arguments: list[str] | None = None) -> int:
    """0 when all was measured, whatever came out; 1 when something could not be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("parts", metavar="PART", nargs="*", help=f"{', '.join(PARTS)}; all by default")
    parser.add_argument("--runs", type=int, default=7, help="of everything that is not slow (default: 7)")
    parser.add_argument("--quick", action="store_true", help="one run of less, to see whether it works")
    parser.add_argument("--output", type=Path, default=report.DOCS, help="folder (default: docs)")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    results = report.read(asked.output)
    try:
        for peer in VERSIONS:
            python_of(peer)
        for part in asked.parts or PARTS:
            results[part] = measured_part(part, 1 if asked.quick else asked.runs, quick=asked.quick)
            results = {name: results[name] for name in PARTS if name in results}
            verdicts = report.write(results, asked.output)
    except (CannotInstall, Failed) as exc:
        print(exc, file=sys.stderr)
        return 1
    if "pipeline" in results:
        from benchmarks.plot import draw

        draw([Series(**one) for one in results["pipeline"]["series"]], asked.output / "benchmarks.svg")
    print(report.targets_table(verdicts))
    return 0


def measured_part(part: str, runs: int, *, quick: bool) -> dict[str, Any]:
    """The results of a part, with where and when they were had."""
    started, load_before = time.monotonic(), os.getloadavg()[0]
    print(f"{part} ...", file=sys.stderr, flush=True)
    series = PARTS[part](runs, quick=quick)
    seconds = round(time.monotonic() - started)
    print(f"{part}: {seconds} s", file=sys.stderr, flush=True)
    about = {
        "at": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(),
        "cpu": cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "os": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_before": f"{load_before:.1f}",
        "load_after": f"{os.getloadavg()[0]:.1f}",
        "seconds": seconds,
        "versions": {**VERSIONS, **{name: metadata.version(name) for name in LIBRARIES}},
    }
    return {"about": about, "series": [one.to_dict() for one in series]}


def commit() -> str:
    """The commit that is measured; with a `+` when files were changed since."""
    git = ["git", "-C", str(ROOT)]
    done = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", "*.py"], check=False).returncode
    return (done.stdout.strip() or "unknown") + ("+" if changed else "")


def cpu() -> str:
    """Model of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown processor"


if __name__ == "__main__":
    sys.exit(main())
