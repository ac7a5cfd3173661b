"""`gpu-catalog sync` over real sockets: a cache that is always whole."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from gpu_catalog import Catalog, NoCatalog, SyncFailed, sites
from gpu_catalog.cli import main
from gpu_catalog.places import configured_urls, default_cache
from gpu_catalog.sync import sync
from tests.gpu_catalog.site import Site
from tests.gpu_catalog.test_catalog import publications, republished
from tests.samples import CATALOGS

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(CATALOGS, tmp_path / "catalogs", ignore=shutil.ignore_patterns("*.parquet"))


@pytest.fixture
def site(folder: Path) -> Iterator[Site]:
    with Site(folder) as running:
        yield running


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def contents(cache: Path) -> dict[str, bytes]:
    return {path.relative_to(cache).as_posix(): path.read_bytes() for path in cache.rglob("*") if path.is_file()}


def test_the_first_sync_brings_everything_and_the_second_one_request(site: Site, cache: Path) -> None:
    first = sync([site.url + "/"], cache)
    files = len(json.loads((site.folder / "manifest.json").read_text())["files"])
    assert (first.changed, first.downloaded_files) == (True, files)
    best = Catalog.load(cache).cheapest("H100", 8)
    assert best is not None
    site.requests.clear()

    second = sync([site.url], cache)

    assert (second.changed, second.id, second.downloaded_files) == (False, first.id, 0)
    assert site.requests == ["/latest.json", "/manifest.json"]


def test_a_pointer_is_followed_and_asked_for_once_when_unchanged(folder: Path, cache: Path) -> None:
    with Site(publications(folder)) as site:
        assert sync([site.url], cache).changed
        site.requests.clear()
        assert not sync([site.url], cache).changed
        assert site.requests == ["/latest.json"]


def test_only_changed_files_are_downloaded(site: Site, cache: Path) -> None:
    before = sync([site.url], cache)
    republished(site.folder, '"price_usd_per_hour": 0.65', '"price_usd_per_hour": 0.6')
    catalog = Catalog.load(cache)

    after = sync([site.url], cache)

    assert (after.changed, after.downloaded_files) == (True, 1)
    assert after.id != before.id
    assert catalog.refresh()
    best = catalog.cheapest("RTX5090")
    assert best is not None
    assert str(best.price_usd_per_hour) == "0.6"


def test_a_folder_url_is_a_site_too(folder: Path, cache: Path) -> None:
    assert sync([folder.as_uri()], cache).changed
    assert not sync([folder.as_uri()], cache).changed


FAULTS = {
    "a file is missing": ("missing", "lambda/vms.csv"),
    "a server error": ("500", "latest.json"),
    "a body cut off": ("cut", "lambda/offers.jsonl"),
    "the manifest cut off": ("cut", "manifest.json"),
    "a body that does not come": ("stall", "manifest.json"),
    "more bytes than were announced": ("big", "yotta/vms.csv"),
    "a file of another publication": ("edited", "yotta/offers.jsonl"),
    "a newer format": ("newer", "manifest.json"),
    "a path that leaves the folder": ("path", "manifest.json"),
}


def spoil(site: Site, kind: str, end: str) -> None:
    path = next(path for path in [site.folder / end, site.folder / "v8" / end] if path.exists() or kind == "500")
    if kind == "missing":
        path.unlink()
    elif kind == "edited":
        path.write_bytes(path.read_bytes().replace(b"0.65", b"0.05"))
    elif kind in {"newer", "path"}:
        manifest = json.loads(path.read_text())
        if kind == "newer":
            manifest["format"] = 2
        else:
            manifest["files"]["../../evil.csv"] = manifest["files"].pop("v8/yotta/vms.csv")
        path.write_text(json.dumps(manifest))
    else:
        site.faults[end] = kind


@pytest.mark.parametrize(("kind", "end"), FAULTS.values(), ids=FAULTS)
def test_a_bad_site_changes_nothing_and_the_next_mirror_is_taken(
    site: Site, cache: Path, tmp_path: Path, kind: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sites, "TIMEOUT_SECONDS", (0.5, 0.3))
    good = shutil.copytree(site.folder, tmp_path / "mirror")
    held = sync([good.as_uri()], cache)
    before = contents(cache)
    republished(site.folder, '"price_usd_per_hour": 0.65', '"price_usd_per_hour": 0.6')
    spoil(site, kind, end)
    fresh = tmp_path / "fresh"

    with pytest.raises(SyncFailed, match=site.url) as caught:
        sync([site.url], fresh)
    assert "\n" not in str(caught.value)
    assert not (fresh / "latest.json").exists()
    assert list((fresh / "publications").glob("*") if (fresh / "publications").exists() else []) == []
    assert sync([site.url, good.as_uri()], fresh).id == held.id
    assert contents(cache) == before
    assert not (tmp_path / "evil.csv").exists()


def test_when_all_fail_what_stays_is_told_with_its_age(site: Site, cache: Path) -> None:
    held = sync([site.url], cache)
    before = contents(cache)
    result = CliRunner().invoke(main, ["sync", NOWHERE, "http://example.com", "--cache", str(cache)])

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert "http://example.com: not an https:// or file:// URL" in result.stderr
    assert f"kept {held.id}, prices of 2026-07-01T00:00:00Z, last confirmed 20" in result.stderr
    assert contents(cache) == before


def test_a_url_as_root_is_synced_and_survives_the_site(
    site: Site, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPU_CATALOG_CACHE", str(cache))
    catalog = Catalog.load(site.url)
    assert catalog.problem is None
    republished(site.folder, '"price_usd_per_hour": 0.65', '"price_usd_per_hour": 0.6')
    assert catalog.refresh()
    site.faults[".json"] = "500"
    assert not catalog.refresh()
    assert catalog.problem is not None
    assert "HTTP 500" in catalog.problem
    again = Catalog.load(site.url)
    assert again.cheapest("RTX5090") == catalog.cheapest("RTX5090")
    with pytest.raises(NoCatalog, match="no earlier copy"):
        Catalog.load(NOWHERE)


def test_two_syncs_at_once_leave_one_whole_cache(site: Site, cache: Path) -> None:
    program = "import sys; from gpu_catalog.cli import main; main(['sync', sys.argv[1], '--cache', sys.argv[2]])"
    runs = [subprocess.Popen([sys.executable, "-c", program, site.url, str(cache)]) for _ in range(3)]
    assert [run.wait() for run in runs] == [0, 0, 0]
    assert len(Catalog.load(cache).clouds) == 3
    assert len(list((cache / "publications").iterdir())) == 1


def test_leftovers_of_a_killed_sync_and_a_damaged_publication_are_mended(site: Site, cache: Path) -> None:
    held = sync([site.url], cache)
    (cache / "publications" / ".tmp-dead").mkdir()
    (cache / "publications" / held.id / "v8/yotta/vms.csv").unlink()
    assert sync([site.url], cache).changed
    assert [path.name for path in (cache / "publications").iterdir()] == [held.id]
    assert Catalog.load(cache).clouds


def test_a_cache_that_cannot_be_written_is_named(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SyncFailed, match=r"cannot write the cache .*set GPU_CATALOG_CACHE"):
        sync([site.url], tmp_path / "file" / "cache")


def test_where_urls_and_the_cache_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GPU_CATALOG_URL", "GPU_CATALOG_CACHE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert default_cache() == Path.home() / ".cache" / "gpu-catalog"
    assert configured_urls() == ()
    with pytest.raises(SyncFailed, match="no URL: name one"):
        sync(configured_urls(), tmp_path)
    config = Path.home() / ".config" / "gpu-catalog" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('url = ["https://a.example", "https://b.example"]\n')
    assert configured_urls() == ("https://a.example", "https://b.example")
    config.write_text('url = "https://a.example"\n')
    assert configured_urls() == ("https://a.example",)
    for wrong in ("url = 1\n", "url = [1]\n", "url =\n"):
        config.write_text(wrong)
        with pytest.raises(SyncFailed, match=r"config\.toml"):
            configured_urls()
    monkeypatch.setenv("GPU_CATALOG_URL", "https://c.example https://d.example")
    assert configured_urls() == ("https://c.example", "https://d.example")
