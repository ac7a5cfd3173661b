"""Prices, sizes and counts as they arrive in JSON and CSV, and as we write them.

Money is `Decimal` from the JSON text to the CSV text; there is no float arithmetic on it. Sizes and counts are
floats, because SkyPilot reads and compares them as floats.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from gpu_catalog.errors import BadPrice, BadQuantity

PRICE_DECIMALS = 6
MAX_PRICE_USD_PER_HOUR = Decimal(1_000_000)
MIN_QUANTITY = Decimal("0.000001")
MAX_QUANTITY = Decimal(10_000_000)
COUNT_TOLERANCE = 0.01
"""Two accelerator counts this near are the same: SkyPilot's rule."""

_STEP = Decimal(1).scaleb(-PRICE_DECIMALS)
_NOISE = Decimal("1e-9")
_PLAIN_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,3})?", re.ASCII)


def parse_price(value: object) -> Decimal:
    """Return a price in USD (per hour, or per GPU-hour: the caller knows) as an exact Decimal.

    Takes what JSON and CSV give: a Decimal, an int, or text such as `"0.65"`. At most six decimals; float noise
    below 1e-9 (`0.49199999999999994`) is rounded away, real further digits are refused.

    Raises:
        BadPrice: not a plain number, not finite, not above zero, absurdly high, or more than six decimals.
    """
    number = _decimal(value, BadPrice, "price")
    if number <= 0:
        raise BadPrice(f"price {_shown(value)} is not above zero")
    if number > MAX_PRICE_USD_PER_HOUR:
        raise BadPrice(f"price {_shown(value)} is above any hourly price")
    rounded = number.quantize(_STEP)
    if abs(rounded - number) >= _NOISE:
        raise BadPrice(f"price {_shown(value)} has more than {PRICE_DECIMALS} decimals")
    if rounded <= 0:
        raise BadPrice(f"price {_shown(value)} is not above zero")
    return rounded.normalize()


def parse_quantity(value: object, what: str) -> float:
    """Return a positive size or count (vCPUs, GiB, GPUs) as a float; `what` names it in the message.

    Raises:
        BadQuantity: missing, not a plain number, not above zero, absurdly small or absurdly high.
    """
    number = _decimal(value, BadQuantity, what)
    if not MIN_QUANTITY <= number <= MAX_QUANTITY:
        raise BadQuantity(f"{what} {_shown(value)} is not between {MIN_QUANTITY} and {MAX_QUANTITY}")
    return float(number)


def parse_whole(value: object, what: str) -> int:
    """Return a positive whole number, such as a GPU count.

    Raises:
        BadQuantity: as `parse_quantity`, or a fraction.
    """
    number = parse_quantity(value, what)
    if not number.is_integer():
        raise BadQuantity(f"{what} {_shown(value)} is not a whole number")
    return int(number)


def price_text(price: Decimal) -> str:
    """Write a price as a plain decimal with at least one digit after the point: `0.65`, `8.0`, `0.000106`."""
    text = format(price.normalize(), "f")
    return text if "." in text else text + ".0"


def _decimal(value: object, error: type[BadPrice] | type[BadQuantity], what: str) -> Decimal:
    """Turn a JSON or CSV value into a finite Decimal, or raise `error`."""
    if type(value) is Decimal and value.is_finite():  # Nearly every number of a catalog.
        return value
    if value is None or value == "":
        raise error(f"{what} is missing")
    if isinstance(value, str) and not _PLAIN_NUMBER.fullmatch(value):
        raise error(f"{what} {_shown(value)} is not a plain number")
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal, float)):
        raise error(f"{what} {_shown(value)} is not a number")
    try:
        number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    except (InvalidOperation, ValueError) as exc:
        raise error(f"{what} {_shown(value)} is not a number") from exc
    if not number.is_finite():
        raise error(f"{what} {_shown(value)} is not a number")
    return number


def _shown(value: object) -> str:
    """Foreign input cut to a length that a one-line message can carry."""
    try:
        text = repr(str(value)) if isinstance(value, Decimal) else repr(value)
    except (ValueError, RecursionError):  # an int of thousands of digits, or endless nesting
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 40 else text[:37] + "..."
