"""SkyPilot's list of accelerators."""

from __future__ import annotations

import ast
import csv

import pytest

from gpu_catalog.errors import CannotInstall
from gpu_catalog.skypilot_accelerators import merged_accelerators


def test_merging_never_shrinks() -> None:
    there = b"AcceleratorName,Clouds\r\nA100,\"['AWS', 'GCP']\"\r\ntpu-v4-8,['GCP']\r\n"
    merged = merged_accelerators(there, {"A100": {"Lambda"}, "RTX5090": {"Yotta"}}).decode()
    cells = {row["AcceleratorName"]: row["Clouds"] for row in csv.DictReader(merged.splitlines())}
    assert {name: ast.literal_eval(cell) for name, cell in cells.items()} == {
        "A100": ["AWS", "GCP", "Lambda"], "tpu-v4-8": ["GCP"], "RTX5090": ["Yotta"],
    }  # fmt: skip
    assert merged_accelerators(merged.encode(), {"A100": {"AWS"}}).decode() == merged
    with pytest.raises(CannotInstall, match="not of the known form"):
        merged_accelerators(b"Name,Where\nA100,AWS\n", {"A100": {"AWS"}})
