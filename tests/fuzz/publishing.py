"""What is published says one and the same thing in every form, and can be read back as it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

from fetchers.base import is_site_name
from gpu_catalog import Offering
from gpu_catalog.offers import parse_offers
from gpu_catalog.reading import parse_vms_csv
from schemas import (
    NEWEST,
    SCHEMA_VERSIONS,
    Accepted,
    convert,
    offers_jsonl,
    preload,
    read_parquet,
    validate_catalog,
    validate_images,
    vms_csv,
    vms_parquet,
)
from schemas.images import IMAGE_COLUMNS
from schemas.writers import row_order
from tests.fuzz.promises import assert_publishable

_ONLY_IN_JSON: dict[str, Any] = {
    "instance_type_v7": None, "in_stock": None, "launchable": True, "listing": None, "source": None,
    "observed_at": None, "marks": (),
}  # fmt: skip
"""Fields that a `vms.csv` has no column for, with what a reader finds there."""


def warm_up() -> None:
    """Load what validation needs, which takes longer than an input may."""
    preload()
    validate_images(f"{','.join(IMAGE_COLUMNS)}\n".encode(), "nowhere")


def assert_published_as_it_is(cloud: str, accepted: Accepted) -> None:
    """Every file of an accepted fetch is valid and says what the offerings say."""
    assert set(accepted.files) == set(SCHEMA_VERSIONS)
    for version, content in accepted.files.items():
        rows = sorted(convert(accepted.offerings, version), key=row_order)
        assert validate_catalog(content, cloud, version).ok
        assert_valid_rows(rows)
        assert content == vms_csv(accepted.offerings, version)
        assert parse_vms_csv(content.decode(), cloud) == [in_csv(row, version) for row in rows]
        assert_the_same_in_every_form(rows)


def assert_valid_rows(rows: Sequence[Offering]) -> None:
    """Names that are safe as text, in a path and for pandas; one row per key."""
    assert rows
    for row in rows:
        assert_publishable(row)
        for name in (row.instance_type, row.region, row.zone):
            assert name is None or is_site_name(name)
    assert max(Counter(map(attrgetter("key"), rows)).values()) == 1


def assert_the_same_in_every_form(rows: Sequence[Offering]) -> None:
    """JSON lines and Parquet give back every field of every row."""
    read = [offering for offer in parse_offers(offers_jsonl(rows).decode()) for offering in offer.offerings()]
    assert sorted(read, key=row_order) == sorted(rows, key=row_order)
    assert read_parquet(vms_parquet(rows)) == sorted(rows, key=row_order)


def in_csv(row: Offering, version: str) -> Offering:
    """The row as far as a `vms.csv` can carry it."""
    row = replace(row, **_ONLY_IN_JSON)
    if row.gpu_memory_mib is None:  # The vendor stands in GpuInfo, which is blank without the memory.
        row = replace(row, accelerator_vendor=None)
    return row if version == NEWEST else replace(row, arch=None)
