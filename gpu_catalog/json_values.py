"""Values out of foreign JSON objects, each checked for its kind.

Every function takes an object and a key, and raises KeyError where the key is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gpu_catalog.errors import BadCatalogFile


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
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
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
