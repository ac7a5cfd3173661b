"""SECURITY.md names tests that exist, and files that are there."""

from __future__ import annotations

import re

import pytest

from tests.e2e.actions import ROOT

TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`((?:tests|\.github|gpu_catalog|publisher|fetchers)/[\w./]+)(?:::(\w+))?`", TEXT)))


@pytest.mark.parametrize(("path", "test"), NAMED, ids=[f"{path}::{test}" for path, test in NAMED])
def test_what_it_names_is_there(path: str, test: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert not test or f"\ndef {test}(" in text


def test_it_names_tests_and_says_how_to_report() -> None:
    assert len(NAMED) > 15
    assert TEXT.count("::test_") == sum(bool(test) for _, test in NAMED), "each in backticks, and once"
    assert "## Reporting a vulnerability" in TEXT
