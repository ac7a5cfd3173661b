"""Requests side by side: begun in threads of their own, waited for where their answers are needed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

_Result = TypeVar("_Result")


def begin(function: Callable[[], _Result]) -> Future[_Result]:
    """Call `function` in a thread; the future has its result, or raises what it raised.

    The thread is a daemon: a request that hangs where it cannot be interrupted holds up no exit, which the threads
    of an executor would.
    """
    future: Future[_Result] = Future()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as exc:  # noqa: BLE001 - raised again where the result is asked for
            future.set_exception(exc)

    Thread(target=run, daemon=True).start()
    return future
