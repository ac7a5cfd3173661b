"""The reader: what it finds where, and what it refuses."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gpu_catalog import BadCatalogFile, Catalog, NoCatalog, read_vms_csv
from gpu_catalog.roots import ROOT_VARIABLE
from tests.samples import CATALOGS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the published catalogs."""
    return shutil.copytree(CATALOGS, tmp_path / "catalogs", ignore=shutil.ignore_patterns("*.parquet"))


def publications(folder: Path) -> Path:
    """The same catalogs in the form of a folder of publications."""
    manifest = (folder / "manifest.json").read_bytes()
    name = json.loads(manifest)["id"]
    root = folder.parent / "site"
    shutil.copytree(folder, root / "publications" / name)
    point(root, name)
    return root


def point(root: Path, name: str) -> None:
    manifest = (root / "publications" / name / "manifest.json").read_bytes()
    pointer = {"id": name, "sha256": hashlib.sha256(manifest).hexdigest(), "checked_at": "2026-11-22T03:00:00Z"}
    (root / "latest.json").write_text(json.dumps(pointer))


def republished(
    folder: Path, old: str, new: str, name: str = "20261201T000000Z-000000000001", cloud: str = "yotta"
) -> None:
    """Replace text in a cloud's offers and make the manifest say so."""
    path = folder / f"v8/{cloud}/offers.jsonl"
    path.write_text(path.read_text().replace(old, new))
    manifest = json.loads((folder / "manifest.json").read_text())
    entry = manifest["files"][f"v8/{cloud}/offers.jsonl"]
    entry["sha256"], entry["size_bytes"] = hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size
    manifest["id"] = name
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_published_folder_is_read_with_its_manifest(folder: Path) -> None:
    catalog = Catalog.load(folder)

    assert set(catalog.clouds) == {"yotta", "lambda", "runpod"}
    assert catalog.manifest is not None
    assert catalog.manifest.kind == "sample"
    best = catalog.cheapest("rtx5090", 4)
    assert best is not None
    assert (best.cloud, str(best.price_usd_per_hour)) == ("yotta", "2.6")
    assert catalog.cheapest("RTX5090", 3, cloud="yotta") is None
    assert catalog.cheapest("H100", 8, use_spot=True) is None
    assert catalog.cheapest("H100", 8, cloud="nowhere") is None


@pytest.mark.parametrize("cloud", ["yotta", "lambda", "runpod"])
def test_offers_say_what_the_csv_says(folder: Path, cloud: str) -> None:
    """The light path reads `offers.jsonl`, SkyPilot `vms.csv`: the same rows in the same order of regions."""
    rows = read_vms_csv(folder / "v8" / cloud / "vms.csv", cloud)
    offered = [site for offer in Catalog.load(folder).clouds[cloud].offers for site in offer.offerings()]

    assert [(o.key, o.price_usd_per_hour, o.vcpus, o.memory_gib, o.gpu_memory_mib) for o in offered] == [
        (o.key, o.price_usd_per_hour, o.vcpus, o.memory_gib, o.gpu_memory_mib) for o in rows
    ]


@pytest.mark.parametrize("prefix", ["", "v7", "v8"])
def test_a_bare_tree_is_read_without_a_manifest(folder: Path, tmp_path: Path, prefix: str) -> None:
    shutil.copytree(folder / "v8/yotta", tmp_path / "bare" / prefix / "yotta")
    (tmp_path / "bare" / prefix / "yotta/offers.jsonl").unlink()

    catalog = Catalog.load(tmp_path / "bare")

    assert list(catalog.clouds) == ["yotta"]
    assert catalog.manifest is None
    assert len(catalog.clouds["yotta"].offers) == 8


def test_v8_comes_before_v7(folder: Path) -> None:
    (folder / "manifest.json").unlink()

    assert "1x14v119g_NVIDIA_GeForce_RTX_5090_32G_SECURE" in Catalog.load(folder).clouds["yotta"].by_instance_type


