"""What an attacker, a broken disk or a careless editor would feed to a parser, and how to judge the result."""

from __future__ import annotations

import time
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

# Explicit alphabets: the general ones of Hypothesis first build a table of all of Unicode, which takes seconds.
CHARACTERS = (
    "aZ09 ._-+xvgeE:,;'\"\\/#%$(){}[]<>\n\r\t\0\x1b\x85\ufeff\u0660\u0661\u2028\u00e4\uff11\ud800\U0001f4b8"
)

texts = st.text(CHARACTERS, max_size=40)

FRAGMENTS = (
    "", "\0", "\ufeff", "\r\n", "\n", "\r", '"', "'", "\\", "\\ud800", ",", ":", "{", "}", "[", "]", "(", ")",
    "[" * 300, "-" * 300, "not " * 50, "9" * 5000, "1e999999999999999999999", "1e-999999999999999999999", "1e400",
    "-1e400", "NaN", "nan", "Infinity", "-inf", "null", "None", "true", "True", "0x10", "1_000", "1,5",
    "\u0661\u0662", "\uff11", "1j", "0", "-0", "-1", "0.0000001", "00", "+1", "\x1b[31m", "\ud800",
    "__import__('os')", "lambda: 0", "1if 1else 2", "f''", "../", "$1.99", "#", "--",
)  # fmt: skip

json_values = st.recursive(
    st.sampled_from(
        [
            None,
            True,
            False,
            0,
            1,
            -1,
            0.5,
            -0.0,
            1e308,
            float("nan"),
            float("inf"),
            10**30,
            "",
            "x",
            "1",
            "nan",
            "\ud800",
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["", "a", "state"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def has_documented_kinds(value: object) -> bool:
    """Whether every field of a dataclass instance holds what its annotation promises, all the way down."""
    kind: Any = type(value)
    hints = _hints(kind)
    return all(_is_of(getattr(value, field.name), hints[field.name]) for field in fields(value))  # type: ignore[arg-type]


@lru_cache
def _hints(kind: Any) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _is_of(value: object, hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_is_of(value, option) for option in arguments)
    if origin is Literal:
        return any(type(value) is type(option) and value == option for option in arguments)
    if origin is tuple:
        return isinstance(value, tuple) and all(_is_of(item, arguments[0]) for item in value)
    if origin is not None and issubclass(origin, Mapping):
        return isinstance(value, dict) and all(
            _is_of(key, arguments[0]) and _is_of(item, arguments[1]) for key, item in value.items()
        )
    if is_dataclass(hint):
        return type(value) is hint and has_documented_kinds(value)
    return type(value) is hint


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail when the body takes longer; the limits are far above what is needed and far below quadratic time."""
    start = time.perf_counter()
    yield
    taken = time.perf_counter() - start
    assert taken < seconds, f"took {taken:.1f} s"


def outcome(parse: Callable[..., Any], *arguments: object, refusal: type[Exception]) -> Any:
    """What `parse` returns, or None when it refuses as documented; anything else it raises goes on."""
    try:
        return parse(*arguments)
    except refusal as exc:
        message = str(exc)
        assert message
        assert len(message) < 1000
        return None
