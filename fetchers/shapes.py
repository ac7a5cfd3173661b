"""The shape of a JSON document: which fields of which types, without values; and how two shapes differ."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

_MANY_KEYS = 8


def shape_of(data: Any) -> dict[str, frozenset[str]]:
    """JSON types by path: `data[].regions[].available` -> {boolean}.

    An object with many keys that all hold objects is taken for a mapping by name, `data.*`.
    """
    shape: dict[str, set[str]] = {}
    for path, kind in _walk(data, ""):
        shape.setdefault(path, set()).add(kind)
    return {path: frozenset(kinds) for path, kinds in shape.items()}


def shape_differences(seen: dict[str, frozenset[str]], assumed: dict[str, frozenset[str]]) -> list[str]:
    """What an answer has that we do not assume and the other way round, one line each, sorted by path."""
    lines = []
    for path in sorted(seen.keys() | assumed.keys()):
        here, there = seen.get(path), assumed.get(path)
        if there is None:
            lines.append(f"new: {path} ({_kinds(here)})")
        elif here is None:
            lines.append(f"not there: {path} ({_kinds(there)})")
        elif not here <= there:
            lines.append(f"other type: {path} is {_kinds(here)}, assumed {_kinds(there)}")
    return lines


def _walk(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        by_name = len(value) > _MANY_KEYS and all(isinstance(item, dict) for item in value.values())
        for key, item in value.items():
            inner = "*" if by_name else str(key)
            yield from _walk(item, f"{path}.{inner}" if path else inner)
    elif isinstance(value, list):
        yield path, "list"
        for item in value:
            yield from _walk(item, f"{path}[]")
    else:
        yield path, _kind(value)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float, Decimal)):
        return "number"
    return "string"


def _kinds(kinds: frozenset[str] | None) -> str:
    return " or ".join(sorted(kinds or ()))
