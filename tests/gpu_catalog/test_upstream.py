"""`gpu-catalog sync --upstream` over real sockets: SkyPilot's catalogs, whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gpu_catalog import SyncFailed, estimate_cost, market, sites, upstream
from gpu_catalog.cli import main
from gpu_catalog.sync import locked
from gpu_catalog.upstream import DEFAULT_URLS, sync_upstream, upstream_urls
from tests.gpu_catalog.site import Site
from tests.gpu_catalog.test_market import put, skypilot_file, write

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, looked at every time, and no variable that leads elsewhere."""
    for name in os.environ:
        if name.startswith(("GPU_CATALOG_", "XDG_", "SKY_")):
            monkeypatch.delenv(name)
    monkeypatch.setattr(market, "RECHECK_SECONDS", 0.0)
    return Path.home() / ".cache/gpu-catalog"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    put(tmp_path / "site/v8/aws")
    put(tmp_path / "site/v8/azure")
    with Site(tmp_path / "site") as running:
        yield running


@pytest.fixture
def mirror(site: Site, tmp_path: Path) -> str:
    return shutil.copytree(site.folder, tmp_path / "mirror").as_uri()


def run(clouds: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["sync", "--upstream", clouds, *arguments], catch_exceptions=False)


def contents(cache: Path) -> dict[str, bytes]:
    return {path.relative_to(cache).as_posix(): path.read_bytes() for path in cache.rglob("*.*")}


def state(cache: Path, cloud: str = "aws") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((cache / f"upstream/v8/{cloud}/source.json").read_text())
    return found


def test_after_a_sync_estimates_answer_from_it_and_name_it(site: Site) -> None:
    assert "`gpu-catalog sync --upstream aws`" in str(estimate_cost("A100:8", cloud="aws").reason)
    result = run("ec2, AWS,aws", site.url + "/")
    url = f"{site.url}/v8/aws/vms.csv"
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"aws: 2 rows, from {url}\n", "")
    answer = estimate_cost("A100:8", cloud="aws")
    assert (answer.hourly_cost, answer.source) == (32.7726, f"SkyPilot's hosted catalog, {url}")


def test_the_second_sync_is_one_conditional_request_per_cloud(site: Site, cache: Path) -> None:
    first = sync_upstream(["aws", "azure"], cache, [site.url, NOWHERE])
    assert [(result.cloud, result.changed, result.rows) for result in first] == [
        ("aws", True, 2),
        ("azure", True, 2),
    ]
    before, site.requests[:] = contents(cache), []
    second = sync_upstream(["aws", "azure"], cache, [site.url, NOWHERE])
    assert [(result.url, result.changed, result.rows) for result in second] == [
        (f"{site.url}/v8/aws/vms.csv", False, 0), (f"{site.url}/v8/azure/vms.csv", False, 0)
    ]  # fmt: skip
    assert (site.requests, site.confirmed) == (["/v8/aws/vms.csv", "/v8/azure/vms.csv"], 2)
    assert contents(cache) == before
    put(site.folder / "v8/aws", "10.5")
    assert [result.changed for result in sync_upstream(["aws", "azure"], cache, [site.url])] == [True, False]
    assert estimate_cost("A100:8", cloud="aws").hourly_cost == 10.5


def test_prices_are_of_the_day_the_site_names_else_of_today(site: Site, cache: Path) -> None:
    site.headers["Last-Modified"] = "Wed, 04 Mar 2026 23:59:59 GMT"
    for confirmed in (0, 1):
        run("aws", site.url)
        assert (site.confirmed, state(cache)["as_of"]) == (confirmed, "2026-03-04")
        assert estimate_cost("A100:8", cloud="aws").prices_as_of == "2026-03-04"
    for modified in ("yesterday", None):
        site.headers = {"Last-Modified": modified} if modified else {}
        put(site.folder / "v8/aws", "10.5" if modified else "11.5")
        days = [datetime.now(timezone.utc).strftime("%Y-%m-%d")]
        run("aws", site.url)
        days.append(datetime.now(timezone.utc).strftime("%Y-%m-%d"))
        assert state(cache)["as_of"] in days


def broken(share: float) -> str:
    """A file with a hundred instances, this share of them without a region."""
    header, good, _ = skypilot_file().splitlines(keepends=True)
    bad = good.replace("us-east-1", "")
    return header + good * round(100 - 100 * share) + bad * round(100 * share)


