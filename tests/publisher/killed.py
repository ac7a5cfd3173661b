"""Publishers that are killed (SIGKILL) at random moments, and what they leave behind.

python -m tests.publisher.killed --times 200
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from publisher.push import push
from publisher.store import Store, open_store
from tests.publisher.nights import night, times
from tests.publisher.s3 import S3Server
from tests.publisher.seen import check_all_is_right, contents_of, problems, read


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.publisher.killed", description=__doc__)
    parser.add_argument("--times", type=int, default=20, help="pushes to kill")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--s3", action="store_true", help="publish into a bucket on loopback, not into a folder")
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        new_place: Callable[[int], str] = lambda number: str(folder / f"store-{number}")  # noqa: E731
        if options.s3:
            server = stack.enter_context(S3Server())
            os.environ.update(server.environ)
            bucket = server.new_place("")
            new_place = lambda number: f"{bucket}/store-{number}"  # noqa: E731
        started = time.monotonic()
        found = kills(folder, new_place, options.times, random.Random(options.seed))
    where = "S3" if options.s3 else "a folder"
    print(  # noqa: T201
        f"{options.times} pushes into {where} killed in {time.monotonic() - started:.0f} s: {found['old']} left "
        f"the old publication, {found['new']} the new one whole ({found['ended']} had ended before). "
        "Nothing was damaged, every next push succeeded."
    )
    return 0


def kills(folder: Path, new_place: Callable[[int], str], number: int, moments: random.Random) -> Counter[str]:
    """Kill so many pushes, each into a store of its own: every fourth an empty one, else with one publication.

    Raises:
        AssertionError: a reader would not get exactly the old or the new publication, or the next push fails.
    """
    old, new, later = (night(folder / f"fetched-{n}", n, {"yotta": (times(f"1.0{n}"),)}) for n in (1, 2, 3))
    store = open_store(new_place(-1))
    empty = read(store)
    push(old, store)
    contents, before = contents_of(store), read(store)
    push(new, store)
    after = read(store)
    first = open_store(new_place(-2))
    push(new, first)
    after_first = read(first)
    seconds = sorted(_seconds(new, new_place(-3 - n), contents) for n in range(3))[1]
    found: Counter[str] = Counter()
    for n in range(number):
        place = new_place(n)
        was, becomes, held = (empty, after_first, {}) if n % 4 == 3 else (before, after, contents)
        store = _holding(place, held)
        found["ended"] += _killed(new, place, moments.uniform(0, seconds))
        seen = read(store)
        assert seen in (was, becomes), f"{place}: a reader gets neither the old nor the new publication"
        found["new" if seen == becomes else "old"] += 1
        assert (wrong := problems(store)) == [], wrong
        if n % 2 == 0:  # the same again, else other prices come first
            push(new, store)
            check_all_is_right(store, "0.663")
        push(later, store)
        check_all_is_right(store, "0.6695")
    return found


def _holding(place: str, contents: dict[str, bytes]) -> Store:
    store = open_store(place)
    for key, content in contents.items():
        store.put_if_absent(key, content)
    return store


def _seconds(source: Path, place: str, contents: dict[str, bytes]) -> float:
    """How long a push takes that nobody kills."""
    _holding(place, contents)
    process = _publisher(source, place)
    started = time.monotonic()
    assert os.waitpid(process, 0)[1] == 0
    return time.monotonic() - started


def _killed(source: Path, place: str, after_seconds: float) -> bool:
    """Start a push and kill it after so long; True when it had ended before."""
    process = _publisher(source, place)
    time.sleep(after_seconds)
    os.kill(process, signal.SIGKILL)  # one that has ended is there until it is waited for
    status = os.waitpid(process, 0)[1]
    assert status in (0, signal.SIGKILL), f"{place}: the push failed before it was killed"
    return status == 0


def _publisher(source: Path, place: str) -> int:
    """Id of a process that pushes, once it runs; it is forked, so that it does not spend its time importing."""
    ready, says_ready = os.pipe()
    if process := os.fork():
        os.close(says_ready)
        os.read(ready, 1)
        os.close(ready)
        return process
    status = 1
    try:
        os.write(says_ready, b"x")
        push(source, open_store(place))
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
