"""Sizes that move every few minutes do not move the catalog."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from publisher.steady import with_steady_sizes
from tests.emulator import Emulator, by_id
from tests.publisher.commands import fetch
from tests.schemas.examples import H100


def b300(folder: Path) -> tuple[float, float]:
    """vCPUs and memory of one B300 in the published catalog."""
    with (folder / "v8/runpod/vms.csv").open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["InstanceType"] == "1x_B300_SECURE")
    return float(row["vCPUs"]), float(row["MemoryGiB"])


def published(emulator: Emulator, folder: Path, minimum: dict[str, Any]) -> tuple[float, float]:
    by_id(emulator.data.graphql_gpu_types, "NVIDIA B300 SXM6 AC")["c1"].update(minimum)
    assert fetch("runpod", "--output", folder, env=emulator.environ).exit_code == 0
    return b300(folder)


def test_a_small_move_keeps_the_last_size_and_a_large_one_does_not(emulator: Emulator, tmp_path: Path) -> None:
    assert published(emulator, tmp_path, {"minVcpu": 40, "minMemory": 500}) == (40, 500)
    assert published(emulator, tmp_path, {"minVcpu": 44, "minMemory": 450}) == (40, 500)
    assert published(emulator, tmp_path, {"minVcpu": 60, "minMemory": 500}) == (60, 500)


LEAST = replace(H100, vcpus=40.0, memory_gib=500.0, marks=("minimum",))


@pytest.mark.parametrize(
    ("now", "stays"),
    [
        ({"vcpus": 50.0}, True),
        ({"vcpus": 30.0, "memory_gib": 625.0}, True),
        ({"vcpus": 50.5}, False),
        ({"vcpus": 29.5}, False),
        ({"vcpus": 41.0, "memory_gib": 626.0}, False),
        ({"vcpus": 41.0, "marks": ()}, False),
        ({"vcpus": 41.0, "instance_type": "another"}, False),
    ],
    ids=str,
)
def test_a_quarter_is_the_largest_move_that_is_none(now: dict[str, Any], stays: bool) -> None:
    offering = replace(LEAST, **now)
    size = replace(offering, vcpus=40.0, memory_gib=500.0)
    assert with_steady_sizes([offering], [LEAST]) == [size if stays else offering]
    assert with_steady_sizes([offering], [replace(LEAST, marks=())]) == [offering]
    assert with_steady_sizes([offering], []) == [offering]


def test_a_sample_steadies_nothing(emulator: Emulator, catalogs: Path) -> None:
    assert b300(catalogs) == (43, 503)
    assert published(emulator, catalogs, {"minVcpu": 40, "minMemory": 500}) == (40, 500)
