"""What a store says it holds is believed only as far as the hashes go."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from gpu_catalog.manifest import FileEntry
from publisher.errors import BadPublication
from publisher.publications import (
    Latest,
    offers_of,
    publications,
    read_file,
    read_latest,
    read_manifest_of,
    read_offers,
    unfinished,
)
from publisher.push import push
from publisher.store import Store, open_store
from publisher.upkeep import log, verify_store
from tests.publisher.nights import night, offerings, times

OFFERS = "v8/lambda/offers.jsonl"


@pytest.fixture(scope="module")
def two_nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the publications of two nights; not to be changed."""
    folder = tmp_path_factory.mktemp("nights")
    store = open_store(str(folder / "store"))
    for number in (1, 2):
        push(night(folder / f"fetched-{number}", number, {"lambda": (times(f"1.0{number}"),)}), store)
    return folder / "store"


@pytest.fixture
def place(two_nights: Path, tmp_path: Path) -> Path:
    """A copy of that store."""
    return shutil.copytree(two_nights, tmp_path / "store")


@pytest.fixture
def store(place: Path) -> Store:
    return open_store(str(place))


def latest_of(store: Store) -> Latest:
    latest = read_latest(store)
    assert latest is not None
    return latest


def test_offers_are_those_of_the_latest_or_of_the_one_that_is_named(store: Store) -> None:
    newest, oldest = (publication for publication, _ in publications(store))
    assert latest_of(store).manifest.id == newest
    for name, price in ((newest, "1.3158"), (oldest, "1.3029"), (None, "1.3158")):
        offers = {offer.offering.instance_type: offer.offering for offer in offers_of(store, name)["lambda"]}
        assert offers["gpu_1x_a10"].price_usd_per_hour == Decimal(price)
        assert offers.keys() == {offering.instance_type for offering in offerings("lambda")}


def test_offers_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadPublication, match="nothing is published here"):
        offers_of(open_store(str(tmp_path)))


def test_a_cloud_without_offers_has_none(store: Store) -> None:
    assert read_offers(store, latest_of(store).manifest, "yotta") == []


def test_the_manifest_is_the_one_that_the_pointer_names(place: Path, store: Store) -> None:
    manifest = place / "publications" / latest_of(store).manifest.id / "manifest.json"
    manifest.write_bytes(manifest.read_bytes() + b"\n")
    message = "is not the manifest that latest.json points to"
    with pytest.raises(BadPublication, match=message):
        read_latest(store)
    assert any(message in problem for problem in verify_store(store))
    assert [line.is_latest for line in log(store)] == [False, False]


def test_a_manifest_under_the_id_of_another_is_refused(place: Path, store: Store) -> None:
    newest, oldest = (publication for publication, _ in publications(store))
    shutil.copy(
        place / "publications" / newest / "manifest.json", place / "publications" / oldest / "manifest.json"
    )
    with pytest.raises(BadPublication, match=f"publications/{oldest}/manifest.json is the manifest of {newest}"):
        read_manifest_of(store, oldest)
    assert [line.manifest.id for line in log(store)] == [newest]
    assert any(f"is the manifest of {newest}" in problem for problem in verify_store(store))


def test_a_manifest_that_is_none_is_refused(place: Path, store: Store) -> None:
    _, oldest = (publication for publication, _ in publications(store))
    (place / "publications" / oldest / "manifest.json").write_text("{")
    with pytest.raises(BadPublication, match=str(place)):
        read_manifest_of(store, oldest)


def test_a_publication_that_is_not_there(store: Store) -> None:
    with pytest.raises(BadPublication, match="no publication 2020; `publish-catalog log` lists them"):
        read_manifest_of(store, "2020")


def test_a_file_is_the_one_of_the_manifest(place: Path, store: Store) -> None:
    manifest = latest_of(store).manifest
    file = place / "publications" / manifest.id / OFFERS
    assert read_file(store, manifest, OFFERS) == file.read_bytes()
    file.write_bytes(file.read_bytes()[:-1] + b" ")
    with pytest.raises(BadPublication, match=f"{OFFERS} is not the file of the manifest"):
        read_file(store, manifest, OFFERS)
    file.unlink()
    with pytest.raises(BadPublication, match=f"{OFFERS} is not there"):
        read_file(store, manifest, OFFERS)


@pytest.mark.parametrize("content", [b"no JSON\n", b"\xff\n"])
def test_offers_that_cannot_be_read_are_one_line(place: Path, store: Store, content: bytes) -> None:
    manifest = latest_of(store).manifest
    manifest = replace(manifest, files={**manifest.files, OFFERS: FileEntry.of(content, 1)})
    folder = place / "publications" / manifest.id
    (folder / OFFERS).write_bytes(content)
    (folder / "manifest.json").write_bytes(manifest.to_json())
    pointer = json.loads((place / "latest.json").read_text())
    pointer["sha256"] = hashlib.sha256(manifest.to_json()).hexdigest()
    (place / "latest.json").write_text(json.dumps(pointer))
    with pytest.raises(BadPublication) as caught:
        offers_of(store)
    assert str(caught.value).startswith(f"{place}: ")
    assert "\n" not in str(caught.value)


def test_what_a_killed_publisher_left_is_known_by_its_age_and_want_of_a_manifest(place: Path, store: Store) -> None:
    later = datetime.now(timezone.utc) + timedelta(hours=1)
    assert list(unfinished(store, later)) == []
    newest, oldest = (publication for publication, _ in publications(store))
    (place / "publications" / oldest / "manifest.json").unlink()
    left = list(unfinished(store, later))
    assert left
    assert {key.split("/")[1] for key in left} == {oldest}
    assert list(unfinished(store, later - timedelta(days=1))) == []
    assert [publication for publication, _ in publications(store)] == [newest]
