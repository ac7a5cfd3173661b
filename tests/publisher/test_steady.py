"""Sizes that move every few minutes do not move the catalog."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from tests.emulator import Emulator, by_id
from tests.publisher.commands import fetch


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


def test_a_sample_steadies_nothing(emulator: Emulator, catalogs: Path) -> None:
    assert b300(catalogs) == (43, 503)
    assert published(emulator, catalogs, {"minVcpu": 40, "minMemory": 500}) == (40, 500)
