"""Asking the emulated clouds, and reading what came of it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from gpu_catalog import Catalog
from gpu_catalog.manifest import read_manifest
from gpu_catalog.offers import Offer
from tests.emulator import Emulator
from tests.publisher.commands import fetch


def fetched(emulator: Emulator, folder: Path, *clouds: str, code: int = 0, few_sites: bool = True) -> str:
    """Fetch these clouds into a folder, assert the exit code; what was said on standard error.

    RunPod has three of its sites: the rules are the same, the run is short.
    """
    if few_sites:
        del emulator.data.runpod_data_centers[3:]
    result = fetch(*clouds, "--output", folder, "--deadline", "20", env=emulator.environ)
    assert result.exit_code == code, result.output
    return result.stderr


def lambda_type(emulator: Emulator, name: str) -> dict[str, Any]:
    """What Lambda says of an instance type, to be changed."""
    details: dict[str, Any] = emulator.data.lambda_types[name]["instance_type"]
    return details


def lambda_price(emulator: Emulator, name: str, cents: object) -> None:
    lambda_type(emulator, name)["price_cents_per_hour"] = cents


def offers(folder: Path, cloud: str) -> dict[str, Offer]:
    """What a reader sees of a cloud, by instance type; a type with two prices fails the test."""
    found = Catalog.load(folder).clouds[cloud].by_instance_type
    assert all(len(same) == 1 for same in found.values())
    return {name: offer for name, (offer,) in found.items()}


def price(folder: Path, instance_type: str, cloud: str = "lambda") -> Decimal:
    return offers(folder, cloud)[instance_type].offering.price_usd_per_hour


def skipped(folder: Path, cloud: str) -> dict[str, str]:
    """By listing the rule that it broke, of what counts as broken."""
    return {skip.listing: skip.rule for skip in read_manifest(folder).clouds[cloud].skipped if skip.broken}


def copied(value: Any) -> Any:
    """JSON that can be changed without changing the original."""
    return json.loads(json.dumps(value))
