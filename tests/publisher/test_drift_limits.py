"""The figures of the drift gate, and that it asks them."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from fractions import Fraction
from typing import Any

import pytest

from publisher.drift_limits import LIMITS_FILE, DriftLimits, default_limits
from tests.publisher.markets import Market, cloud, gpu, judge, times


def test_every_limit_has_a_figure_and_a_reason_in_the_file() -> None:
    entries = json.loads(LIMITS_FILE.read_text("utf-8"))

    assert set(entries) == {field.name for field in fields(DriftLimits)}
    assert all(len(entry["reason"].split()) > 5 for entry in entries.values())
    assert all(isinstance(getattr(default_limits(), name), (int, Fraction)) for name in entries), "exact"
    assert default_limits().median_move_share == Fraction(15, 100)
    assert default_limits() is default_limits()


@pytest.mark.parametrize(
    ("limit", "value", "now"),
    [
        ("lost_types_share", Fraction(9, 10), cloud(9)[4:]),
        ("lost_types_at_least", 5, cloud(9)[4:]),
        ("median_move_share", Fraction(3, 10), times(cloud(9), "1.3")),
        ("accelerator_factor", Fraction(9), times(cloud(9), "9", 1)),
        ("one_price_types_at_least", 10, [gpu(row.instance_type, "6", f"A{n}") for n, row in enumerate(cloud(9))]),
    ],
)
def test_each_limit_is_the_one_that_is_asked(limit: str, value: Any, now: Market) -> None:
    loose = replace(default_limits(), **{limit: value})

    assert judge(cloud(9), now).reason != judge(cloud(9), now, limits=loose).reason
    assert judge(cloud(9), now, limits=loose).verdict == "accepted"
