"""Fetching several clouds side by side, each in its own thread, under a deadline that holds whatever happens."""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from fetchers import (
    BadFetcher,
    Fetched,
    FetchError,
    SessionOptions,
    Unavailable,
    fetch_cloud,
    load_fetcher,
    registry,
)

GRACE_SECONDS = 1.0
"""After the deadline a fetch may still end by itself with a better message."""


@dataclass(frozen=True, slots=True)
class FetchOutcome:
    """How the fetch of one cloud ended."""

    cloud: str
    """Cloud name."""

    result: Fetched | FetchError
    """What it gave, or why it gave nothing."""


def fetch_side_by_side(
    clouds: Sequence[str], options: SessionOptions, notify: Callable[[str, str], None]
) -> Iterator[FetchOutcome]:
    """Start all fetches and return their outcomes as they end.

    `notify(cloud, text)` hears of progress, from any thread.

    A fetch that is still running after the deadline is left behind (its thread is a daemon and its result is
    dropped): a name lookup or dripping headers cannot be interrupted in any other way.
    """
    started = time.monotonic()
    outcomes: queue.SimpleQueue[FetchOutcome] = queue.SimpleQueue()
    for cloud in clouds:
        threading.Thread(
            target=lambda cloud=cloud: outcomes.put(_outcome(cloud, options, notify)), name=cloud, daemon=True
        ).start()
    return _outcomes_until(started, set(clouds), options.deadline_seconds, outcomes)


def _outcomes_until(
    started: float, running: set[str], deadline_seconds: float, outcomes: queue.SimpleQueue[FetchOutcome]
) -> Iterator[FetchOutcome]:
    ends_at = started + deadline_seconds + GRACE_SECONDS
    while running:
        try:
            outcome = outcomes.get(timeout=max(0.0, ends_at - time.monotonic()))
        except queue.Empty:
            break
        running.discard(outcome.cloud)
        yield outcome
    for cloud in sorted(running):
        late = Unavailable(
            f"no answer within {deadline_seconds:g} s{_whose(cloud)}", "try again, or raise --deadline"
        )
        yield FetchOutcome(cloud, late)


def _outcome(cloud: str, options: SessionOptions, notify: Callable[[str, str], None]) -> FetchOutcome:
    result: Fetched | FetchError
    try:
        result = fetch_cloud(load_fetcher(cloud), options, lambda text: notify(cloud, text))
    except FetchError as exc:
        result = exc
        result.what += _whose(cloud)
    except BaseException as exc:  # noqa: BLE001 - one fetcher's defect, or sys.exit(), must not stop the others
        result = defect(cloud, exc)
    return FetchOutcome(cloud, result)


def defect(cloud: str, exc: BaseException) -> BadFetcher:
    """What an exception that nobody foresaw says of a cloud's fetch.

    Only type and place: the text of a foreign exception may quote what the cloud sent.
    """
    frame = traceback.extract_tb(exc.__traceback__)[-1]
    what = f"a defect in the fetcher of {_package(cloud)}: {type(exc).__name__} in {frame.name}"
    return BadFetcher(what, "report it to its authors")


def _whose(cloud: str) -> str:
    """The package of a fetcher that is not ours, for the end of a sentence."""
    registration = registry().accepted.get(cloud)
    return "" if registration is None or registration.is_ours else f" (fetcher of {registration.package})"


def _package(cloud: str) -> str:
    registration = registry().accepted.get(cloud)
    return cloud if registration is None else registration.package
