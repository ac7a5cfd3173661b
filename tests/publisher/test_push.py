"""Publishing night after night: what readers see, what is kept, what is said."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from gpu_catalog import Catalog
from gpu_catalog.manifest import read_manifest
from gpu_catalog.offering import Offering
from gpu_catalog.offers import Offer
from gpu_catalog.sync import sync
from publisher.errors import BadPublication, CannotPush, LostRace, PublishError
from publisher.publications import move_pointer, read_latest
from publisher.push import Pushed, push
from publisher.store import Store, open_store
from publisher.upkeep import export, log, overdue, prune, rollback, verify_store
from publisher.verify import verify_folder
from tests.publisher.commands import publish
from tests.publisher.nights import night, times, without

A10, H100 = "gpu_1x_a10", "gpu_8x_h100_sxm5"


def at(number: int) -> datetime:
    return datetime(2026, 12, number, 3, tzinfo=timezone.utc)


class Nights:
    """A store in a folder, and the pushes into it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.store: Store = open_store(place / "store")

    def push(self, number: int, *changes: object, cloud: str = "lambda", **options: object) -> Pushed:
        fetched = self.place / f"night-{number}-{cloud}"
        shutil.rmtree(fetched, ignore_errors=True)
        night(fetched, number, {cloud: changes})  # type: ignore[dict-item]
        return push(fetched, self.store, now=at(number), **options)  # type: ignore[arg-type]

    def price(self, instance_type: str = A10) -> Decimal:
        return self.offer(instance_type).offering.price_usd_per_hour

    def offer(self, instance_type: str) -> Offer:
        [offer] = Catalog.load(self.place / "store").clouds["lambda"].by_instance_type[instance_type]
        return offer


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path)


def test_the_first_live_night_is_published_whole_and_read(nights: Nights) -> None:
    result = nights.push(1)
    assert (result.changed, result.exit_code, result.notes) == (True, 0, ())
    catalog = Catalog.load(nights.place / "store")
    assert catalog.manifest == result.manifest
    assert catalog.folder == nights.place / "store/publications" / result.manifest.id
    assert nights.price() == Decimal("1.29")
    assert verify_store(nights.store) == []
    name = "v8/lambda/vms.csv"
    assert (nights.place / "store" / name).read_bytes() == (catalog.folder / name).read_bytes()
    assert read_manifest(nights.place / "store") == result.manifest


def test_an_unchanged_market_publishes_nothing_new_and_records_the_check(nights: Nights) -> None:
    first = nights.push(1)
    again = nights.push(2)
    assert (again.changed, again.manifest.id) == (False, first.manifest.id)
    latest = read_latest(nights.store)
    assert latest is not None
    assert (latest.pointer.checked_at, latest.pointer.confirmed) == (
        "2026-12-02T03:00:00Z", {"lambda": "2026-12-02T02:00:00Z"}
    )  # fmt: skip
    assert len(log(nights.store)) == 1


def test_prices_that_were_seen_again_are_as_old_as_the_last_look(nights: Nights) -> None:
    nights.push(1)
    catalog = Catalog.load(nights.place / "store")
    ages = []
    for number, change in enumerate(("1", "2.5", "1"), start=2):
        nights.push(number, times(change, "A10"))
        ages.append(nights.offer(H100).offering.observed_at)
    # On night 3 a part of the cloud was held back: what stands then was not seen again as a whole.
    assert ages == ["2026-12-02T02:00:00Z", "2026-12-02T02:00:00Z", "2026-12-04T02:00:00Z"]
    catalog.refresh()
    best = catalog.cheapest("H100", 8)
    assert best is not None
    assert best.observed_at == ages[-1]
    sync([(nights.place / "store").as_uri()], nights.place / "cache")
    assert Catalog.load(nights.place / "cache").cheapest("H100", 8) == best


