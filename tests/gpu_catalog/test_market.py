"""Which prices a machine has: our catalogs, what was fetched of SkyPilot's, what SkyPilot keeps itself."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from gpu_catalog import Catalog, GpuCatalogError, estimate_cost, market
from gpu_catalog.market import Market, open_market
from gpu_catalog.sync import sync
from tests.gpu_catalog.site import Site
from tests.gpu_catalog.test_catalog import republished
from tests.samples import CATALOGS

HEADER = "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region,AvailabilityZone,Arch\n"  # fmt: skip  # noqa: E501
GPU_INFO = "\"{'Gpus': [{'Name': 'A100', 'Count': 8.0, 'MemoryInfo': {'SizeInMiB': 40960}}]}\""
OWN = ["lambda", "runpod", "yotta"]
NEWER = "20261201T000000Z-000000000001"


def skypilot_file(price: str = "32.7726") -> str:
    """A file of SkyPilot's form: an instance with eight A100 at this price, and one without a GPU."""
    return (
        f"{HEADER}p4d.24xlarge,A100,8,96.0,1152.0,{GPU_INFO},{price},9.83,us-east-1,use1-az1,x86_64\n"
        "c7i.12xlarge,,,48.0,96.0,,2.4192,0.357700,ap-northeast-2,apne2-az1,x86_64\n"
    )


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def put(folder: Path, price: str = "32.7726") -> Path:
    return write(folder / "vms.csv", skypilot_file(price))


def price(cloud: str = "aws", catalog_dir: Path | None = None) -> float | None:
    return estimate_cost("A100:8", cloud=cloud, catalog_dir=catalog_dir).hourly_cost


class Home:
    """A home, and the places in it where prices are looked for."""

    def __init__(self, path: Path) -> None:
        self.cache = path / ".cache/gpu-catalog"
        self.upstream = self.cache / "upstream/v8"
        self.sky = path / ".sky/catalogs"
        self.settings = path / ".config/gpu-catalog"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home without anything in it, and no variable that leads elsewhere."""
    for name in os.environ:
        if name.startswith(("GPU_CATALOG_", "XDG_", "SKY_")):
            monkeypatch.delenv(name)
    return Home(Path.home())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of our published catalogs, with one lower price and an id of its own."""
    copy = shutil.copytree(CATALOGS, tmp_path / "catalogs", ignore=shutil.ignore_patterns("*.parquet"))
    republished(copy, '"price_usd_per_hour": 0.65', '"price_usd_per_hour": 0.6', NEWER)
    return copy


