"""`pipeline_step.py STEP ROWS PLACE`: one step of the pipeline on one made-up live cloud, its imports not timed.

The cloud: the recorded RunPod types in several families, each region with two zones and its own price. PLACE holds
the folders of three nights and a store with the first, as `prepare` makes them.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from gpu_catalog import Catalog
from gpu_catalog.offering import Offering
from gpu_catalog.reading import read_offer_lines
from publisher.folder import Folder
from publisher.publication import CloudCatalog, publish
from publisher.push import push
from publisher.store import open_store
from publisher.validate import validate_path
from schemas import SCHEMA_VERSIONS, preload, vms_csv

CATALOGS = Path(__file__).resolve().parents[2] / "catalogs"
SHAPES = {1_000: (50, 10), 4_000: (100, 20), 10_000: (200, 25), 40_000: (500, 40), 100_000: (1_000, 50)}
"""Instance types and regions by number of rows; every region has two zones."""

Figures = dict[str, float]


def offerings(rows: int, *, night: int) -> list[Offering]:
    """The rows of a night. The second is the first again; on the third every twentieth price is higher by 1 %."""
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
    """`call_seconds` and `call_cpu_seconds` of a step; CPU time is steadier, since waiting for the disk varies."""
    started, cpu_started = time.perf_counter(), time.process_time()
    step()
    return {
        "call_seconds": time.perf_counter() - started,
        "call_cpu_seconds": time.process_time() - cpu_started,
    }


def prepare(place: Path, rows: int) -> Figures:
    """The folders of three nights, and a store with the first."""
    for night in (1, 2, 3):
        publish(Folder(place / f"night-{night}"), catalog(rows, night=night))
    return timed(lambda: push(place / "night-1", open_store(place / "store")))


def validate(place: Path, rows: int) -> Figures:
    """`publish-catalog validate` of one file; `expectations_seconds` of it are Great Expectations' own."""
    importing = timed(preload)["call_seconds"]
    from great_expectations.datasource.fluent.interfaces import Batch

    in_expectations = 0.0
    own: Callable[..., Any] = Batch.validate

    def counted(*arguments: object, **options: object) -> object:
        nonlocal in_expectations
        started = time.perf_counter()
        try:
            return own(*arguments, **options)
        finally:
            in_expectations += time.perf_counter() - started

    setattr(Batch, "validate", counted)  # noqa: B010 - a method, to mypy

    def step() -> None:
        (report,) = validate_path(place / "night-1" / "v8" / "runpod" / "vms.csv")
        assert report.ok, report.to_text()
        assert report.rows == rows

    figures = timed(step)
    assert in_expectations, "Great Expectations was not asked"
    return {**figures, "import_seconds": importing, "expectations_seconds": in_expectations}


def write(place: Path, rows: int) -> Figures:
    """The write of `fetch-catalog`, into a new folder."""
    import pyarrow.parquet  # noqa: F401

    made = catalog(rows, night=1)
    with tempfile.TemporaryDirectory(dir=place) as folder:
        return timed(lambda: publish(Folder(Path(folder)), made))


def read(place: Path) -> Figures:
    """`Catalog.load` of what was written, and the first lookup."""

    def step() -> None:
        loaded = Catalog.load(place / "night-1")
        assert loaded.cheapest("A40", 1)

    return timed(step)


def pushed(place: Path, night: int, *, new_store: bool = False) -> Figures:
    """A push of a night's folder into a store, a new one or one with the first night."""
    import pyarrow.parquet  # noqa: F401

    with tempfile.TemporaryDirectory(dir=place) as folder:
        store = Path(folder) / "store"
        if not new_store:
            shutil.copytree(place / "store", store)

        def step() -> None:
            result = push(place / f"night-{night}", open_store(store))
            assert result.exit_code == 0, result.notes
            assert result.changed == (new_store or night == 3)

        return timed(step)


PREPARE = "prepare"
STEPS: dict[str, Callable[[Path, int], Figures]] = {
    PREPARE: prepare,
    "validate": validate,
    "write": write,
    "push, first": lambda place, _: pushed(place, 1, new_store=True),
    "push, nothing changed": lambda place, _: pushed(place, 2),
    "push, 5 % of prices changed": lambda place, _: pushed(place, 3),
    "read": lambda place, _: read(place),
}


if __name__ == "__main__":
    print(json.dumps(STEPS[sys.argv[1]](Path(sys.argv[3]), int(sys.argv[2]))))