FAULTS: dict[str, tuple[Callable[[Path], object] | str, str]] = {
    "not there": (lambda path: path.unlink(), "not there"),
    "a server error": ("500", "HTTP 500"),
    "cut off": ("cut", "vms.csv: cut off or damaged on the way"),
    "stalled": ("stall", "ConnectionError|ReadTimeout"),
    "huge": (lambda path: path.write_text(skypilot_file() * 200), "larger than the 50000 bytes"),
    "a page": (lambda path: path.write_text("<html><body>Sign in</body></html>\n"), "line 1: column"),
    "empty": (lambda path: path.write_text(""), "the last line has no end"),
    "not UTF-8": (lambda path: path.write_bytes(skypilot_file().encode() + b"\xff\n"), "not UTF-8"),
    "without a column": (lambda path: path.write_text(skypilot_file().replace("SpotPrice", "Spot")), "SpotPrice"),
    "broken": (lambda path: path.write_text(broken(0.06)), "rows are broken, first row 95: Region is blank"),
    "without prices": (lambda path: path.write_text(skypilot_file("").replace("9.83", "0")), "no accelerator with"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_site_changes_nothing_and_the_next_mirror_is_taken(
    fault: str, site: Site, mirror: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sites, "TIMEOUT_SECONDS", (0.5, 0.3))
    monkeypatch.setattr(upstream, "MAX_FILE_BYTES", 50_000)
    damage, said = FAULTS[fault]
    sync_upstream(["aws"], cache, [mirror])
    before = contents(cache)
    if isinstance(damage, str):
        site.faults["vms.csv"] = damage
    else:
        damage(site.folder / "v8/aws/vms.csv")
    [failed] = sync_upstream(["aws"], cache, [site.url])
    assert (failed.url, failed.changed) == (None, False)
    assert failed.problem is not None
    assert failed.problem.startswith(f"{site.url}: ")
    assert any(text in failed.problem for text in said.split("|"))
    assert contents(cache) == before
    [taken] = sync_upstream(["aws"], tmp_path / "fresh", [site.url, mirror])
    assert (taken.url, taken.rows, taken.problem) == (f"{mirror}/v8/aws/vms.csv", 2, None)


def test_a_few_broken_rows_are_left_out_and_told(site: Site) -> None:
    write(site.folder / "v8/aws/vms.csv", broken(0.05))
    assert run("aws", site.url).stdout.startswith("aws: 100 rows, 5 of them broken and left out, from http")


def test_the_exit_code_says_whether_all_some_or_none_came(site: Site, cache: Path) -> None:
    assert run("aws,azure", site.url).exit_code == 0
    some = run("aws,oci", NOWHERE, site.url)
    assert (some.exit_code, some.stdout) == (3, f"aws: up to date, {site.url}/v8/aws/vms.csv\n")
    assert (some.stderr.count("\n"), some.stderr.startswith(f"Error: oci: {NOWHERE}: v8/oci/vms.csv: ")) == (
        1,
        True,
    )
    assert some.stderr.endswith(f"; {site.url}: v8/oci/vms.csv: not there\n")
    none = run("oci,scp", site.url, "--json")
    assert (none.exit_code, none.stderr) == (1, "")
    assert json.loads(none.stdout)[0] == {
        "cloud": "oci", "url": None, "changed": False, "rows": 0, "broken": 0,
        "problem": f"{site.url}: v8/oci/vms.csv: not there",
    }  # fmt: skip
    assert [entry["cloud"] for entry in json.loads(run("aws,oci", site.url, "--json").stdout)] == ["aws", "oci"]
    assert not (cache / "upstream/v8/oci").exists()


@pytest.mark.parametrize("name", ["../x", "a/b", ".", "x" * 500 + "!", "ä", "aws\n"])
def test_what_is_no_name_of_a_cloud_is_asked_of_nobody(name: str, site: Site, cache: Path) -> None:
    with pytest.raises(SyncFailed, match="is not a valid name of a cloud"):
        sync_upstream(["aws", name], cache, [site.url])
    with pytest.raises(SyncFailed, match="'A B' is not a valid name"):
        sync_upstream(["A B"], cache, [site.url])
    if name.strip() != "aws":
        failed = run(f"aws,{name}", site.url, "--json")
        assert (failed.exit_code, json.loads(failed.stdout)["exit_code"]) == (1, 1)
    assert run(" , ", site.url).exit_code == 2
    assert (site.requests, contents(cache)) == ([], {})


def test_only_public_sites_are_asked_and_no_password_is_shown(cache: Path) -> None:
    for url in ("https://me:secret@example.com/c", "http://me:secret@127.0.0.1", "ftp://me:secret@a.example"):
        failed = run("aws", url)
        assert failed.exit_code == 1
        assert "secret" not in failed.output
        assert "a URL with a user name or password in it; catalogs are public" in failed.stderr
    assert "http://example.com: not an https:// or file:// URL" in run("aws", "http://example.com").stderr
    assert not (cache / "upstream").exists()


@pytest.mark.parametrize("below", ["", "upstream", "upstream/v8/aws/vms.csv/x"])
def test_a_cache_that_cannot_be_written_is_named(below: str, mirror: str, cache: Path) -> None:
    write(cache / below, "") if not below.endswith("x") else (cache / below).mkdir(parents=True)
    result = run("aws", mirror)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert f"cannot write the cache {cache / below.removesuffix('/x')}" in result.stderr
    assert "set GPU_CATALOG_CACHE" in result.stderr


@pytest.mark.parametrize("content", [None, b"", b"[", b"[]", b"\xff", b'{"url": 1, "etag": {}}'])
def test_without_a_good_state_the_file_is_fetched_again(content: bytes | None, site: Site, cache: Path) -> None:
    """Also what a sync leaves that was killed before it wrote the state."""
    run("aws", site.url)
    path, before = cache / "upstream/v8/aws/source.json", contents(cache)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    [result] = sync_upstream(["aws"], cache, [site.url])
    assert (result.changed, result.rows, site.confirmed) == (False, 2, 0)
    assert contents(cache) == before
    [result] = sync_upstream(["aws"], cache, [site.url])
    assert (result.rows, site.confirmed) == (0, 1)


def test_an_etag_is_only_sent_for_the_file_that_is_there(site: Site, mirror: str, cache: Path) -> None:
    with Site(site.folder) as other:
        run("aws", site.url)
        kept = state(cache)
        run("aws", other.url)  # The same file, but nobody knows that of another site.
        assert (other.requests, other.confirmed, state(cache)["etag"]) == (["/v8/aws/vms.csv"], 0, kept["etag"])
        (cache / "upstream/v8/aws/vms.csv").unlink()
        assert sync_upstream(["aws"], cache, [other.url])[0].changed
        assert other.confirmed == 0
        run("aws", mirror)
        assert state(cache)["etag"] is None
        assert run("aws", other.url).stdout == f"aws: up to date, {other.url}/v8/aws/vms.csv\n"
        assert (len(other.requests), other.confirmed) == (3, 0)


def test_two_syncs_at_once_leave_whole_files(site: Site, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpu_catalog.sync.LONGEST_WAIT_SECONDS", -1.0)
    with locked(cache):
        assert "another sync into" in run("aws", site.url).stderr
    assert site.requests == []
    program = "import sys; from gpu_catalog.cli import main; main(['sync', '--upstream', 'aws,azure', sys.argv[1]])"
    runs = [subprocess.Popen([sys.executable, "-c", program, site.url]) for _ in range(3)]
    assert [process.wait() for process in runs] == [0, 0, 0]
    assert estimate_cost("A100:8", cloud="azure").hourly_cost == 32.7726
    assert {path.name for path in (cache / "upstream/v8").rglob("*.*")} == {"vms.csv", "source.json"}
    assert site.confirmed == 4


def test_where_the_sites_come_from(site: Site, mirror: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert upstream_urls() == DEFAULT_URLS
    config = write(Path.home() / ".config/gpu-catalog/config.toml", f'upstream_urls = ["{NOWHERE}", "{mirror}"]\n')
    assert run("aws").stdout == f"aws: 2 rows, from {mirror}/v8/aws/vms.csv\n"
    monkeypatch.setenv("GPU_CATALOG_UPSTREAM_URLS", f"{NOWHERE} {site.url}")
    assert run("azure").stdout == f"azure: 2 rows, from {site.url}/v8/azure/vms.csv\n"
    assert run("azure", mirror).stdout == f"azure: up to date, {mirror}/v8/azure/vms.csv\n"
    monkeypatch.delenv("GPU_CATALOG_UPSTREAM_URLS")
    for wrong in ("upstream_urls = 1\n", "upstream_urls =\n"):
        config.write_text(wrong)
        failed = run("aws")
        assert (failed.exit_code, "config.toml" in failed.stderr) == (1, True)
