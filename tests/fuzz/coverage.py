"""Which steps of our own code inputs have taken, so that those that took a new one can be damaged further."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
_OURS = tuple(f"{_ROOT / package}/" for package in ("gpu_catalog", "schemas", "fetchers", "publisher"))


class Steps:
    """Every step from one line of a function to another that was taken while watching."""

    def __init__(self) -> None:
        self._taken: set[tuple[CodeType, int, int]] = set()

    def __len__(self) -> int:
        return len(self._taken)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch what the body does; it takes several times as long."""
        before = sys.gettrace()
        sys.settrace(self._called)
        try:
            yield
        finally:
            sys.settrace(before)

    def _called(self, frame: FrameType, event: str, argument: object) -> Any:
        code, last = frame.f_code, 0
        if not code.co_filename.startswith(_OURS):
            return None

        def stepped(frame: FrameType, event: str, argument: object) -> Any:
            nonlocal last
            if event == "line":
                self._taken.add((code, last, frame.f_lineno))
                last = frame.f_lineno
            return stepped

        return stepped
