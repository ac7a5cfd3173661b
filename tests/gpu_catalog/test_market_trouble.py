"""What goes wrong with files and sites of prices while programs use them."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from gpu_catalog import estimate_cost, market
from gpu_catalog.cli import main
from gpu_catalog.errors import SyncFailed
from gpu_catalog.market import Market, open_market
from gpu_catalog.own_prices import OwnPrices, read_own_prices
from gpu_catalog.places import default_cache
from gpu_catalog.sites import HttpSite, open_site, shown_url
from gpu_catalog.sync import sync
from gpu_catalog.upstream import sync_upstream
from tests.gpu_catalog.site import Site
from tests.gpu_catalog.test_market import put, write
from tests.samples import CATALOGS

FAR = 1e12


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("GPU_CATALOG_", "XDG_", "SKY_")):
            monkeypatch.delenv(name)
    monkeypatch.setattr(market, "RECHECK_SECONDS", 0.0)


def price(catalog_dir: Path | None = None) -> float | None:
    return estimate_cost("A100:8", cloud="aws", catalog_dir=catalog_dir).hourly_cost


def test_a_file_that_was_damaged_in_the_cache_is_fetched_again(tmp_path: Path) -> None:
    put(tmp_path / "site/v8/aws")
    with Site(tmp_path / "site") as site:
        sync_upstream(["aws"], default_cache(), [site.url])
        (default_cache() / "upstream/v8/aws/vms.csv").write_text("junk")
        assert price() is None
        assert sync_upstream(["aws"], default_cache(), [site.url])[0].changed
        assert (price(), site.confirmed) == (32.7726, 0)


def test_a_state_left_by_a_kill_never_confirms_another_file(tmp_path: Path) -> None:
    place, state = tmp_path / "site/v8/aws", default_cache() / "upstream/v8/aws/source.json"
    put(place, "1.5")
    with Site(tmp_path / "site") as site:
        sync_upstream(["aws"], default_cache(), [site.url])
        first = state.read_bytes()
        put(place, "2.5")
        sync_upstream(["aws"], default_cache(), [site.url])
        state.write_bytes(first)  # As if it had been killed before the second state was written.
        put(place, "1.5")
        sync_upstream(["aws"], default_cache(), [site.url])
        assert price() == 1.5


def test_the_first_sync_is_seen_by_a_process_that_is_running() -> None:
    before = open_market()
    assert open_market() is before
    sync([CATALOGS.as_uri()], default_cache())
    assert open_market() is not before


def test_a_confirmation_that_moves_the_date_is_seen(tmp_path: Path) -> None:
    put(tmp_path / "site/v8/aws")
    with Site(tmp_path / "site") as site:
        sync_upstream(["aws"], default_cache(), [site.url])
    assert estimate_cost("A100:8", cloud="aws").prices_as_of != "2026-01-02"
    state = default_cache() / "upstream/v8/aws/source.json"
    state.write_text(json.dumps({**json.loads(state.read_text()), "as_of": "2026-01-02"}))
    assert estimate_cost("A100:8", cloud="aws").prices_as_of == "2026-01-02"


def test_what_appears_in_a_bare_folder_is_seen(tmp_path: Path) -> None:
    put(tmp_path / "v7/aws", "3.5")
    assert price(tmp_path) == 3.5
    put(tmp_path / "v8/aws", "2.5")
    assert price(tmp_path) == 2.5
    put(tmp_path / "v8/azure", "1.5")
    assert estimate_cost("A100:8", catalog_dir=tmp_path).cloud == "azure"


def test_own_prices_that_change_while_they_are_read_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    put(default_cache() / "upstream/v8/aws")
    overrides = Path.home() / ".config/gpu-catalog/overrides.toml"
    write(overrides, "[aws]\ndiscount_percent = 10\n")

    def reading(path: Path) -> OwnPrices:
        found = read_own_prices(path)
        monkeypatch.setattr(market, "read_own_prices", read_own_prices)
        write(overrides, "[aws]\ndiscount_percent = 50.0\n")
        return found

    monkeypatch.setattr(market, "read_own_prices", reading)
    assert price() == 29.49534
    assert price() == 16.3863


def test_the_age_that_is_warned_of_is_looked_up_for_a_folder_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.utime(put(tmp_path / "aws"), (1767355200, 1767355200))
    for setting, warned in (("1", True), ("100000", False)):
        monkeypatch.setenv("GPU_CATALOG_MAX_AGE_DAYS", setting)
        answer = estimate_cost("A100:8", catalog_dir=tmp_path)
        assert any("days old" in text for text in answer.warnings) == warned


def test_threads_that_meet_a_damaged_file_all_get_an_answer(tmp_path: Path) -> None:
    write(tmp_path / "aws/vms.csv", "junk")
    put(tmp_path / "azure")
    here = Market(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: here.cloud("aws"), range(64))) == [None] * 64
    assert list(here.problems) == ["aws"]


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"], ids=["a name too long", "a zero byte"])
def test_a_place_that_is_none_is_an_answer(name: str, tmp_path: Path) -> None:
    answer = estimate_cost("A100", catalog_dir=tmp_path / name)
    assert not answer.found
    assert answer.reason


def test_places_of_skypilot_and_the_cache_that_are_none_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_CATALOG_ROOT", str(CATALOGS))
    monkeypatch.setenv("GPU_CATALOG_CACHE", "/nowhere/" + "y" * 300)
    monkeypatch.setenv("SKY_RUNTIME_DIR", "x" * 300)
    assert estimate_cost("A100").found


def test_folders_that_are_no_clouds_are_passed_over() -> None:
    for name in ("AWS", ".hid", "a\x1b[31mb", "a b"):
        put(Path.home() / ".sky/catalogs/v8" / name)
    assert list(Market()) == ["lambda", "runpod", "yotta"]


def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    put(tmp_path / "azure")
    (tmp_path / "aws").mkdir()
    os.mkfifo(tmp_path / "aws/vms.csv")
    answer = estimate_cost("A100:8", catalog_dir=tmp_path)
    assert (answer.cloud, any("not a regular file" in text for text in answer.warnings)) == ("azure", True)


@pytest.mark.parametrize("url", ["https://u:sekret@h/x", "https://u:se@kret@h/x", f"https://u:{'sekret' * 60}@h/x"])
def test_passwords_are_never_shown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_CATALOG_ROOT", url)
    result = CliRunner().invoke(main, ["sync", "--upstream", "aws", url])
    for text in (shown_url(url), str(estimate_cost("A100").reason), result.output):
        assert "..." in text
        assert "kret" not in text


def test_a_file_site_with_a_password_is_refused() -> None:
    with pytest.raises(SyncFailed, match="user name or password"):
        open_site("file://u:sekret@localhost/tmp")


@pytest.mark.parametrize("url", ["https://a..b", "https://" + "h" * 300, "file:///tmp/%00"])
def test_sites_that_cannot_be_asked_are_problems(url: str) -> None:
    [result] = sync_upstream(["aws"], default_cache(), [url])
    assert result.problem


@pytest.mark.parametrize("etag", ["\u2603", "a\nb", " x"])
def test_an_etag_that_cannot_be_sent_is_left_out(etag: str, tmp_path: Path) -> None:
    put(tmp_path)
    with Site(tmp_path) as site:
        found = HttpSite(site.url).get("vms.csv", 1000, FAR, {"etag": etag})
    assert found is not None
    assert not found.unchanged


def test_a_bundle_of_certificates_that_is_not_there_is_the_sites_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent")
    [result] = sync_upstream(["aws"], default_cache(), ["https://127.0.0.1:9"])
    assert result.problem
    assert "cache" not in result.problem


@pytest.mark.parametrize(
    "modified", ["Thu, 01 Jan 2026 00:00:00 +99999999999999", "Thu, 01 Jan 99999999999999999999"]
)
def test_a_date_that_is_none_is_not_believed(modified: str, tmp_path: Path) -> None:
    put(tmp_path / "v8/aws")
    with Site(tmp_path) as site:
        site.headers["Last-Modified"] = modified
        assert sync_upstream(["aws"], default_cache(), [site.url])[0].changed


def test_every_mirror_has_its_own_time(tmp_path: Path) -> None:
    put(tmp_path / "slow/v8/aws")
    put(tmp_path / "good/v8/aws")
    with Site(tmp_path / "slow") as slow, Site(tmp_path / "good") as good:
        slow.faults["vms.csv"] = "stall"
        [result] = sync_upstream(["aws"], default_cache(), [slow.url, good.url], deadline_seconds=0.5)
    assert result.url == f"{good.url}/v8/aws/vms.csv"


def test_without_a_site_nothing_is_synced() -> None:
    with pytest.raises(SyncFailed, match="no URL"):
        sync_upstream(["aws"], default_cache(), [])
