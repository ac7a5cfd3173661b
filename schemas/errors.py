"""Everything that `schemas` raises on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class SchemaError(ValueError):
    """Base of every error that this package raises; the message is one line."""


class RefusedFetch(SchemaError):
    """A fetch that must not be published: nothing left, no accelerator, contradictory, or too much of it broken."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why}; nothing of this fetch is published, try again later or report it")


class MissingExtra(SchemaError):
    """A library of `pip install 'gpu-catalog[fetch]'` is not installed."""


@contextmanager
def needs_extra(what: str) -> Iterator[None]:
    """Around the import of a heavy library: turn its absence into a MissingExtra that says what to install."""
    try:
        yield
    except ImportError as exc:
        raise MissingExtra(f"{what} needs {exc.name}: pip install 'gpu-catalog[fetch]'") from exc
