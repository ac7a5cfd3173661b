"""What every JSON answer must be, whatever was asked."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker


@lru_cache
def validator() -> Draft202012Validator:
    schema = json.loads(files("gpu_catalog").joinpath("estimate.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


def refuse_constant(text: str) -> None:
    raise AssertionError(f"{text} is no JSON")


def parsed(text: str) -> Any:
    """The document, if it is one that Go and everybody else can read: no NaN, no Infinity."""
    return json.loads(text, parse_constant=refuse_constant)


def checked(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, if it is as the schema says and has no key that the schema does not know."""
    validator().validate(answer)
    schema: Any = validator().schema
    assert set(answer) <= set(schema["properties"])
    assert set(answer["query"]) == set(schema["properties"]["query"]["properties"])
    for option in [*answer["options"], *answer.get("top", [])]:
        assert set(option) == set(schema["$defs"]["option"]["properties"])
    prices = [option["price"] for option in answer["options"]]
    assert prices == sorted(prices)
    if answer["found"]:
        assert round(answer["options"][0]["price"] * answer["num_nodes"], 6) == answer["cost_per_hour"]
        assert abs(answer["cost_per_hour"] * answer["hours"] - answer["estimated_cost"]) < 1e-5
    return answer
