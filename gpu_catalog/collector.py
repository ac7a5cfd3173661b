"""Python's cycle collector, paused while very many rows are read."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_collector() -> Iterator[None]:
    """Look for no cycles meanwhile.

    Rows are hundreds of thousands of small objects that refer to no one in a circle; the collector would walk over
    all of them again and again (a fifth of the time at 100,000 rows). Whatever nests or runs beside it only makes
    the pause shorter.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