def test_a_small_move_is_published_and_the_former_publication_stays(nights: Nights) -> None:
    first = nights.push(1)
    second = nights.push(2, times("1.1"))
    assert (second.changed, second.exit_code, second.manifest.previous) == (True, 0, first.manifest.id)
    assert nights.price() == Decimal("1.419")
    assert [(line.manifest.id, line.is_latest) for line in log(nights.store)] == [
        (second.manifest.id, True), (first.manifest.id, False)
    ]  # fmt: skip
    assert verify_store(nights.store) == []


def test_a_cloud_that_moves_too_far_keeps_its_last_good_catalog_until_the_change_comes_back(nights: Nights) -> None:
    nights.push(1)
    held = nights.push(2, times("1.4"))
    assert (held.changed, held.exit_code, nights.price()) == (False, 3, Decimal("1.29"))
    assert held.notes[0].startswith("lambda: kept: ")
    accepted = nights.push(3, times("1.4"))
    assert (accepted.changed, accepted.exit_code, nights.price()) == (True, 0, Decimal("1.806"))


def test_a_change_that_comes_back_changed_is_held_back_again(nights: Nights) -> None:
    nights.push(1)
    nights.push(2, times("1.4"))
    assert (nights.push(3, times("1.5")).exit_code, nights.price()) == (3, Decimal("1.29"))


def test_the_same_fetch_pushed_again_is_no_second_look(nights: Nights) -> None:
    nights.push(1)
    for _ in range(2):
        assert (nights.push(2, times("1.4")).exit_code, nights.price()) == (3, Decimal("1.29"))
    nights.push(2, cloud="yotta")
    assert nights.price() == Decimal("1.29")
    assert (nights.push(3, times("1.4")).exit_code, nights.price()) == (0, Decimal("1.806"))


def test_an_operator_can_accept_a_change_and_the_reason_is_published(nights: Nights) -> None:
    nights.push(1)
    result = nights.push(2, times("1.4"), accept_drift="announced")
    assert (result.exit_code, nights.price()) == (0, Decimal("1.806"))
    assert any("announced" in warning for warning in result.manifest.clouds["lambda"].warnings)


def test_one_accelerator_that_more_than_doubles_keeps_only_its_own_rows(nights: Nights) -> None:
    nights.push(1)
    result = nights.push(2, times("2.5", "A10"), times("1.05", "H100"))
    assert (result.changed, result.exit_code) == (True, 3)
    assert (nights.price(), nights.price(H100)) == (Decimal("1.29"), Decimal("33.516"))
    assert any("A10" in note for note in result.notes)
    assert verify_store(nights.store) == []


def test_kept_rows_that_contradict_the_new_ones_keep_the_whole_cloud(nights: Nights) -> None:
    def zoned(offering: Offering) -> Offering:
        return replace(offering, zone=f"{offering.region}-a")

    def moved(offering: Offering) -> Offering:
        return (
            offering if offering.accelerator_name == "A10" else replace(offering, region=f"{offering.region}-new")
        )

    nights.push(1, zoned)
    result = nights.push(2, zoned, moved, times("2.5", "A10"))
    assert (result.changed, result.exit_code) == (False, 3)
    assert "the last good rows of A10 do not go together" in result.notes[0]


def test_cents_for_dollars_are_refused_and_never_accepted_by_coming_back(nights: Nights) -> None:
    nights.push(1)
    for number in (2, 3, 4):
        assert nights.push(number, times("100")).notes[0].startswith("lambda: kept: refused: ")
        assert nights.price() == Decimal("1.29")


def test_many_lost_instance_types_keep_the_cloud(nights: Nights) -> None:
    nights.push(1)
    names = ("a100", "h100_sxm5", "b200_sxm6", "a6000")
    lost = [f"gpu_{count}x_{name}" for count in (1, 2, 4, 8) for name in names]
    assert nights.push(2, without(*lost)).exit_code == 3
    assert nights.price(H100) == Decimal("31.92")


