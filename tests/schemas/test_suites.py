from __future__ import annotations

import io
import json
import re

import pandas as pd
import pytest

from schemas.cross_row_rules import CROSS_ROW_RULES
from schemas.csv_text import FILE_RULES
from schemas.suites import SUITE_FOLDER, expectations_of

SUITES = sorted(path.stem for path in SUITE_FOLDER.glob("*.json"))
EXPECTATIONS = [(suite, expectation) for suite in SUITES for expectation in expectations_of([suite])]


def test_the_suites() -> None:
    assert SUITES == ["images", "v7", "v8", "zones"]


@pytest.mark.parametrize("suite", SUITES)
def test_suites_are_written_in_one_form(suite: str) -> None:
    text = (SUITE_FOLDER / f"{suite}.json").read_text("utf-8")

    assert json.dumps(json.loads(text), indent=2) + "\n" == text
    assert '"id"' not in text


def test_every_expectation_names_its_rule() -> None:
    for suite, expectation in EXPECTATIONS:
        meta = expectation["meta"]
        assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", meta["rule"]), (suite, meta)
        assert meta["level"] in ("row", "file"), (suite, meta)
        assert meta["says"].endswith("."), (suite, meta)


def test_one_sentence_per_rule_and_no_rule_twice() -> None:
    says = {
        (expectation["meta"]["rule"], expectation["meta"]["says"])
        for suite, expectation in EXPECTATIONS
        if suite != "images"
    }
    names = [rule for rule, _ in says] + list(CROSS_ROW_RULES) + list(FILE_RULES)

    assert len(names) == len(set(names))


def test_patterns_mean_the_same_to_every_regex_engine() -> None:
    """pandas 3 may use RE2 and pandas 2 `re`: whole-cell patterns, ASCII classes, no groups that are not needed."""
    for suite, expectation in EXPECTATIONS:
        pattern = expectation["kwargs"].get("regex", "")
        assert not re.search(r"\\[dwsZ]|\((?!\?)", pattern), (suite, pattern)


def test_missing_texts_are_those_of_pandas() -> None:
    (pattern,) = {
        expectation["kwargs"]["regex"]
        for _, expectation in EXPECTATIONS
        if expectation["meta"]["rule"] == "no-missing-text"
    }
    words = "NA N/A n/a na NaN nan Nan -nan -NaN NULL null Null None none <NA> #N/A #NA NA-1 inf US 1.#IND -1.#QNAN"
    texts = [*words.split(), "#N/A N/A"]

    read = pd.read_csv(io.StringIO("\n".join(["text", *texts])))["text"]

    for text, is_missing in zip(texts, read.isna(), strict=True):
        assert bool(re.search(pattern, text)) == is_missing, text
