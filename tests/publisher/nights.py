"""Folders as a night's fetch leaves them, without fetching: some of our offers at other prices, as live data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from gpu_catalog.offering import Offering
from gpu_catalog.reading import read_offers
from publisher.agreement import SAMPLE_SOURCE
from publisher.folder import Folder
from publisher.publication import CloudCatalog, mark_unfetched, publish
from schemas import SCHEMA_VERSIONS, vms_csv
from tests.samples import CATALOGS

Change = Callable[[Offering], Offering | None]


def offerings(cloud: str) -> list[Offering]:
    """The recorded offerings of a cloud."""
    return read_offers(CATALOGS / "v8" / cloud / "offers.jsonl")


def times(factor: str, *accelerators: str) -> Change:
    """Multiply the prices of these accelerators, or of everything."""

    def changed(offering: Offering) -> Offering:
        if accelerators and offering.accelerator_name not in accelerators:
            return offering
        return replace(offering, price_usd_per_hour=(offering.price_usd_per_hour * Decimal(factor)).normalize())

    return changed


def without(*instance_types: str) -> Change:
    """Leave out these instance types."""
    return lambda offering: None if offering.instance_type in instance_types else offering


def night(
    folder: Path, number: int, clouds: Mapping[str, Iterable[Change]], *, failed: Mapping[str, str] | None = None,
    kind: str = "live",
) -> Path:  # fmt: skip
    """Write what a fetch brings on night `number` of December: these clouds with these changes, others failed."""
    observed_at = f"2026-12-{number:02}T02:00:00Z"
    for cloud, changes in clouds.items():
        rows = [replace(offering, observed_at=observed_at) for offering in offerings(cloud)]
        if kind == "live":
            rows = [replace(row, source=(row.source or "").removeprefix(SAMPLE_SOURCE)) for row in rows]
        for change in changes:
            rows = [changed for row in rows if (changed := change(row)) is not None]
        files = {version: vms_csv(rows, version) for version in SCHEMA_VERSIONS}
        catalog = CloudCatalog(cloud=cloud, kind="live" if kind == "live" else "sample", offerings=rows, skipped=(),
                               warnings=(), csv_by_version=files)  # fmt: skip
        publish(Folder(folder), catalog)
    if failed:
        mark_unfetched(Folder(folder), failed)
    return folder
