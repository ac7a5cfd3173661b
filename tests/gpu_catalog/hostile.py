"""What an attacker, a broken disk or a careless editor would feed to a parser, and how to judge the result."""

from __future__ import annotations

import copy
import json
import time
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

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


@st.composite
def mutated(draw: DrawFn, valid: str) -> str:
    """`valid` with up to three damages: something cut out, repeated, or put in the middle."""
    text = valid
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        text = text[:start] + draw(st.sampled_from(FRAGMENTS) | texts) + text[end:]
    return text


@st.composite
def tampered(draw: DrawFn, valid: Any) -> str:
    """The JSON text of `valid` with one value, somewhere inside, replaced, removed or renamed."""
    data = copy.deepcopy(valid)
    parent, key = draw(st.sampled_from(list(_places(data))))
    damage = draw(st.sampled_from(["replace", "remove", "rename"]))
    if damage == "replace":
        parent[key] = draw(json_values)
    else:
        value = parent.pop(key)
        if damage == "rename" and isinstance(parent, dict):
            parent[draw(texts)] = value
    return json.dumps(data)


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    for key in keys:
        yield data, key
        yield from _places(data[key])


def has_documented_kinds(value: object) -> bool:
    """Whether every field of a dataclass instance holds what its annotation promises, all the way down."""
    hints = get_type_hints(type(value))
    return all(_is_of(getattr(value, field.name), hints[field.name]) for field in fields(value))  # type: ignore[arg-type]


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


def any_mutated(examples: tuple[str, ...]) -> SearchStrategy[str]:
    """Damaged copies of one of these texts, or plain noise."""
    return texts | st.sampled_from(examples).flatmap(mutated)
