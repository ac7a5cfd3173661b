"""Eight publishers at once: one after the other wins or is told that it lost, and nothing is lost or mixed.

GPU_CATALOG_RACE_ROUNDS sets another number of rounds; `make soak` runs 50.
"""

from __future__ import annotations

import os
import random
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from publisher.errors import LostRace
from publisher.push import push
from publisher.store import open_store
from tests.publisher.nights import night, times
from tests.publisher.s3 import S3Server, aws_fixture, s3_fixture, server_fixture  # noqa: F401
from tests.publisher.seen import chain, check_all_is_right, price, unfinished_ids

PUBLISHERS = 8
ROUNDS = {"folder": 10, "s3": 4}
SPREAD_SECONDS = {"folder": 0.5, "s3": 2.0}
"""About as long as a push takes while others push too."""
LONGEST_WAIT_SECONDS = 300


@dataclass(frozen=True)
class Outcome:
    """What became of one push."""

    round: int
    won: str | None = None
    """Id of what it published, or found to be published already."""
    changed: bool = False
    lost: str | None = None
    """The message of its LostRace."""
    broke: str | None = None
    """The traceback of anything else, which fails the test."""


def publisher(
    number: int, rounds: int, place: str, environ: Mapping[str, str], folder: Path, barrier: Barrier,
    outcomes: Queue[Outcome],
) -> None:  # fmt: skip
    """One publisher, in a process of its own: every round it pushes other prices; the last two push the same."""
    os.environ.update(environ)
    store, moments = open_store(place), random.Random(number)
    for round_number in range(rounds):
        factor = f"{9600 + round_number * PUBLISHERS + min(number, PUBLISHERS - 2):05}"
        changes = times(f"{factor[0]}.{factor[1:]}")
        # Two rounds a night: December is short.
        source = night(folder / f"{number}-{round_number}", 2 + round_number // 2, {"yotta": (changes,)})
        barrier.wait(LONGEST_WAIT_SECONDS)
        if round_number % 2:  # so that some begin while others copy, and several win a round
            time.sleep(moments.uniform(0, SPREAD_SECONDS["s3" if environ else "folder"]))
        try:
            result = push(source, store)
            outcome = Outcome(round_number, won=result.manifest.id, changed=result.changed)
        except LostRace as exc:
            outcome = Outcome(round_number, lost=str(exc))
        except BaseException:  # noqa: BLE001
            outcome = Outcome(round_number, broke=traceback.format_exc())
        outcomes.put(outcome)
        barrier.wait(LONGEST_WAIT_SECONDS)  # all begin a round with the same latest publication


@pytest.mark.parametrize("backend", ["folder", "s3"])
def test_of_publishers_at_once_every_winner_is_in_the_chain_and_the_others_are_told(
    backend: str, request: pytest.FixtureRequest, record_property: Callable[[str, object], None], tmp_path: Path
) -> None:
    place, environ, rounds = str(tmp_path / "store"), {}, rounds_of(backend)
    if backend == "s3":
        server: S3Server = request.getfixturevalue("s3")
        place, environ = server.new_place(), server.environ
    store = open_store(place)
    base = push(night(tmp_path / "base", 1, {"yotta": (times("0.95"),)}), store).manifest.id
    outcomes = race(rounds, place, environ, tmp_path)

    assert [outcome.broke for outcome in outcomes if outcome.broke is not None] == []
    assert all(
        "; " in outcome.lost and outcome.lost.isprintable() for outcome in outcomes if outcome.lost is not None
    )
    # From the first publication to the latest each one follows the one before, round by round the winners.
    ids = chain(store)[::-1]
    assert ids.pop(0) == base
    for number in range(rounds):
        of_round = [outcome for outcome in outcomes if outcome.round == number]
        winners = [outcome.won for outcome in of_round if outcome.changed]
        assert winners
        assert sorted(ids[: len(winners)]) == sorted(filter(None, winners))
        # Who pushes what has just been published records a check.
        assert {outcome.won for outcome in of_round if outcome.won and not outcome.changed} <= set(winners)
        del ids[: len(winners)]
    assert ids == []
    assert unfinished_ids(store) == set()
    check_all_is_right(store, str(price(store)))
    record_property("won", sum(outcome.changed for outcome in outcomes))
    record_property("lost", sum(outcome.lost is not None for outcome in outcomes))


def rounds_of(backend: str) -> int:
    rounds = int(os.environ.get("GPU_CATALOG_RACE_ROUNDS") or ROUNDS[backend])
    assert rounds <= 50, "more rounds would need prices that drift too far, and more nights"
    return rounds


def race(rounds: int, place: str, environ: Mapping[str, str], folder: Path) -> list[Outcome]:
    """Let the publishers run; what became of every push."""
    # Not forked from here: other tests may have left threads with locks in this process.
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.publisher.test_race", "publisher.s3_store", "boto3", "pyarrow.parquet"])
    barrier, outcomes = context.Barrier(PUBLISHERS), context.Queue()
    processes = [
        context.Process(
            target=publisher, args=(number, rounds, place, environ, folder, barrier, outcomes), daemon=True
        )
        for number in range(PUBLISHERS)
    ]
    for process in processes:
        process.start()
    found = [outcomes.get(timeout=LONGEST_WAIT_SECONDS) for _ in range(rounds * PUBLISHERS)]
    for process in processes:
        process.join(LONGEST_WAIT_SECONDS)
        assert process.exitcode == 0
    return found
