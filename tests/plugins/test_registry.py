"""Which clouds can be fetched: names, claims, and what is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetchers import BadFetcher, load_fetcher, registry
from tests.plugins.installed import fetcher, install
from tests.samples import CLOUDS


def test_ours_are_registered_like_anybodys() -> None:
    ours = {name: one for name, one in registry().accepted.items() if one.is_ours}
    assert tuple(ours) == CLOUDS
    assert {one.entry_point.group for one in ours.values()} == {"gpu_catalog.fetchers"}
    assert load_fetcher("lambda").display_name == "Lambda"


def test_another_packages_cloud_comes_after_ours(place: Path) -> None:
    install(place, "puffcloud-catalog", {"puffcloud": "Fetcher"}, fetcher("puffcloud"))
    names = list(registry().accepted)
    assert names[:3] == list(CLOUDS)
    assert registry().accepted["puffcloud"].package == "puffcloud-catalog 1.0"
    assert load_fetcher("puffcloud").display_name == "puffcloud of a test"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../x", "is no name of a cloud"),
        ("FluffyCloud", "is no name of a cloud"),
        ("fluffy-cloud", "is no name of a cloud"),
        ("9cloud", "is no name of a cloud"),
        ("x" * 33, "is no name of a cloud"),
        ("common", "has another meaning here"),
        ("all", "has another meaning here"),
        ("history", "has another meaning here"),
        ("ec2", "is another name of aws"),
        ("kubernetes", "has no prices"),
        ("lambda", "is taken"),
        ("yotta", "is taken"),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_its_package(place: Path, name: str, why: str) -> None:
    install(place, "evil-catalog", {name: "Fetcher"}, "raise SystemExit('imported')")
    refused = [line for line in registry().refused if line.startswith("evil-catalog 1.0 registers ")]
    assert len(refused) == 1
    assert repr(name) in refused[0]
    assert why in refused[0]
    accepted = registry().accepted
    assert set(CLOUDS) <= set(accepted)
    assert all(one.package != "evil-catalog 1.0" for one in accepted.values())


def test_one_good_name_of_a_package_is_used_beside_its_bad_ones(place: Path) -> None:
    install(place, "mixed", {"common": "Fetcher", "mixedcloud": "Fetcher"}, fetcher("mixedcloud"))
    assert "mixedcloud" in registry().accepted
    assert any("'common'" in line for line in registry().refused)


def test_two_packages_with_one_name_are_both_refused(place: Path) -> None:
    install(place, "puff-one", {"puffcloud": "Fetcher"}, fetcher("puffcloud"))
    install(place, "puff-two", {"puffcloud": "Fetcher"}, fetcher("puffcloud"))
    assert "puffcloud" not in registry().accepted
    both = [line for line in registry().refused if "registered more than once" in line]
    assert len(both) == 2


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import no_such_module_at_all", "ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("this is no Python", "SyntaxError"),
        ("raise SystemExit(0)", "SystemExit"),
        ("x = 1", "AttributeError"),
        ("class Fetcher:\n    def __init__(self): raise ValueError('sk-secret')", "ValueError"),
        ("class Fetcher: pass", "it has no `name`"),
        ("Fetcher = 7", "it has no `name`"),
        (fetcher("puffcloud").replace('name = "puffcloud"', 'name = "other"', 1), "registered as 'puffcloud'"),
        (fetcher("puffcloud").replace("of a test", "\\x1b[2J"), "`display_name` is not"),
        (fetcher("puffcloud").replace("puffcloud of a test", "RunPod"), "`display_name` is that of runpod"),
        (fetcher("puffcloud").replace("min_interval_seconds = 0.0", "min_interval_seconds = 1e9"), "from 0 to 60"),
        (fetcher("puffcloud").replace('"[a-z0-9-]+"', '"["'), "a regular expression"),
        (fetcher("puffcloud").replace("has_zones = False", "has_zones = None"), "True or False"),
        (fetcher("puffcloud").replace("credentials = None", "credentials = 'key'"), "a Credentials or None"),
        (fetcher("puffcloud").replace("base_urls = {}", "base_urls = {'x y': 1}"), "environment variables to URLs"),
    ],
)
def test_what_cannot_be_loaded_or_is_no_fetcher_is_named(place: Path, code: str, why: str) -> None:
    install(place, "puff", {"puffcloud": "Fetcher"}, code)
    with pytest.raises(BadFetcher) as caught:
        load_fetcher("puffcloud")
    line = str(caught.value)
    assert "puff 1.0" in line
    assert why in line
    assert "sk-secret" not in line
    assert line.isprintable()


def test_a_cloud_that_nobody_brings() -> None:
    with pytest.raises(BadFetcher, match=r"no fetcher of nimbus is installed; install the package"):
        load_fetcher("nimbus")


def test_metadata_that_cannot_be_read_harms_nobody(place: Path) -> None:
    install(place, "puff", {"puffcloud": "Fetcher"}, fetcher("puffcloud"))
    install(place, "evil", {"evilcloud": "Fetcher"}, "")
    (place / "evil-1.0.dist-info" / "entry_points.txt").write_bytes(b"[gpu_catalog.fetchers]\n\xff\xfe = a:b\n")
    (place / "void-1.0.dist-info").mkdir()
    assert {*CLOUDS, "puffcloud"} <= set(registry().accepted)
    assert any("cannot be read" in line for line in registry().refused)


def test_a_package_that_calls_itself_ours_takes_none_of_our_names(place: Path) -> None:
    install(place, "gpu_catalog", {"yotta": "Fetcher"}, "")
    (place / "gpu_catalog.py").unlink()
    assert registry().accepted["yotta"].entry_point.value == "fetchers.yotta:Yotta"
    assert any("registers 'yotta', which is taken" in line for line in registry().refused)