def test_the_pointer_is_followed(folder: Path) -> None:
    catalog = Catalog.load(publications(folder))

    assert catalog.snapshot.pointer is not None
    assert catalog.snapshot.pointer.checked_at == "2026-11-22T03:00:00Z"
    assert len(catalog.clouds["runpod"].offers) > 200


def test_the_root_is_the_argument_then_the_variable_then_the_cache_then_the_bundled_copy(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPU_CATALOG_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    assert Catalog.load().root.name in {"bundled", "catalogs"}
    publications(folder).rename(tmp_path / "cache")
    assert Catalog.load().root == tmp_path / "cache"
    monkeypatch.setenv(ROOT_VARIABLE, str(folder))
    assert Catalog.load().root == folder
    assert Catalog.load((folder / "v8").as_uri()).root == folder / "v8"


def test_places_without_a_catalog(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nothing", "ftp://example.com/x"):
        with pytest.raises(NoCatalog):
            Catalog.load(place)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def edit(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"0.65", b"0.05"))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a file is missing": lambda folder: (folder / "v8/yotta/vms.csv").unlink(),
    "a file is empty": lambda folder: (folder / "v8/yotta/offers.jsonl").write_text(""),
    "a CSV is cut off": lambda folder: cut(folder / "v8/runpod/vms.csv"),
    "a price was edited": lambda folder: edit(folder / "v8/yotta/offers.jsonl"),
    "the manifest is cut off": lambda folder: cut(folder / "manifest.json"),
    "the manifest is empty": lambda folder: (folder / "manifest.json").write_text(""),
    "half of another publication": lambda folder: shutil.copy(
        folder / "v7/yotta/offers.jsonl", folder / "v8/yotta/offers.jsonl"
    ),
    "a newer format": lambda folder: (folder / "manifest.json").write_text('{"format": 2}'),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_catalog_is_refused_and_an_open_one_stays(folder: Path, damage: Callable[[Path], object]) -> None:
    catalog = Catalog.load(folder)
    before = catalog.snapshot
    damage(folder)

    with pytest.raises(BadCatalogFile):
        Catalog.load(folder)
    # What was read stays: nothing of the damaged one is ever seen.
    catalog.refresh()
    assert catalog.snapshot is before


def test_a_pointer_to_another_manifest_is_refused(folder: Path) -> None:
    root = publications(folder)
    pointer = json.loads((root / "latest.json").read_text())
    for change in ({"sha256": "0" * 64}, {"id": "../catalogs"}, {"id": "gone"}, {"id": 1}):
        (root / "latest.json").write_text(json.dumps(pointer | change))
        with pytest.raises(BadCatalogFile):
            Catalog.load(root)


def test_a_pointed_manifest_of_another_publication_is_refused(folder: Path) -> None:
    root = publications(folder)
    pointer = json.loads((root / "latest.json").read_text())
    (root / "publications" / pointer["id"]).rename(root / "publications" / "other")
    (root / "latest.json").write_text(json.dumps(pointer | {"id": "other"}))
    with pytest.raises(BadCatalogFile, match=f"the manifest of {pointer['id']}"):
        Catalog.load(root)


def test_refresh_moves_to_a_new_publication_as_a_whole(folder: Path) -> None:
    catalog = Catalog.load(folder)
    held = catalog.snapshot
    assert not catalog.refresh()
    republished(folder, '"price_usd_per_hour": 0.65', '"price_usd_per_hour": 0.6')

    assert catalog.refresh()
    assert catalog.problem is None
    best = catalog.cheapest("RTX5090")
    assert best is not None
    assert str(best.price_usd_per_hour) == "0.6"
    first = held.clouds["yotta"].by_accelerator["rtx5090"][0]
    assert str(first.offering.price_usd_per_hour) == "0.65"


def test_refresh_says_why_it_kept_the_last_good_one(folder: Path) -> None:
    catalog = Catalog.load(folder)
    (folder / "manifest.json").write_text("{}")

    assert not catalog.refresh()
    assert catalog.problem is not None
    assert "manifest.json" in catalog.problem
    assert catalog.cheapest("H100", 8) is not None
