"""Shapes of JSON documents and how they differ."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fetchers.shapes import shape_differences, shape_of

SHAPES: list[tuple[Any, dict[str, set[str]]]] = [
    (None, {"": {"null"}}),
    ({}, {}),
    ([], {"": {"list"}}),
    ({"a": 1, "b": True, "c": "x", "d": None}, {"a": {"number"}, "b": {"boolean"}, "c": {"string"}, "d": {"null"}}),
    ({"a": 0.5}, {"a": {"number"}}),
    ({"a": [1, Decimal("0.5"), "x"]}, {"a": {"list"}, "a[]": {"number", "string"}}),
    ({"data": [{"regions": [{"available": True}]}]},
     {"data": {"list"}, "data[].regions": {"list"}, "data[].regions[].available": {"boolean"}}),
    ({"data": {f"type{n}": {"price": n} for n in range(9)}}, {"data.*.price": {"number"}}),
    ({"data": {f"field{n}": n for n in range(9)}}, {f"data.field{n}": {"number"} for n in range(9)}),
]  # fmt: skip


@pytest.mark.parametrize(("document", "shape"), SHAPES)
def test_a_shape_is_the_types_by_path(document: Any, shape: dict[str, set[str]]) -> None:
    assert shape_of(document) == shape


def test_a_document_differs_from_itself_in_nothing() -> None:
    for document, _ in SHAPES:
        assert shape_differences(shape_of(document), shape_of(document)) == []


def test_values_are_never_told() -> None:
    lines = shape_differences(shape_of({"a": "secret", "b": 1}), shape_of({"b": "secret", "c": "secret"}))
    assert lines == ["new: a (string)", "other type: b is number, assumed string", "not there: c (string)"]


def test_fewer_types_than_assumed_are_no_difference() -> None:
    assert shape_differences(shape_of([1]), shape_of([1, None, "x"])) == []
