"""What the benchmarks show, in counts: requests, bytes, modules and calls, and how they grow with the rows."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.fetch import RememberingEmulator
from benchmarks.layouts import HEADER, LARGE_CLOUD, REGIONS, TYPES, ZONES, gpuhunt_site, large_cloud, skypilot_home
from benchmarks.programs.pipeline_step import catalog
from fetchers import SessionOptions, fetch_cloud, load_fetcher
from gpu_catalog import Catalog, estimate_cost
from gpu_catalog.skypilot_csv import SkyPilotRows
from publisher.folder import Folder
from publisher.publication import publish
from publisher.validate import validate_path
from schemas import validate_catalog
from tests.samples import CATALOGS

ROOT = Path(__file__).resolve().parents[2]


def calls_of(work: Callable[..., object], *arguments: object) -> int:
    """Calls of Python functions: a measure of work that is the same on every machine."""
    count = 0

    def called(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        work(*arguments)
    finally:
        sys.setprofile(before)
    return count


# Fetching -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cloud", "requests", "kilobytes"), [("runpod", 4, 100), ("lambda", 2, 20)])
def test_a_cloud_is_fetched_in_few_requests(cloud: str, requests: int, kilobytes: int) -> None:
    with RememberingEmulator() as emulator:
        fetched = fetch_cloud(load_fetcher(cloud), SessionOptions(environ=emulator.environ))
        assert len(fetched.offerings) > 400
        assert len(emulator.requests) <= requests
        assert emulator.bytes_sent <= kilobytes * 1000


def test_more_types_take_no_more_requests() -> None:
    with RememberingEmulator() as emulator:
        emulator.data.runpod_gpus += [
            {**gpu, "id": f"{gpu['id']} again", "name": f"{gpu['name']} again"} for gpu in emulator.data.runpod_gpus
        ]
        fetch_cloud(load_fetcher("runpod"), SessionOptions(environ=emulator.environ))
        assert len(emulator.requests) <= 4


# Lookups ------------------------------------------------------------------------------------------


def modules_of(program: str) -> int:
    """Modules that a program loads beyond those of the bare interpreter; without what an installation preloads."""
    script = f"import sys; bare = set(sys.modules)\n{program}\nprint(len(set(sys.modules) - bare))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return int(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("program", "most"),
    [
        ("import gpu_catalog", 40),
        (f"from gpu_catalog import Catalog; Catalog.load({str(CATALOGS)!r}).cheapest('A100')", 95),
        (f"from gpu_catalog import estimate_cost; estimate_cost('A100:1', catalog_dir={str(CATALOGS)!r})", 110),
    ],
)
def test_a_lookup_loads_few_modules(program: str, most: int) -> None:
    assert modules_of(program) <= most


def foreign_catalogs(place: Path, types: int) -> Path:
    """A bare tree with the made-up cloud: all its types with GPUs, and as many without as wanted."""
    with_gpus: list[tuple[object, ...]] = []
    without: list[tuple[object, ...]] = []
    for row in large_cloud():
        (with_gpus if row[1] else without).append(row)
    folder = place / str(types) / "v8" / LARGE_CLOUD
    folder.mkdir(parents=True)
    with (folder / "vms.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER, *with_gpus, *without[: types * REGIONS * ZONES]])
    return place / str(types)


def ask(place: Path) -> None:
    assert estimate_cost("A100:1", catalog_dir=place).found


def test_a_lookup_touches_the_rows_that_it_asks_for(tmp_path: Path) -> None:
    few, many = foreign_catalogs(tmp_path, 50), foreign_catalogs(tmp_path, 800)
    ask(foreign_catalogs(tmp_path, 10))  # imports, and fills what is worked out once
    first = [calls_of(ask, place) for place in (few, many)]
    # 52,500 rows of other types more, and not a call for one in ten of them.
    assert first[1] - first[0] < 5_000
    again = [calls_of(ask, place) for place in (few, many)]
    assert again[0] == again[1]


def test_everybody_gets_the_same_rows(tmp_path: Path) -> None:
    skypilot_home(tmp_path / "home", large=True)
    gpuhunt_site(tmp_path / "gpuhunt", tmp_path / "home")
    path = tmp_path / "home/.sky/catalogs/v8" / LARGE_CLOUD / "vms.csv"
    assert SkyPilotRows(path.read_text(encoding="utf-8"), LARGE_CLOUD).check() == (TYPES * REGIONS * ZONES, 0)
    assert (tmp_path / "gpuhunt/nebius/1/catalog.zip").stat().st_size > 100_000


# The pipeline -------------------------------------------------------------------------------------


def read(place: Path) -> None:
    assert Catalog.load(place).cheapest("A40")


def test_the_pipeline_grows_with_the_rows_and_no_faster(tmp_path: Path) -> None:
    calls: dict[int, list[int]] = {}
    for rows in (1_000, 4_000):
        made = catalog(rows, night=1)
        content = made.csv_by_version["v8"]
        assert validate_catalog(content, "runpod", "v8").ok  # imports, and fills what is worked out once
        place = tmp_path / str(rows)
        calls[rows] = [
            calls_of(validate_catalog, content, "runpod", "v8"),
            calls_of(publish, Folder(place), made),
            calls_of(read, place),
        ]
    ratios = [many / few for few, many in zip(calls[1_000], calls[4_000], strict=True)]
    assert max(ratios) < 4.4


def test_validation_makes_few_calls_for_a_row(tmp_path: Path) -> None:
    calls = []
    for rows in (1_000, 4_000):
        path = tmp_path / str(rows) / "v8" / "runpod" / "vms.csv"
        path.parent.mkdir(parents=True)
        path.write_bytes(catalog(rows, night=1).csv_by_version["v8"])
        assert all(report.ok for report in validate_path(path))
        calls.append(calls_of(validate_path, path))
    assert calls[1] - calls[0] < 8 * 3_000
