"""What came back: exact numbers, one clear line about what is no JSON, what error bodies and headers say."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import pytest

from fetchers import UnexpectedAnswer
from fetchers.answers import parse_json, retry_after_seconds, shown, vendor_message


def test_numbers_stay_as_they_were_written() -> None:
    data = parse_json(b'{"price": 0.10, "count": 8, "odd": NaN, "large": 1e400}', "/types")
    assert repr(data["price"]) == "Decimal('0.10')"
    assert data["count"] == 8
    assert data["odd"].is_nan()
    assert data["large"] == Decimal("1e400")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "with an empty body"),
        (b" \r\n", "with an empty body"),
        (b" <html>", "with an HTML page"),
        (b'{"a": 1', "with something that is not whole, valid JSON"),
        (b"{} {}", "with something that is not whole, valid JSON"),
        (b'"\xff"', "with something that is not whole, valid JSON"),
        (b'{"a": 1, "a": 1}', "with something that is not whole, valid JSON"),
        (b'{"a": {"b": 1, "b": 2}}', "with something that is not whole, valid JSON"),
    ],
)
def test_what_is_no_document_is_said_in_one_line(body: bytes, message: str) -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        parse_json(body, "/types")
    assert str(caught.value).startswith(f"/types answered {message}")


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a": ', "}")])
def test_a_document_is_nested_63_deep_at_most(opening: str, closing: str) -> None:
    assert parse_json((opening * 63 + "1" + closing * 63).encode(), "/types")
    with pytest.raises(UnexpectedAnswer):
        parse_json((opening * 64 + "1" + closing * 64).encode(), "/types")


def test_foreign_text_is_one_printable_line() -> None:
    assert shown("  a\x1b[31m\n b\tc ") == "a [31m b c"
    assert shown("x" * 100) == "x" * 80
    assert shown("x" * 100, most=5) == "xxxxx"
    assert shown(17) == "17"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"error": {"code": "global/x", "message": "bad", "suggestion": "renew"}}, "global/x bad renew"),
        ({"code": 10001, "message": "bad", "data": {"title": "x"}}, "10001 bad"),
        ({"title": "Forbidden", "status": 403, "detail": "no"}, "Forbidden no"),
        ({"errors": [{"message": "first"}, {"message": "second"}]}, "first"),
        ({"errors": [], "message": "outside"}, "outside"),
        ({"errors": {"message": "x"}, "message": "outside"}, "outside"),
        ({"error": "a text"}, "a text"),
        ({"error": "x" * 300}, "x" * 200),
        ({"message": "x" * 400}, "x" * 300),
        ({"message": ["x"], "code": {"a": 1}, "detail": None, "title": "kept"}, "kept"),
        (["no object"], ""),
    ],
)
def test_what_an_error_body_says(document: Any, message: str) -> None:
    assert vendor_message(json.dumps(document).encode()) == message


@pytest.mark.parametrize("body", [b"", b"error code: 1015", b"<html>", b"[" * 100_000])
def test_an_error_body_may_say_nothing(body: bytes) -> None:
    assert vendor_message(body) == ""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("99999999", 99_999_999.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0.0),
    ],
)
def test_how_long_the_server_asks_to_wait(text: str, seconds: float) -> None:
    assert retry_after_seconds({"retry-after": text}) == seconds


def test_a_server_may_name_a_date() -> None:
    moment = datetime.now(timezone.utc) + timedelta(hours=1)
    seconds = retry_after_seconds({"Retry-After": format_datetime(moment, usegmt=True)})
    assert seconds is not None
    assert 3000 < seconds <= 3600


@pytest.mark.parametrize("text", ["", "soon", "-1", "1.5", "999999999", "Wed, 99 Oct 2015 07:28:00 GMT"])
def test_what_is_no_time_to_wait(text: str) -> None:
    assert retry_after_seconds({"Retry-After": text}) is None
    assert retry_after_seconds({}) is None
