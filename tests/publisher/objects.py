"""What tests of stores ask of their objects."""

from __future__ import annotations

from collections.abc import Callable

from publisher.store import Store


def keys(store: Store, prefix: str = "") -> list[str]:
    """The keys that begin so."""
    return [entry.key for entry in store.list(prefix)]


def every_verb(store: Store, key: str) -> list[Callable[[], object]]:
    """All that can be done with a key."""
    return [
        lambda: store.get(key),
        lambda: store.put_if_absent(key, b"x"),
        lambda: store.put_if_match(key, b"x", "version"),
        lambda: store.delete(key),
    ]