def test_our_catalogs_win_over_upstream_and_that_over_skypilots(
    home: Home, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cloud in ("aws", "yotta"):
        put(home.upstream / cloud)
        put(home.sky / "v8" / cloud)
    put(home.sky / "v8/azure")

    def sources() -> dict[str, str]:
        here = Market()
        return {name: prices.source.text for name in here if (prices := here.cloud(name)) is not None}

    bundled = sources()
    assert list(bundled) == ["aws", "azure", *OWN]
    assert str(home.upstream) in bundled["aws"]
    assert str(home.sky / "v8") in bundled["azure"]
    assert bundled["yotta"].startswith("gpu-catalog 2")
    sync([folder.as_uri()], home.cache)
    assert sources() == bundled | dict.fromkeys(OWN, f"gpu-catalog {NEWER}")
    put(folder.parent / "bare/aws")
    monkeypatch.setenv("GPU_CATALOG_ROOT", str(folder.parent / "bare"))
    assert list(sources()) == ["aws", "azure", "yotta"]
    assert "bare/aws" in sources()["aws"]


def test_upstream_comes_before_skypilots_v8_and_that_before_v7(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market, "RECHECK_SECONDS", 0.0)
    put(home.sky / "v7/aws", "3.5")
    assert price() == 3.5
    eight = put(home.sky / "v8/aws", "2.5")
    assert price() == 2.5
    fetched = put(home.upstream / "aws", "1.5")
    assert price() == 1.5
    fetched.unlink()
    assert price() == 2.5
    eight.unlink()
    assert price() == 3.5


def test_skypilots_runtime_folder_is_honoured(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(home.sky / "v8/aws")
    put(tmp_path / "runtime/.sky/catalogs/v8/azure")
    assert list(open_market()) == ["aws", *OWN]
    monkeypatch.setenv("SKY_RUNTIME_DIR", str(tmp_path / "runtime"))
    assert list(open_market()) == ["azure", *OWN]


@pytest.mark.parametrize("below", ["", "v7", "v8"])
def test_a_named_folder_is_all_that_is_read(below: str, home: Home, tmp_path: Path) -> None:
    put(home.upstream / "aws", "1.5")
    put(home.upstream / "azure", "1.5")
    put(tmp_path / "bare" / below / "aws", "10")
    for percent in ("50", "'none'"):
        write(home.settings / "overrides.toml", f"[aws]\ndiscount_percent = {percent}\n")
        assert list(Market(tmp_path / "bare")) == ["aws"]
        assert price(catalog_dir=tmp_path / "bare") == 10
    assert price() is None


def test_a_url_is_never_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Site(folder) as site:
        monkeypatch.setenv("GPU_CATALOG_ROOT", site.url)
        for place in (site.url, None):
            reason = estimate_cost("H100:8", catalog_dir=place).reason
            assert f"{site.url}: nothing synced from there yet; `gpu-catalog list --root" in str(reason)
        assert site.requests == []
        Catalog.load(site.url)
        site.requests.clear()
        for place in (site.url, None):
            assert estimate_cost("RTX5090:1", cloud="yotta", catalog_dir=place).hourly_cost == 0.6
        assert site.requests == []


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_text(""),
    "no CSV": lambda path: path.write_text("<html>\n"),
    "not UTF-8": lambda path: path.write_bytes(skypilot_file().encode() + b"\xff\n"),
    "a column there twice": lambda path: path.write_text(skypilot_file().replace("Arch", "Price")),
    "a folder": make_folder,
    "gone after it was listed": lambda path: None,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_leaves_out_its_cloud_and_says_why(damage: str, home: Home) -> None:
    path = put(home.upstream / "aws")
    put(home.upstream / "azure", "1.5")
    DAMAGES[damage](path)
    here = Market()
    if damage.startswith("gone"):
        path.unlink()
    assert (here.cloud("aws"), here.cloud("aws")) == (None, None)
    assert here.cloud("azure") is not None
    assert [(cloud, str(path) in why) for cloud, why in here.problems.items()] == [("aws", True)]
    assert list(here) == ["aws", "azure", *OWN]
    answer = estimate_cost("A100:8", cloud=["aws", "azure"])
    assert (answer.cloud, answer.hourly_cost) == ("azure", 1.5)
    assert any(said.startswith("No prices for aws") for said in answer.warnings)


def test_links_in_circles_and_other_oddities_are_passed_over(home: Home) -> None:
    put(home.upstream / "azure", "1.5")
    for link, target in (("loop", "loop"), ("up", ".."), ("empty/vms.csv", "vms.csv")):
        (home.upstream / link).parent.mkdir(exist_ok=True)
        (home.upstream / link).symlink_to(target)
    write(home.upstream / "a file", "")
    home.sky.parent.mkdir()
    home.sky.symlink_to("catalogs")
    assert list(Market()) == ["azure", *OWN]
    assert price("azure") == 1.5


@pytest.mark.parametrize(("below", "problems"), [("aws/vms.csv", ["aws"]), ("aws", [])])
def test_what_may_not_be_read_costs_no_other_cloud(
    below: str, problems: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own_id = os.geteuid()
    with tempfile.TemporaryDirectory() as home:  # pytest's own folders are closed to others.
        Path(home).chmod(0o755)
        monkeypatch.setenv("HOME", home)
        monkeypatch.setenv("GPU_CATALOG_ROOT", f"{home}/own")  # A checkout may be closed to others too.
        put(Path(home, "own/oci"))
        clouds = Path(home, ".sky/catalogs/v8")
        put(clouds / "aws")
        put(clouds / "azure")
        (clouds / below).chmod(0)
        os.seteuid(own_id or 65534)  # To root nothing is closed.
        try:
            here = Market()
            assert here.cloud("aws") is None
            assert here.cloud("azure") is not None
        finally:
            os.seteuid(own_id)
        assert list(here.problems) == problems


def test_our_own_changes_are_seen_at_once(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market, "RECHECK_SECONDS", 3600.0)
    bare = tmp_path / "bare"
    put(bare / "azure")
    aws = put(bare / "aws", "1.5")
    assert price(catalog_dir=bare) == 1.5
    put(bare / "aws", "10.5")
    assert price(catalog_dir=bare) == 10.5
    aws.unlink()
    assert list(open_market(bare)) == ["azure"]

    assert estimate_cost("RTX5090:1", cloud="yotta", catalog_dir=folder).hourly_cost == 0.6
    republished(folder, '"price_usd_per_hour": 0.6,', '"price_usd_per_hour": 0.55,')
    assert estimate_cost("RTX5090:1", cloud="yotta", catalog_dir=folder).hourly_cost == 0.55


def test_own_prices_beside_a_bare_folder_are_seen_at_once(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market, "RECHECK_SECONDS", 3600.0)
    put(tmp_path / "bare/aws", "1.5")
    monkeypatch.setenv("GPU_CATALOG_ROOT", str(tmp_path / "bare"))
    assert price() == 1.5
    own = write(home.settings / "overrides.toml", "[aws]\ndiscount_percent = 50\n")
    assert price() == 0.75
    own.unlink()
    assert price() == 1.5


def test_what_is_synced_is_seen_at_once(home: Home, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market, "RECHECK_SECONDS", 3600.0)
    bundled = estimate_cost("RTX5090:1", cloud="yotta")
    for expected in (0.6, 0.55):
        sync([folder.as_uri()], home.cache)
        assert estimate_cost("RTX5090:1", cloud="yotta").hourly_cost == expected != bundled.hourly_cost
        republished(folder, '"price_usd_per_hour": 0.6,', '"price_usd_per_hour": 0.55,', f"{NEWER[:-1]}2")
    shutil.rmtree(home.cache)
    assert estimate_cost("RTX5090:1", cloud="yotta").source == bundled.source


@pytest.mark.parametrize(
    ("variable", "below"),
    [
        ("GPU_CATALOG_CACHE", "upstream/v8"),
        ("XDG_CACHE_HOME", "gpu-catalog/upstream/v8"),
        ("HOME", ".sky/catalogs/v8"),
        ("SKY_RUNTIME_DIR", ".sky/catalogs/v8"),
    ],
)
def test_another_place_named_by_a_variable_is_looked_at_at_once(
    variable: str, below: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, cost in (("one", "1.5"), ("other", "2.5"), ("one", "1.5")):
        put(tmp_path / name / below / "aws", cost)
        monkeypatch.setenv(variable, str(tmp_path / name))
        assert price() == float(cost)


def test_foreign_changes_are_seen_when_it_is_time_to_look(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market, "RECHECK_SECONDS", 3600.0)
    put(home.upstream / "aws", "1.5")
    held = open_market()
    assert price() == 1.5
    put(home.upstream / "aws", "10.5")
    put(home.upstream / "azure", "2.5")
    assert open_market() is held
    monkeypatch.setattr(market, "RECHECK_SECONDS", 0.0)
    assert (price(), price("azure")) == (10.5, 2.5)
    assert open_market() is open_market()
    shutil.rmtree(home.upstream)
    assert list(open_market()) == OWN


def test_edited_settings_are_seen_at_once(home: Home) -> None:
    put(home.upstream / "aws", "10")
    assert (price(), open_market().max_age_days) == (10, 3)
    for percent, expected in ((25, 7.5), (5, 9.5)):
        own = write(home.settings / "overrides.toml", f"[ec2]\ndiscount_percent = {percent}\n")
        assert price() == expected
    own.unlink()
    write(home.settings / "config.toml", "max_age_days = 0\n")
    assert (price(), open_market().max_age_days) == (10, 0)
    write(home.settings / "config.toml", "max_age_days = 1.5\n")
    assert (price(), open_market().max_age_days) == (10, 1.5)


BAD_SETTINGS = [
    ("config.toml", "max_age_days =\n", r"config\.toml: cannot be read"),
    ("config.toml", f"max_age_days = 1e{'9' * 20}\n", r"config\.toml: cannot be read \(a number out of range\)"),
    ("config.toml", "max_age_days = 'soon'\n", "max_age_days 'soon' is not a number of days"),
    ("overrides.toml", "[aws\n", r"overrides\.toml: cannot be read"),
    ("overrides.toml", "aws = 1\n", r"overrides\.toml: aws is not below a cloud"),
    ("overrides.toml", "[aws]\ndiscount_percent = 100\n", r"overrides\.toml: aws: a discount is"),
    ("GPU_CATALOG_MAX_AGE_DAYS", "-1", "max_age_days '-1' is not a number of days"),
    ("GPU_CATALOG_MAX_AGE_DAYS", "nan", "max_age_days 'nan' is not a number of days"),
]


@pytest.mark.parametrize(("place", "text", "says"), BAD_SETTINGS)
def test_bad_settings_are_told_in_one_line(
    place: str, text: str, says: str, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_market()
    if place.endswith(".toml"):
        write(home.settings / place, text)
    else:
        monkeypatch.setenv(place, text)
    with pytest.raises(GpuCatalogError, match=says) as caught:
        open_market()
    assert "\n" not in str(caught.value)
    assert estimate_cost("H100:8").reason == str(caught.value)


KNOWN = {
    "url": "https://a.example/x",
    "as_of": "2026-03-04",
    "sha256": sha256(skypilot_file().encode()).hexdigest(),
}
STATES = {
    json.dumps(KNOWN): ("2026-03-04", "https://a.example/x"),
    json.dumps({**KNOWN, "sha256": "of another file"}): ("2026-01-02", "a file of that date"),
    json.dumps({**KNOWN, "as_of": 5}): ("2026-01-02", "a file of that date"),
    json.dumps({**KNOWN, "as_of": ["a"]}): ("2026-01-02", "a file of that date"),
    json.dumps({**KNOWN, "as_of": "soon"}): ("2026-01-02", "a file of that date"),
    '{"url": "https://a.example/x"}': ("2026-01-02", "a file of that date"),
    '["url", "as_of"]': ("2026-01-02", "a file of that date"),
    "{": ("2026-01-02", "a file of that date"),
    "": ("2026-01-02", "a file of that date"),
}


@pytest.mark.parametrize("state", STATES, ids=range(len(STATES)))
def test_answers_name_their_source_and_its_date(state: str, home: Home) -> None:
    os.utime(put(home.upstream / "aws"), (1767355200, 1767355200))  # 2026-01-02T12:00:00Z
    if state:
        write(home.upstream / "aws/source.json", state)
    answer = estimate_cost("A100:8", cloud="aws")
    assert answer.prices_as_of == STATES[state][0]
    assert STATES[state][1] in str(answer.source)
