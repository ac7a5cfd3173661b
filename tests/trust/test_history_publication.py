"""Replays of history: files half written, changed for no reason or not to be pinned. See `history.py`."""

from __future__ import annotations

import hashlib
import os
import shutil
from datetime import datetime, timezone
from pathlib import Path

import pytest

from gpu_catalog import Catalog, SyncFailed, estimate_cost
from gpu_catalog.manifest import FileEntry, read_manifest
from gpu_catalog.sync import sync
from publisher.push import push
from publisher.store import Store, open_store
from publisher.upkeep import rollback, verify_store
from tests.emulator import Emulator, by_id
from tests.gpu_catalog.site import Site
from tests.gpu_catalog.test_catalog import republished
from tests.publisher.commands import digests
from tests.publisher.nights import night, times
from tests.samples import CATALOGS
from tests.trust.asked import fetched, lambda_price, price

A10 = "gpu_1x_a10"
VMS = "v8/lambda/vms.csv"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store in a folder, with a first live publication of Lambda."""
    opened = open_store(str(tmp_path / "store"))
    push(night(tmp_path / "night-1", 1, {"lambda": ()}), opened, now=at(1))
    return opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The sample catalogs, to be served and changed."""
    return shutil.copytree(CATALOGS, tmp_path / "catalogs")


def at(number: int) -> datetime:
    return datetime(2026, 12, number, 3, tzinfo=timezone.utc)


def test_06_skypilot_8633_truncated_before_it_is_written(emulator: Emulator, store: Store, tmp_path: Path) -> None:
    """A file is written beside the old one and takes its place whole: who reads the old one reads it to its end."""
    fetched(emulator, tmp_path / "fetched", "lambda")
    fetched_file, store_file = tmp_path / "fetched" / VMS, tmp_path / "store" / VMS
    with Site(tmp_path / "store") as site:
        cache = tmp_path / "cache"
        sync([site.url], cache)
        places = (fetched_file, store_file, cache / "latest.json", tmp_path / "store/latest.json")
        before = {path: path.read_text() for path in places}
        readers = {path: path.open() for path in places}

        lambda_price(emulator, A10, 149)
        fetched(emulator, tmp_path / "fetched", "lambda")
        push(night(tmp_path / "night-2", 2, {"lambda": [times("1.1", "A10")]}), store, now=at(2))
        sync([site.url], cache)

    for path, reader in readers.items():
        with reader:
            assert reader.read() == before[path] != path.read_text()
    assert price(cache, A10) == price(tmp_path / "store", A10)


def test_07_skypilot_6272_the_prices_of_the_day_the_server_was_started(store: Store, tmp_path: Path) -> None:
    """A catalog that is held looks at the pointer and swaps whole; what it was before never changes."""
    catalog = Catalog.load(tmp_path / "store")
    first, first_folder = catalog.snapshot, catalog.folder
    first_files = digests(first_folder)
    push(night(tmp_path / "night-2", 2, {"lambda": [times("1.1", "A10")]}), store, now=at(2))

    def a10() -> list[str]:
        return [str(o.offering.price_usd_per_hour) for o in catalog.clouds["lambda"].by_instance_type[A10]]

    assert a10() == ["1.29"]
    assert catalog.refresh()
    assert a10() == ["1.419"]
    assert str(first.clouds["lambda"].by_instance_type[A10][0].offering.price_usd_per_hour) == "1.29"
    assert digests(first_folder) == first_files
    assert not catalog.refresh()


def test_25_skypilot_6824_a_catalog_that_changes_with_every_run(emulator: Emulator, tmp_path: Path) -> None:
    """Stock, order and sizes that move every few minutes change no catalog; a night without news publishes none."""
    details = by_id(emulator.data.graphql_gpu_types, "NVIDIA L4")
    details["c1"] = {"minVcpu": 10, "minMemory": 50, "stockStatus": "Low"}
    fetched(emulator, tmp_path / "fetched", "lambda", "runpod")
    store = open_store(str(tmp_path / "store"))
    first = push(tmp_path / "fetched", store)
    before = {name: digest for name, digest in digests(tmp_path / "fetched").items() if name.endswith("vms.csv")}

    for entry in emulator.data.lambda_types.values():
        entry["regions_with_capacity_available"] = emulator.data.lambda_regions[::3]
    for number, gpu in enumerate(emulator.data.runpod_gpus):
        gpu.update(availability="LOW", dataCenters=[{"id": "AP-IN-1", "availability": "LOW"}] * (number % 2))
    emulator.data.runpod_gpus.reverse()
    details["c1"] = {"minVcpu": 11, "minMemory": 46, "stockStatus": "High"}
    fetched(emulator, tmp_path / "fetched", "lambda", "runpod")
    again = push(tmp_path / "fetched", store)

    assert {name: digests(tmp_path / "fetched")[name] for name in before} == before
    assert (again.changed, again.manifest.id) == (False, first.manifest.id)