def test_a_cloud_that_failed_keeps_what_the_store_has_and_raises_an_alarm_when_it_is_old(nights: Nights) -> None:
    nights.push(1)
    for number, alarm in ((2, False), (5, True)):
        fetched = night(nights.place / f"failed-{number}", number, {"yotta": ()}, failed={"lambda": "HTTP 503"})
        result = push(fetched, nights.store, now=at(number))
        assert (result.exit_code, bool(result.alarms)) == (3, alarm)
        assert result.manifest.clouds["lambda"].state == "kept"
        assert nights.price() == Decimal("1.29")
    assert "lambda: prices last seen 2026-12-01T02:00:00Z" in result.alarms[0]


def test_a_kept_cloud_that_is_back_is_called_fresh_again(nights: Nights) -> None:
    nights.push(1)
    night(nights.place / "failed", 2, {"yotta": ()}, failed={"lambda": "HTTP 503"})
    assert push(nights.place / "failed", nights.store, now=at(2)).manifest.clouds["lambda"].state == "kept"
    back = nights.push(3)
    assert (back.changed, back.exit_code, back.manifest.clouds["lambda"].state) == (True, 0, "fresh")
    assert not nights.push(4).changed
    assert verify_store(nights.store) == []


def test_a_cloud_that_was_not_asked_for_stays_as_it_is(nights: Nights) -> None:
    nights.push(1)
    result = nights.push(2, cloud="yotta")
    assert (result.exit_code, set(result.manifest.clouds)) == (0, {"lambda", "yotta"})
    assert result.manifest.clouds["lambda"].state == "fresh"
    assert nights.price() == Decimal("1.29")


def test_samples_are_refused_unless_allowed_and_are_no_baseline(nights: Nights) -> None:
    sample = night(nights.place / "sample", 1, {"lambda": ()}, kind="sample")
    with pytest.raises(CannotPush, match="--allow-sample"):
        push(sample, nights.store)
    assert push(sample, nights.store, allow_sample=True, now=at(1)).manifest.kind == "sample"
    assert nights.push(2, times("1.9")).exit_code == 0
    assert nights.price() == Decimal("2.451")


def test_a_folder_that_is_not_as_its_manifest_says_is_refused(nights: Nights) -> None:
    fetched = night(nights.place / "fetched", 1, {"lambda": ()})
    path = fetched / "v8/lambda/vms.csv"
    path.write_text(path.read_text().replace("1.29", "1.19"))
    with pytest.raises(CannotPush, match=r"v8/lambda/vms\.csv"):
        push(fetched, nights.store)
    assert list(nights.store.list("")) == []


def test_a_publisher_that_lost_the_race_says_so_and_changes_nothing(nights: Nights) -> None:
    nights.push(1)
    stale = read_latest(nights.store)
    assert stale is not None
    nights.push(2, times("1.1"))
    with pytest.raises(LostRace, match="another publisher was faster"):
        move_pointer(nights.store, stale, stale.pointer)
    assert nights.price() == Decimal("1.419")


def test_the_market_may_return_to_what_it_was(nights: Nights) -> None:
    first = nights.push(1)
    nights.push(2, times("1.1"))
    back = nights.push(3)
    assert (back.changed, nights.price()) == (True, Decimal("1.29"))
    assert back.manifest.id[17:] == first.manifest.id[17:]
    assert verify_store(nights.store) == []


def test_a_cloud_that_gave_only_older_prices_keeps_the_published_ones_and_stops_no_other(nights: Nights) -> None:
    # As Yotta does on a night when its list does not answer: the fetch falls back to the dated rate card.
    fetched = night(nights.place / "second", 2, {"lambda": (times("1.1"),), "yotta": ()})
    push(fetched, nights.store, now=at(2))
    mixed = night(nights.place / "third", 1, {"yotta": (times("0.9"),)})
    night(mixed, 3, {"lambda": ()})
    result = push(mixed, nights.store, now=at(3))
    assert nights.price() == Decimal("1.29")
    assert result.manifest.clouds["yotta"].observed_at == "2026-12-02T02:00:00Z"
    assert result.notes == (
        "yotta: kept: the fetched prices are older (2026-12-01T02:00:00Z) than the published ones "
        "(2026-12-02T02:00:00Z), which stay",
    )
    again = push(mixed, nights.store, now=at(3))
    assert (again.changed, again.notes) == (False, result.notes)
    assert verify_store(nights.store) == []


