"""Prices and sizes: exact, positive, finite, and never anything but our own errors."""

from __future__ import annotations

import json
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_catalog import BadPrice, BadQuantity
from gpu_catalog.numbers import (
    MAX_PRICE_USD_PER_HOUR,
    MAX_QUANTITY,
    parse_price,
    parse_quantity,
    parse_whole,
    price_text,
)
from tests.gpu_catalog.hostile import FRAGMENTS, json_values, outcome, texts, within

NOT_NUMBERS: list[object] = [
    None, "", " ", "abc", "$1.99", "1,5", "1.", ".5", "1_000", "0x10", "1 ", " 1", "1\n", "\ufeff1", "1\0", "++1",
    "1e", "1e+", "\u0661", "\uff11.5", "\u00bd", "nan", "NaN", "inf", "Infinity", "-Infinity", "1j", "1e9999",
    "9" * 31, True, False, [], ["1"], {}, {"price": 1}, (1,), 1j, b"1", object(), math.nan, math.inf, -math.inf,
    Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("-Infinity"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "price"),
    [
        ("0.65", "0.65"),
        ("+0.65", "0.65"),
        ("6.5e-1", "0.65"),
        ("0.650000", "0.65"),
        (Decimal("0.49199999999999994"), "0.492"),
        (0.1 + 0.2, "0.3"),
        (2, "2"),
        ("0.000001", "0.000001"),
        ("1000000", "1000000"),
        (Decimal("999999.9999999999"), "1000000"),
    ],
)
def test_a_price_is_exact_and_free_of_float_noise(value: object, price: str) -> None:
    assert parse_price(value) == Decimal(price)
    assert parse_price(value).as_tuple() == Decimal(price).normalize().as_tuple()


@pytest.mark.parametrize("value", NOT_NUMBERS, ids=ascii)
def test_no_number_is_no_price_and_no_quantity(value: object) -> None:
    with pytest.raises(BadPrice):
        parse_price(value)
    with pytest.raises(BadQuantity):
        parse_quantity(value, "vCPUs")
    with pytest.raises(BadQuantity):
        parse_whole(value, "GPUs")


@pytest.mark.parametrize(
    "value", ["0", "0.0", "-0", -0.0, 0, -1, "-0.65", "1e-7", "1e-999", Decimal("1e-999999")], ids=ascii
)
def test_a_price_is_above_zero(value: object) -> None:
    with pytest.raises(BadPrice):
        parse_price(value)


@pytest.mark.parametrize("value", ["1000000.01", 10**9, "1e30", Decimal("1e999999")])
def test_a_price_is_not_absurd(value: object) -> None:
    with pytest.raises(BadPrice, match="above any hourly price"):
        parse_price(value)


@pytest.mark.parametrize("value", ["0.0000011", "0.1234567", Decimal("0.650000001"), "1.000000001"])
def test_a_seventh_decimal_is_an_error_not_rounded(value: object) -> None:
    with pytest.raises(BadPrice, match="decimals"):
        parse_price(value)


@pytest.mark.parametrize(
    "value",
    [0, -1, "-0.5", "0e5", "1e-400", Decimal("1e-400"), 5e-324, "10000001", 10**40, Decimal("1e999999")],
    ids=ascii,
)
def test_a_quantity_is_positive_as_a_float_too(value: object) -> None:
    with pytest.raises(BadQuantity, match="memory_gib"):
        parse_quantity(value, "memory_gib")
    with pytest.raises(BadQuantity, match="memory_gib"):
        parse_whole(value, "memory_gib")


def test_a_whole_number_may_be_written_as_a_float_but_has_no_fraction() -> None:
    assert [parse_whole(value, "n") for value in (8, 8.0, "8.0", "8e0", Decimal("8.00"))] == [8] * 5
    for value in (0.5, "8.5", Decimal("7.999")):
        with pytest.raises(BadQuantity, match="whole"):
            parse_whole(value, "n")


