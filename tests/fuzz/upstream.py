"""Targets: what comes from other sites, SkyPilot's catalogs and publications of ours."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from gpu_catalog import BadCatalogFile, Catalog, GpuCatalogError, SyncFailed
from gpu_catalog.gcp import GcpRows
from gpu_catalog.manifest import FileEntry
from gpu_catalog.market import UPSTREAM, Market
from gpu_catalog.pointer import Pointer
from gpu_catalog.prices import PriceLine
from gpu_catalog.reading import decoded
from gpu_catalog.skypilot_csv import SkyPilotRows
from gpu_catalog.sync import sync
from gpu_catalog.upstream import sync_upstream
from tests.fetchers.recordings import exact_json
from tests.fuzz.catalog_files import MANIFEST
from tests.fuzz.mutation import damaged_csv, damaged_json
from tests.fuzz.target import Target
from tests.gpu_catalog.hostile import has_documented_kinds, outcome
from tests.gpu_catalog.trees import AWS, GCP, tree
from tests.samples import CATALOGS


@cache
def csv_of(cloud: str) -> bytes:
    """A small file in the form of SkyPilot's."""
    with tempfile.TemporaryDirectory() as folder:
        tree(Path(folder), {"aws": AWS, "gcp": GCP})
        return (Path(folder) / cloud / "vms.csv").read_bytes()


def check_skypilot_csv(cloud: str, content: bytes) -> None:
    """Lines that mean something out of the rows that keep the rules, or one refusal."""
    rows = outcome(lambda: SkyPilotRows(decoded(content, "file"), cloud), refusal=BadCatalogFile)
    if rows is None:
        return
    outcome(rows.check, refusal=BadCatalogFile)
    for source in (rows, GcpRows(rows)):
        lines = [line for key in source.gpu_names for line in source.with_gpu(key)]
        lines += [line for name in source.instance_types for line in source.of_type(name.lower())]
        for line in lines:
            assert_meaningful(line)


def assert_meaningful(line: PriceLine) -> None:
    """What an estimate may rely on."""
    assert has_documented_kinds(line)
    assert all(price is None or (price > 0 and price == round(price, 6)) for price in (line.on_demand, line.spot))
    assert line.sites
    assert all(name.isprintable() for place in line.sites for name in (line.instance_type, *place[2:]))
    assert (line.gpu is None) == (line.gpu_count is None)
    assert line.gpu_memory_mib is None or line.gpu_memory_mib > 0


@contextmanager
def places() -> Iterator[tuple[Path, Path]]:
    """A site and a cache, both empty."""
    with tempfile.TemporaryDirectory() as name:
        site, cache = Path(name) / "site", Path(name) / "cache"
        site.mkdir()
        cache.mkdir()
        yield site, cache


def files_of(folder: Path) -> Mapping[str, bytes]:
    """Content by path of all that lies there, but for the lock."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def check_upstream(given: tuple[bytes, bytes]) -> None:
    """A file is taken whole and can be asked, or the one that was there stays; its state can be anything."""
    content, state = given
    with places() as (site, cache):
        for place, text in ((site / "v8" / "aws", content), (cache / UPSTREAM / "v8" / "aws", csv_of("aws"))):
            place.mkdir(parents=True)
            (place / "vms.csv").write_bytes(text)
        (cache / UPSTREAM / "v8" / "aws" / "source.json").write_bytes(state)
        before = files_of(cache)
        (synced,) = sync_upstream(["aws"], cache, [site.as_uri()])
        if synced.problem is not None:
            assert synced.problem.isprintable()
            assert files_of(cache) == before
        held = (cache / UPSTREAM / "v8" / "aws" / "vms.csv").read_bytes()
        assert held == (csv_of("aws") if synced.problem else content)
        market = Market(cache / UPSTREAM / "v8")
        assert market.cloud("aws") is not None


FILES = {name: (CATALOGS / name).read_bytes() for name in ("v8/yotta/vms.csv", "v8/yotta/offers.jsonl")}
PUBLICATION: dict[str, Any] = {
    **MANIFEST,
    "clouds": {"yotta": MANIFEST["clouds"]["yotta"]},
    "schemas": ["v8"],
    "files": {name: asdict(FileEntry.of(content, 8)) for name, content in FILES.items()},
    "parquet": {},
}


def check_sync(given: tuple[bytes, bytes | None]) -> None:
    """A publication that is whole, below its own name, or a refusal and nothing that readers see."""
    manifest, pointer = given
    if pointer is None:
        pointer = Pointer(id="p-1", sha256=hashlib.sha256(manifest).hexdigest(), checked_at="now").to_json()
    with places() as (site, cache):
        for path, content in {**FILES, "manifest.json": manifest}.items():
            for place in (site / "publications" / "p-1" / path, site / path):
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
        (site / "latest.json").write_bytes(pointer)
        before = files_of(site)
        synced = outcome(lambda: sync([site.as_uri()], cache), refusal=SyncFailed)
        assert files_of(site) == before
        if synced is None:
            assert not files_of(cache)
        else:
            assert f"publications/{synced.id}/manifest.json" in files_of(cache)
            outcome(lambda: Catalog.load(cache), refusal=GpuCatalogError)


STATE = {
    "url": "file:///site/v8/aws/vms.csv", "etag": '"1"', "last_modified": "Wed, 25 Nov 2026 03:00:00 GMT",
    "as_of": "2026-11-25", "sha256": hashlib.sha256(csv_of("aws")).hexdigest(),
}  # fmt: skip
POINTS = {"id": "p-1", "sha256": hashlib.sha256(exact_json(PUBLICATION).encode()).hexdigest(), "checked_at": "now"}

TARGETS = (
    *(
        Target(f"SkyPilot's vms.csv of {cloud}", damaged_csv(csv_of(cloud)), partial(check_skypilot_csv, cloud))
        for cloud in ("aws", "gcp")
    ),
    Target(
        "sync of SkyPilot's catalogs",
        st.tuples(damaged_csv(csv_of("aws")), damaged_json(STATE)),
        check_upstream,
        20,
    ),
    Target(
        "sync of a publication",
        st.tuples(damaged_json(PUBLICATION), st.none())
        | st.tuples(st.just(exact_json(PUBLICATION).encode()), damaged_json(POINTS)),
        check_sync,
        20,
    ),
)