def test_prices_older_than_the_published_ones_are_refused(nights: Nights) -> None:
    nights.push(1)
    second = nights.push(2, times("1.1"))
    with pytest.raises(CannotPush, match=r"lambda are older \(2026-12-01T02:00:00Z\)"):
        push(nights.place / "night-1-lambda", nights.store, now=at(3))
    sample = night(nights.place / "sample", 1, {"lambda": ()}, kind="sample")
    with pytest.raises(CannotPush, match="are older"):
        push(sample, nights.store, allow_sample=True)
    newer = night(nights.place / "newer", 3, {"lambda": ()}, kind="sample")
    with pytest.raises(CannotPush, match="live prices are published"):
        push(newer, nights.store, allow_sample=True)
    assert read_latest(nights.store).manifest == second.manifest  # type: ignore[union-attr]


def test_a_rollback_points_back_and_mends_a_broken_pointer(nights: Nights) -> None:
    first = nights.push(1)
    nights.push(2, times("1.1"))
    (nights.place / "store/latest.json").write_text('{"id": "cut')
    with pytest.raises(BadPublication, match="rollback"):
        read_latest(nights.store)
    rollback(nights.store, first.manifest.id, now=at(3))
    assert nights.price() == Decimal("1.29")
    assert (nights.place / "store/v8/lambda/vms.csv").read_text().count("1.419") == 0
    assert verify_store(nights.store) == []
    with pytest.raises(BadPublication, match="no publication"):
        rollback(nights.store, "20260101T000000Z-000000000000")


def test_a_rollback_leaves_nothing_of_what_was_rolled_back_and_is_no_check(nights: Nights) -> None:
    first = nights.push(1)
    nights.push(2, cloud="yotta")
    assert (nights.place / "store/v8/yotta/vms.csv").exists()
    rollback(nights.store, first.manifest.id, now=at(9))
    assert not (nights.place / "store/v8/yotta").exists()
    assert verify_folder(nights.place / "store") == []
    assert overdue(nights.store, timedelta(hours=36), now=at(9)) is not None


def test_a_rollback_to_what_is_followed_mends_the_copies_and_keeps_the_pointer(nights: Nights) -> None:
    first = nights.push(1)
    pointer, copy = (nights.place / "store" / name for name in ("latest.json", "v8/lambda/vms.csv"))
    before, whole = pointer.read_bytes(), copy.read_bytes()
    copy.write_text("edited\n")
    assert verify_store(nights.store) != []
    rollback(nights.store, first.manifest.id, now=at(2))
    assert (pointer.read_bytes(), copy.read_bytes()) == (before, whole)


def test_a_store_that_lost_its_pointer_is_not_begun_anew(nights: Nights) -> None:
    first = nights.push(1)
    (nights.place / "store/latest.json").unlink()
    with pytest.raises(BadPublication, match="lost its pointer"):
        nights.push(2, times("1.1"))
    assert "no latest.json" in publish("verify", nights.store.place).stderr
    assert publish("log", nights.store.place).stdout.startswith(f"  {first.manifest.id}")
    assert publish("rollback", nights.store.place, first.manifest.id).exit_code == 0
    assert nights.push(2, times("1.1")).manifest.previous == first.manifest.id


def test_a_summary_that_cannot_be_written_is_found_before_anything_is_published(nights: Nights) -> None:
    fetched = night(nights.place / "fetched", 1, {"lambda": ()})
    result = publish("push", fetched, nights.store.place, "--summary", nights.place / "none/summary.md")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert list(nights.store.list("")) == []


