"""`python -m benchmarks.publishing`: what validating, publishing and pushing 1,000 to 100,000 rows costs.

One made-up live cloud: the recorded RunPod types in several families, each region with two zones and its own price.
Each measurement is a process of its own, its imports not counted in the time; the median of so many runs. CPU time
is shown too, since waiting for the disk varies. Peak memory is of the whole process. An idle machine, please.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gpu_catalog.offering import Offering
    from publisher.publication import CloudCatalog

Figures = tuple[float, float, float]
"""Seconds, CPU seconds and megabytes."""

CATALOGS = Path(__file__).resolve().parents[1] / "catalogs"
SHAPES = {1_000: (50, 10), 10_000: (200, 25), 100_000: (1_000, 50)}
"""Instance types and regions by number of rows; every region has two zones."""
TARGETS = {
    "validate": "2 s",
    "publish into a folder": "4 s",
    "push, first": "4 s",
    "push, nothing changed": "4 s",
    "push, 5 % of prices changed": "4 s",
}
"""At 100,000 rows; every process below 700 MB, and no step slower per row than at 10,000."""


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.publishing", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rows", type=int, choices=SHAPES, nargs="*", default=list(SHAPES))
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        what, place = asked.child
        print(json.dumps(_CHILDREN[what](Path(place), asked.rows[0])))
        return
    print("| what | rows | median | CPU | per 1,000 rows | peak memory | target |\n|---|---|---|---|---|---|---|")
    for rows in asked.rows:
        with tempfile.TemporaryDirectory() as place:
            measured("prepare", Path(place), rows)
            for what, target in TARGETS.items():
                found = [measured(what, Path(place), rows) for _ in range(asked.runs)]
                wall, cpu, peak_mb = map(statistics.median, zip(*found, strict=True))
                figures = f"{wall:.2f} s | {cpu:.2f} s | {wall / rows * 1e6:.0f} ms | {peak_mb:.0f} MB"
                print(f"| {what} | {rows:,} | {figures} | {target if rows == max(SHAPES) else ''} |", flush=True)


def measured(what: str, place: Path, rows: int) -> Figures:
    """The figures of one process. Nothing large is imported here: a child inherits our peak memory."""
    command = [sys.executable, "-m", __spec__.name, "--rows", str(rows), "--child", what, str(place)]
    wall, cpu, peak_mb = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return wall, cpu, peak_mb


def offerings(rows: int, *, night: int) -> list[Offering]:
    """The rows of a night. The second is the first again; on the third every twentieth price is higher by 1 %."""
    from dataclasses import replace
    from decimal import Decimal

    from gpu_catalog.reading import read_offer_lines

    recorded = [offer.offering for offer in read_offer_lines(CATALOGS / "v8" / "runpod" / "offers.jsonl")]
    types, regions = SHAPES[rows]
    found = []
    for number in range(types):
        family, place = divmod(number, len(recorded))
        one = recorded[place]
        # A name that keeps RunPod's grammar: 1x_A40-f2_SECURE, cpu5cf2-4-8.
        end, mark = ("_SECURE", "-f") if one.accelerator_name else ("-", "f")
        name = one.instance_type.replace(end, f"{mark}{family}{end}", 1) if family else one.instance_type
        for region in range(regions):
            per_mille = 1000 + 10 * family + region
            if night == 3 and (number * regions + region) % 20 == 0:
                per_mille += 10
            price = round(one.price_usd_per_hour * per_mille / Decimal(1000), 6).normalize()
            for zone in ("a", "b"):
                row = replace(one, instance_type=name, price_usd_per_hour=price, region=f"region-{region}",
                              zone=f"region-{region}{zone}", source="benchmark",
                              observed_at=f"2026-12-0{night}T02:00:00Z")  # fmt: skip
                found.append(row)
    assert len(found) == rows
    return found


def catalog(rows: int, *, night: int) -> CloudCatalog:
    """The catalog of a night, as validation hands it on."""
    from publisher.publication import CloudCatalog
    from schemas import SCHEMA_VERSIONS, vms_csv

    found = offerings(rows, night=night)
    return CloudCatalog(
        cloud="runpod",
        kind="live",
        offerings=found,
        skipped=(),
        warnings=(),
        csv_by_version={version: vms_csv(found, version) for version in SCHEMA_VERSIONS},
    )


def timed(step: Callable[[], object]) -> Figures:
    """Seconds of a step, CPU seconds of it, and the peak memory of this process in MB (10^6 bytes) after it."""
    started, cpu_started = time.perf_counter(), time.process_time()
    step()
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu_started
    return wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def _prepare(place: Path, rows: int) -> Figures:
    """The folders of three nights, and a store with the first."""
    from publisher.folder import Folder
    from publisher.publication import publish
    from publisher.push import push
    from publisher.store import open_store

    for night in (1, 2, 3):
        publish(Folder(place / f"night-{night}"), catalog(rows, night=night))
    return timed(lambda: push(place / "night-1", open_store(place / "store")))


def _validate(place: Path, rows: int) -> Figures:
    """`publish-catalog validate` of one file."""
    from publisher.validate import validate_path
    from schemas import preload

    preload()

    def step() -> None:
        (report,) = validate_path(place / "night-1" / "v8" / "runpod" / "vms.csv")
        assert report.ok, report.to_text()
        assert report.rows == rows

    return timed(step)


def _publish(place: Path, rows: int) -> Figures:
    """The write of `fetch-catalog`, into a new folder."""
    from publisher.folder import Folder
    from publisher.publication import publish
    from schemas import preload

    preload()
    made = catalog(rows, night=1)
    with tempfile.TemporaryDirectory(dir=place) as folder:
        return timed(lambda: publish(Folder(Path(folder)), made))


def _push(place: Path, night: int, *, new_store: bool = False) -> Figures:
    import pyarrow.parquet  # noqa: F401

    from publisher.push import push
    from publisher.store import open_store

    with tempfile.TemporaryDirectory(dir=place) as folder:
        store = Path(folder) / "store"
        if not new_store:
            shutil.copytree(place / "store", store)

        def step() -> None:
            pushed = push(place / f"night-{night}", open_store(store))
            assert pushed.exit_code == 0, pushed.notes
            assert pushed.changed == (new_store or night == 3)

        return timed(step)


_CHILDREN: dict[str, Callable[[Path, int], Figures]] = {
    "prepare": _prepare,
    "validate": _validate,
    "publish into a folder": _publish,
    "push, first": lambda place, _: _push(place, 1, new_store=True),
    "push, nothing changed": lambda place, _: _push(place, 2),
    "push, 5 % of prices changed": lambda place, _: _push(place, 3),
}


if __name__ == "__main__":
    main()