def test_28_gpuhunt_internal_catalog_py_a_run_that_cannot_be_pinned(store: Store, tmp_path: Path) -> None:
    """One manifest names every file of every cloud with its hash, fresh or kept, and stands for good."""
    kept = night(tmp_path / "night-2", 2, {"yotta": ()}, failed={"lambda": "HTTP 503"})
    pinned = push(kept, store, now=at(2)).manifest
    assert {cloud: entry.state for cloud, entry in pinned.clouds.items()} == {"lambda": "kept", "yotta": "fresh"}
    push(night(tmp_path / "night-3", 3, {"lambda": [times("1.1")], "yotta": [times("1.1")]}), store, now=at(3))

    place = tmp_path / "store/publications" / pinned.id
    assert read_manifest(place) == pinned
    assert {name.split("/")[1] for name in pinned.files} >= {"lambda", "yotta"}
    for name, entry in pinned.files.items():
        assert FileEntry.of((place / name).read_bytes(), entry.rows) == entry
    assert price(place, A10) * 11 / 10 == price(tmp_path / "store", A10)
    rollback(store, pinned.id, now=at(4))
    assert price(tmp_path / "store", A10) == price(place, A10)
    assert verify_store(store) == []


def test_29_skypilot_sky_catalog_common_py_a_failed_refresh_that_looks_new(folder: Path, tmp_path: Path) -> None:
    """What readers follow is written last, and the age of a price is in the data, not in the date of a file."""
    cache = tmp_path / "cache"
    with Site(folder) as site:
        sync([site.url], cache)
        before, pointer = estimate_cost("A10:1", catalog_dir=cache), (cache / "latest.json").read_bytes()
        republished(folder, '"price_usd_per_hour": 1.29', '"price_usd_per_hour": 1.49', cloud="lambda")
        site.faults["lambda/offers.jsonl"] = "cut"
        with pytest.raises(SyncFailed, match=r"kept .*, prices of 2026-07-01"):
            sync([site.url], cache)
    for path in cache.rglob("*"):
        os.utime(path)

    assert (cache / "latest.json").read_bytes() == pointer
    after = estimate_cost("A10:1", catalog_dir=cache)
    assert (
        (after.hourly_cost, after.prices_as_of) == (before.hourly_cost, before.prices_as_of) == (1.29, "2026-05-28")
    )


def test_30_sc_data_data_py_without_a_hash_in_the_header(folder: Path, tmp_path: Path) -> None:
    """A file is what its hash in the manifest says, worked out again; no header is needed to find news."""
    cache = tmp_path / "cache"
    with Site(folder) as site:
        site.with_etags = False
        sync([site.url], cache)
        republished(folder, '"price_usd_per_hour": 1.29', '"price_usd_per_hour": 1.49', cloud="lambda")
        assert sync([site.url], cache).changed
        assert str(price(cache, A10)) == "1.49"

        republished(
            folder, '"price_usd_per_hour": 1.49', '"price_usd_per_hour": 1.39', "20261202T000000Z-000000000002",
            cloud="lambda",
        )  # fmt: skip
        spoiled = folder / "v8/lambda/offers.jsonl"
        right = spoiled.read_bytes()
        spoiled.write_bytes(right.replace(b"1.39", b"1.09"))  # As long as it should be.
        with pytest.raises(SyncFailed, match="is not the file of the manifest"):
            sync([site.url], cache)
        assert str(price(cache, A10)) == "1.49"
        spoiled.write_bytes(right)
        assert sync([site.url], cache).changed
    assert str(price(cache, A10)) == "1.39"
    listed = read_manifest(Catalog.load(cache).folder).files["v8/lambda/offers.jsonl"]
    assert listed.sha256 == hashlib.sha256(right).hexdigest()