def test_a_publication_that_is_not_whole_is_not_rolled_back_to(nights: Nights) -> None:
    first = nights.push(1)
    nights.push(2, times("1.1"))
    (nights.place / "store/publications" / first.manifest.id / "v8/lambda/vms.csv").write_text("edited\n")
    with pytest.raises(BadPublication, match="is not the file of the manifest"):
        rollback(nights.store, first.manifest.id)
    assert nights.price() == Decimal("1.419")
    assert any("v8/lambda/vms.csv" in problem for problem in verify_store(nights.store))


def test_pruning_keeps_the_newest_and_what_readers_follow(nights: Nights) -> None:
    first = nights.push(1)
    for number in range(2, 5):
        nights.push(number, times(f"1.0{number}"))
    rollback(nights.store, first.manifest.id, now=at(5))
    assert len(prune(nights.store, 1)) == 2
    assert {line.manifest.id for line in log(nights.store)} >= {first.manifest.id}
    assert len(log(nights.store)) == 2
    assert nights.price() == Decimal("1.29")
    assert verify_store(nights.store) == []


def test_an_export_is_what_git_holds(nights: Nights, tmp_path: Path) -> None:
    nights.push(1)
    nights.push(2, times("1.1"), cloud="lambda")
    result = export(nights.store, tmp_path / "catalogs")
    assert read_manifest(tmp_path / "catalogs") == result
    assert not list((tmp_path / "catalogs").rglob("*.parquet"))
    assert Catalog.load(tmp_path / "catalogs").manifest == result
    with pytest.raises(BadPublication, match="nothing is published here"):
        export(open_store(tmp_path / "empty"), tmp_path / "other")


def test_the_history_of_prices_grows_with_each_change(nights: Nights) -> None:
    nights.push(1)
    nights.push(2)
    result = nights.push(3, times("1.1"))
    lines = (nights.place / "store/history/lambda.jsonl").read_text().splitlines()
    assert "history/lambda.jsonl" in result.manifest.files
    publications = {json.loads(line)["publication"] for line in lines}
    assert publications == {line.manifest.id for line in log(nights.store)}
    parquet = sorted(path.name for path in (nights.place / "store/history/cloud=lambda").iterdir())
    assert parquet == sorted(f"{name}.parquet" for name in publications)


def test_the_watchdog_speaks_up_after_a_day_and_a_half(nights: Nights) -> None:
    assert "nothing is published here" in (overdue(nights.store, timedelta(hours=36)) or "")
    nights.push(1)
    assert overdue(nights.store, timedelta(hours=36), now=at(2)) is None
    assert "yet to come" in (overdue(nights.store, timedelta(hours=36), now=at(1) - timedelta(days=2)) or "")
    assert "not checked since 2026-12-01T03:00:00Z" in (overdue(nights.store, timedelta(hours=36), now=at(3)) or "")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"id": "../x", "sha256": "", "checked_at": ""}', b"\xff"])
def test_a_pointer_that_was_damaged_is_one_line_and_never_overwritten(content: bytes, nights: Nights) -> None:
    nights.push(1)
    (nights.place / "store/latest.json").write_bytes(content)
    with pytest.raises(PublishError) as caught:
        nights.push(2, times("1.1"))
    assert "\n" not in str(caught.value)
    assert (nights.place / "store/latest.json").read_bytes() == content


def test_a_manifest_of_a_newer_format_stops_us(nights: Nights) -> None:
    first = nights.push(1)
    manifest = nights.place / "store/publications" / first.manifest.id / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"format": 1', b'"format": 2'))
    pointer = nights.place / "store/latest.json"
    old = hashlib.sha256(first.manifest.to_json()).hexdigest()
    pointer.write_text(pointer.read_text().replace(old, hashlib.sha256(manifest.read_bytes()).hexdigest()))
    with pytest.raises(BadPublication, match="newer than this version"):
        nights.push(2, times("1.1"))