def test_a_quantity_may_be_as_small_and_as_large_as_documented() -> None:
    assert parse_quantity(MAX_QUANTITY, "n") == MAX_QUANTITY
    assert parse_quantity("0.000001", "n") == 1e-6
    for value in (MAX_QUANTITY + 1, "0.00000099"):
        with pytest.raises(BadQuantity, match=r"is not between 0\.000001 and 10000000"):
            parse_quantity(value, "n")


@pytest.mark.parametrize(
    ("value", "shown"),
    [("x" * 38, f"'{'x' * 38}'"), ("x" * 39, f"'{'x' * 36}..."), ("x" * 10_000, f"'{'x' * 36}...")],
)
def test_a_foreign_text_is_cut_in_a_message(value: str, shown: str) -> None:
    with pytest.raises(BadPrice) as caught:
        parse_price(value)
    assert str(caught.value) == f"price {shown} is not a plain number"


def test_missing_says_so_and_names_the_figure() -> None:
    with pytest.raises(BadPrice, match=r"^price is missing$"):
        parse_price(None)
    with pytest.raises(BadQuantity, match=r"^vCPUs is missing$"):
        parse_quantity("", "vCPUs")


def test_values_that_have_no_text_are_refused_like_any_other() -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    for value in (10**5000, -(10**5000), nested):
        with pytest.raises(BadPrice):
            parse_price(value)
        with pytest.raises(BadQuantity):
            parse_quantity(value, "vCPUs")


def test_a_million_digits_take_no_time() -> None:
    with within(2):
        assert parse_price(Decimal("1." + "0" * 999_999)) == 1
        assert parse_quantity(Decimal("1." + "1" * 999_999), "n") == pytest.approx(10 / 9)
        for long in ("1" * 1_000_000, "1e" + "1" * 1_000_000, "0." + "0" * 1_000_000):
            with pytest.raises(BadPrice):
                parse_price(long)


@pytest.mark.parametrize(
    ("price", "text"),
    [("0.65", "0.65"), ("8", "8.0"), ("1E+2", "100.0"), ("0.000106", "0.000106"), ("1.50", "1.5")],
)
def test_price_text_is_a_plain_decimal(price: str, text: str) -> None:
    assert price_text(Decimal(price)) == text


@given(st.integers(1, int(MAX_PRICE_USD_PER_HOUR) * 10**6))
def test_every_price_reads_back_from_text_json_and_float(micros: int) -> None:
    price = Decimal(micros).scaleb(-6)
    text = price_text(price)

    assert parse_price(text) == parse_price(price) == parse_price(float(text)) == price
    assert parse_price(json.loads(json.dumps(float(text)), parse_float=Decimal)) == price
    assert price_text(parse_price(text)) == text
    assert "e" not in text.lower()


@given(st.floats(1e-6, MAX_QUANTITY, allow_nan=False))
def test_every_quantity_reads_back_from_its_text(quantity: float) -> None:
    assert parse_quantity(quantity, "n") == quantity
    if "e" not in repr(quantity):
        assert parse_quantity(repr(quantity), "n") == quantity


@given(
    texts
    | st.sampled_from(FRAGMENTS)
    | st.text("0123456789.eE+-", max_size=40)
    | json_values
    | st.integers()
    | st.floats()
)
def test_whatever_comes_the_result_is_in_range_or_refused(value: object) -> None:
    price = outcome(parse_price, value, refusal=BadPrice)
    assert price is None or (0 < price <= MAX_PRICE_USD_PER_HOUR and -price.as_tuple().exponent <= 6)
    quantity = outcome(parse_quantity, value, "n", refusal=BadQuantity)
    assert quantity is None or 0 < quantity <= MAX_QUANTITY
    whole = outcome(parse_whole, value, "n", refusal=BadQuantity)
    assert whole is None or (type(whole) is int and whole == quantity)
