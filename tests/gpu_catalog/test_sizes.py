"""Sizes as SkyPilot's users ask for them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_catalog import NotOffered
from gpu_catalog.sizes import size_test


@pytest.mark.parametrize(
    ("cpus", "memory", "vcpus", "memory_gib", "fits"),
    [
        (None, None, 4.0, 16.0, True), (None, None, None, None, True),
        ("4", None, 4.0, 16.0, True), ("4", None, 8.0, 16.0, False), ("4.0", None, 4.0, None, True),
        ("4+", None, 4.0, 16.0, True), ("4+", None, 8.0, 16.0, True), ("4+", None, 3.5, 16.0, False),
        (None, "16", 4.0, 16.0, True), (None, "16", 4.0, 32.0, False), (None, "16+", 4.0, 32.0, True),
        (None, "16+", 4.0, 15.9, False), (None, "16", None, 16.0, True),
        (None, "4x", 4.0, 16.0, True), (None, "4x", 4.0, 32.0, True), (None, "4x", 8.0, 31.0, False),
        ("4+", "2x", 8.0, 16.0, True), ("4+", "4x", 8.0, 16.0, False), ("8", "16+", 4.0, 16.0, False),
        ("0.5+", "0.5x", 1.0, 0.5, True),
    ],
)  # fmt: skip
def test_what_fits(
    cpus: str | None, memory: str | None, vcpus: float | None, memory_gib: float | None, fits: bool
) -> None:
    assert size_test(cpus, memory)(vcpus, memory_gib) is fits


@pytest.mark.parametrize(
    ("cpus", "memory", "vcpus", "memory_gib"),
    [("4", None, None, 16.0), ("0+", None, None, 16.0), (None, "16", 4.0, None), (None, "0+", 4.0, None),
     (None, "4x", None, 16.0), (None, "4x", 4.0, None), ("4+", "4x", None, None)],
)  # fmt: skip
def test_an_unknown_size_never_fits_a_wish(
    cpus: str | None, memory: str | None, vcpus: float | None, memory_gib: float | None
) -> None:
    assert size_test(cpus, memory)(vcpus, memory_gib) is False


MALFORMED: list[Any] = [
    "", "+", "x", "four", "4++", "4+x", "+4+ ", "4,5", "0x10", "16GB", "$4", "4-", "4X", "4 + ", "\x1b[31m",
    4, 4.0, True, ["4"], {}, b"4", ("4",),
]  # fmt: skip


@pytest.mark.parametrize("wish", MALFORMED, ids=ascii)
def test_a_malformed_wish_is_refused_on_one_short_line(wish: Any) -> None:
    for ask in ((wish, None), (None, wish)):
        with pytest.raises(NotOffered) as caught:
            size_test(*ask)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 200


@pytest.mark.parametrize("wish", ["nan", "NaN+", "inf", "inf+", "-4", "-4+", "1_0", "\u0664", "1e400", " 4 "])
def test_what_is_no_plain_number_from_zero_up_is_malformed_too(wish: str) -> None:
    for ask in ((wish, None), (None, wish)):
        with pytest.raises(NotOffered):
            size_test(*ask)


def test_only_memory_may_be_a_multiple_of_the_vcpus() -> None:
    with pytest.raises(NotOffered, match="cpus"):
        size_test("4x", None)
    assert size_test(None, "4x")(1.0, 4.0)


@given(st.floats(0.125, 1e6), st.floats(0.125, 1e6), st.integers(1, 64))
def test_at_least_and_exactly_agree_with_arithmetic(there: float, wanted: float, vcpus: int) -> None:
    assert size_test(f"{wanted}+", None)(there, None) is (there >= wanted)
    assert size_test(None, f"{wanted}+")(None, there) is (there >= wanted)
    assert size_test(f"{wanted}", None)(there, None) is (there == wanted)
    assert size_test(f"{there}", f"{wanted}")(there, wanted)
    assert size_test(None, f"{wanted}x")(vcpus, there) is (there >= wanted * vcpus)
