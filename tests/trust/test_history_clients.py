"""Replays of history: clients that were cut off, or met what they did not know. See `history.py`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gpu_catalog import Catalog, estimate_cost
from tests.gpu_catalog.site import Site
from tests.gpu_catalog.test_catalog import republished
from tests.samples import CATALOGS

V7_COLUMNS = (
    "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Region,SpotPrice,Price,AvailabilityZone"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The sample catalogs, to be served and changed."""
    return shutil.copytree(CATALOGS, tmp_path / "catalogs")


def test_05_skypilot_5438_http_429_from_the_host_of_the_catalogs(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any host will do, what is unchanged is not sent again, and without an answer the last good copy is read."""
    monkeypatch.setenv("GPU_CATALOG_CACHE", str(tmp_path / "cache"))
    with Site(folder) as site:
        first = Catalog.load(site.url)
        Catalog.load(site.url)
        assert site.confirmed == 1
        assert len(site.requests) == len(first.manifest.files if first.manifest else ()) + 4
        site.faults[""] = "429"
        limited = Catalog.load(site.url)
    gone = Catalog.load(site.url)

    assert "429" in (limited.problem or "")
    for catalog in (limited, gone):
        assert catalog.problem is not None
        assert catalog.cheapest("H100", 8) == first.cheapest("H100", 8) is not None


def test_23_gpuhunt_89_a_new_field_breaks_old_clients(folder: Path) -> None:
    """Columns and fields are only added and break no reader; what an old reader cannot read has another path."""
    header, *rows = (folder / "v7/runpod/vms.csv").read_text().splitlines()
    assert header == V7_COLUMNS
    assert rows
    assert (folder / "v8/runpod/vms.csv").read_text().splitlines()[0] == f"{V7_COLUMNS},Arch"

    catalog = Catalog.load(folder)
    republished(folder, '"cloud": "yotta"', '"cloud": "yotta", "carbon": {"grams": 1}')
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "signed_by": "somebody"}))
    assert catalog.refresh()
    best = catalog.cheapest("RTX5090")
    assert best is not None

    (folder / "manifest.json").write_text(
        json.dumps({**manifest, "format": 2, "id": "20270101T000000Z-000000000002"})
    )
    assert not catalog.refresh()
    assert "upgrade it" in (catalog.problem or "")
    assert catalog.cheapest("RTX5090") == best
    assert estimate_cost("RTX5090", catalog_dir=CATALOGS).found
