"""Publishers that are killed (SIGKILL) at one of their writes, each in a process of its own.

`tests.publisher.killed` kills at random moments. Here the write is chosen, so that a seed gives the same death.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import time_machine

from publisher.push import push
from publisher.store import Entry, Store, Stored, open_store

T = TypeVar("T")


class Dying(Store):
    """A store whose user is killed at its `dies_at`-th write, before it happens or after."""

    def __init__(self, store: Store, dies_at: int, *, after: bool) -> None:
        self.place = store.place
        self._store, self._left, self._after = store, dies_at, after

    def get(self, key: str) -> Stored | None:
        return self._store.get(key)

    def list(self, prefix: str) -> Iterator[Entry]:
        return self._store.list(prefix)

    def put_if_absent(self, key: str, content: bytes) -> bool:
        return self._write(lambda: self._store.put_if_absent(key, content))

    def put_if_match(self, key: str, content: bytes, version: str) -> bool:
        return self._write(lambda: self._store.put_if_match(key, content, version))

    def delete(self, key: str) -> None:
        self._write(lambda: self._store.delete(key))

    def _write(self, write: Callable[[], T]) -> T:
        self._left -= 1
        if self._left == 0 and not self._after:
            os.kill(os.getpid(), signal.SIGKILL)
        done = write()
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return done


def push_and_die(
    source: Path, place: str, *, environ: Mapping[str, str], now: datetime, dies_at: int, after: bool
) -> int:
    """Push until the `dies_at`-th write; the exit code: -SIGKILL when it was killed, 0 when it had ended before."""
    # Not forked from here: this process has threads.
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.trust.dying", "pyarrow.parquet"])
    process = context.Process(target=_push, args=(source, place, dict(environ), now, dies_at, after), daemon=True)
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _push(source: Path, place: str, environ: dict[str, str], now: datetime, dies_at: int, after: bool) -> None:
    os.environ.update(environ)
    with time_machine.travel(now):
        push(source, Dying(open_store(place), dies_at, after=after))
