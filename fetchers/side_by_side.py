"""Requests side by side."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import Any


def side_by_side(*functions: Callable[[], Any]) -> list[Any]:
    """Call the functions at the same time, each in a thread, and return their results in the same order.

    When all have ended, so that nothing goes on unseen, the first failure in that order is raised.
    """
    futures = [_begun(function) for function in functions]
    wait(futures)
    return [future.result() for future in futures]


def _begun(function: Callable[[], Any]) -> Future[Any]:
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as exc:  # noqa: BLE001 - raised again by whoever asks for the result
            future.set_exception(exc)

    # A daemon, unlike an executor's threads: a request that hangs where nothing can interrupt it is left behind.
    Thread(target=run, daemon=True).start()
    return future
