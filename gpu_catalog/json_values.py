"""Foreign JSON, and values out of its objects, each checked for its kind.

Every function but `loads` takes an object and a key, and raises KeyError where the key is missing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn

from gpu_catalog.errors import BadCatalogFile


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):  # One reader would go by the first, another by the last.
        keys = [key for key, _ in pairs]
        raise BadCatalogFile(f"{max(keys, key=keys.count)[:40]!r} is there twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise BadCatalogFile(f"{name} is no number of JSON")


_STRICT = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number, parse_float=Decimal)
"""One for all texts: making it takes as long as reading a short one."""


def loads(text: str) -> Any:
    """What a JSON text says, its fractions as Decimal.

    Raises:
        BadCatalogFile: a key twice in one object, or NaN or Infinity, which are no JSON.
        ValueError, RecursionError: no JSON, or too deep.
    """
    try:
        return _STRICT.decode(text)
    except ArithmeticError as exc:
        raise BadCatalogFile("a number beyond all bounds") from exc


def text(data: Mapping[str, Any], key: str) -> str:
    """The text at `key`.

    Raises:
        BadCatalogFile: something else is there.
    """
    value = data[key]
    if not isinstance(value, str):
        raise BadCatalogFile(f"{key} is not text")
    return value


def text_or_none(data: Mapping[str, Any], key: str) -> str | None:
    """The text at `key`, or None where it holds null.

    Raises:
        BadCatalogFile: something else is there.
    """
    return None if data[key] is None else text(data, key)


def texts(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """The list of texts at `key`.

    Raises:
        BadCatalogFile: something else is there.
    """
    value = data[key]
    if not isinstance(value, list) or not {str}.issuperset(map(type, value)):  # JSON makes no texts of other types.
        raise BadCatalogFile(f"{key} is not a list of texts")
    return tuple(value)


def count(data: Mapping[str, Any], key: str) -> int:
    """The whole number at `key`, zero or more.

    Raises:
        BadCatalogFile: something else is there.
    """
    value = data[key]
    if type(value) is not int or value < 0:  # a bool is an int too
        raise BadCatalogFile(f"{key} is not a count")
    return value


def flag(data: Mapping[str, Any], key: str) -> bool:
    """The true or false at `key`.

    Raises:
        BadCatalogFile: something else is there.
    """
    value = data[key]
    if not isinstance(value, bool):
        raise BadCatalogFile(f"{key} is neither true nor false")
    return value


def members(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The object at `key`.

    Raises:
        BadCatalogFile: something else is there.
    """
    value = data[key]
    if not isinstance(value, dict):
        raise BadCatalogFile(f"{key} is not an object")
    return value
