"""Thirty nights in a row, and that whoever looks on would notice if they went wrong; `make soak` plays 500."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import requests

from publisher.folder_store import FolderStore
from publisher.push import push
from tests.emulator import Emulator
from tests.publisher.nights import night, offerings, times
from tests.trust.chaos import FAULTS, Chaos
from tests.trust.market import CLOUDS, Market, Prices
from tests.trust.onlooker import Onlooker, Seen
from tests.trust.series import Step, history_problems
from tests.trust.soak import soak

LAMBDA_CSV = "v8/lambda/vms.csv"


def test_thirty_nights_of_faults_kills_and_moving_markets_show_readers_only_what_is_right() -> None:
    report = soak(30, seed=5)
    assert report.violations == (), report.to_text()
    assert report.nights == 30
    assert report.publications > 15
    assert report.reads > 100
    assert len(report.faults) > 5
    # None of it held for want of trouble.
    assert all(report.outcomes[name] for name in ("fresh", "kept", "held back")), report.to_text()
    assert any(name.startswith("killed, ") for name in report.outcomes), report.to_text()


def test_the_same_seed_is_the_same_market_and_the_same_faults() -> None:
    with Emulator() as one, Emulator() as other, Emulator() as third:
        markets = [Market(data=e.data, seed=seed) for e, seed in ((one, "1"), (other, "1"), (third, "2"))]
        for market in markets:
            for _ in range(20):
                market.move()
        assert markets[0].nights == markets[1].nights != markets[2].nights
        assert one.data == other.data != third.data


# A reader that would notice -----------------------------------------------------------------------


class Watched:
    """A store with two nights of Lambda in it, and who reads there."""

    def __init__(self, place: Path) -> None:
        self.store = FolderStore(place / "store")
        self.onlooker = Onlooker(self.store)
        self.known: dict[str, list[Prices]] = {"lambda": []}
        self.steps: dict[str, Step] = {}
        for number, factor in enumerate(("1", "1.01"), start=1):
            push(night(place / str(number), number, {"lambda": (times(factor),)}), self.store)
            rows = offerings("lambda")
            self.known["lambda"].append(
                {(row.instance_type, row.region): row.price_usd_per_hour * Decimal(factor) for row in rows}
            )
            self.seen = self.look()
            self.steps[self.seen.id] = Step.of(self.seen)

    def look(self) -> Seen:
        seen = self.onlooker.look()
        assert seen is not None
        return seen

    def path(self, name: str) -> Path:
        return self.store.path / "publications" / self.seen.id / name

    def forge(self, changes: Mapping[str, bytes]) -> None:
        """As somebody who can write to the place: with all hashes made anew."""
        manifest = json.loads(self.path("manifest.json").read_bytes())
        for name, content in changes.items():
            self.path(name).write_bytes(content)
            group = manifest["parquet" if name.endswith(".parquet") else "files"]
            group[name] |= {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
        content = json.dumps(manifest).encode()
        self.path("manifest.json").write_bytes(content)
        pointer = json.loads((self.store.path / "latest.json").read_bytes())
        pointer["sha256"] = hashlib.sha256(content).hexdigest()
        (self.store.path / "latest.json").write_text(json.dumps(pointer), "utf-8")

    def judged(self) -> list[str]:
        """What is found on the next look."""
        self.look()
        self.onlooker.judge(self.known)
        return self.onlooker.violations


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_what_is_right_is_found_right(watched: Watched) -> None:
    assert watched.judged() == []
    assert list(history_problems(watched.store, watched.seen, watched.steps)) == []


def test_a_file_that_is_missing_or_another_is_seen_at_once(watched: Watched) -> None:
    watched.path(LAMBDA_CSV).write_bytes(watched.seen.files[LAMBDA_CSV] + b"\n")
    assert watched.onlooker.look() is None
    watched.path(LAMBDA_CSV).unlink()
    assert watched.onlooker.look() is None
    assert ["vms.csv" in violation for violation in watched.onlooker.violations] == [True, True]


def test_a_file_of_another_night_is_seen_although_its_hash_is_right(watched: Watched) -> None:
    [former] = [publication for publication in watched.steps if publication != watched.seen.id]
    watched.forge({LAMBDA_CSV: (watched.store.path / "publications" / former / LAMBDA_CSV).read_bytes()})
    assert any("not of one fetch" in violation for violation in watched.judged())


def test_a_price_that_no_night_had_and_a_broken_rule_are_seen(watched: Watched) -> None:
    watched.known["lambda"][1] = {name: price + 1 for name, price in watched.known["lambda"][1].items()}
    watched.forge({LAMBDA_CSV: watched.seen.files[LAMBDA_CSV].replace(b"us-east-1", b"null")})
    violations = "\n".join(watched.judged())
    assert "never stood together" in violations
    assert "region" in violations.lower()


def test_prices_of_two_nights_within_one_accelerator_are_seen(watched: Watched) -> None:
    first, second = watched.known["lambda"]
    a10 = [name for name in first if name[0] == "gpu_1x_a10"]
    watched.known["lambda"] = [first | {a10[0]: second[a10[0]]}, second | {a10[0]: first[a10[0]]}]
    assert ["prices of A10 never" in violation for violation in watched.judged()] == [True, True]


def test_a_history_that_says_something_else_is_seen(watched: Watched) -> None:
    step = watched.steps[watched.seen.id]
    prices = {name: price * 2 for name, price in step.prices["lambda"].items()}
    wrong = watched.steps | {watched.seen.id: replace(step, prices={"lambda": prices})}
    assert "are not those that were published" in "".join(history_problems(watched.store, watched.seen, wrong))
    unlinked = watched.steps | {watched.seen.id: replace(step, previous=None)}
    assert "1 are not in it" in "".join(history_problems(watched.store, watched.seen, unlinked))
    (watched.store.path / "history" / "cloud=lambda" / f"{watched.seen.id}.parquet").unlink()
    assert "are not the same" in "".join(history_problems(watched.store, watched.seen, watched.steps))


def test_one_request_in_ten_is_hit_and_every_fault_has_its_turn(emulator: Emulator) -> None:
    requests.get(emulator.url(("GET", "/lambda/api/v1/regions")), timeout=10)
    [request] = emulator.requests
    played: Counter[str] = Counter()
    chaos = Chaos("1", 0.1, played)
    hit = sum(chaos(request) is not None for _ in range(5000))
    assert 400 < hit < 600
    assert set(played) == set(FAULTS)
    assert chaos.hit == {"lambda"} <= set(CLOUDS)
