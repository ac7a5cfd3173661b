"""The page is short, and its code is that of the example. Its commands are run by `python -m tests.guide`."""

from __future__ import annotations

import pytest

from tests.guide.page import ROOT, blocks, commands, differs

EXAMPLE = ROOT / "examples" / "fluffycloud"


def test_an_estimate_comes_before_the_fifteenth_command() -> None:
    texts = [command.text for command in commands()]
    estimates = [number for number, text in enumerate(texts, start=1) if text.startswith("estimate-cost ")]
    assert len(estimates) == 2  # by hand, then fetched
    assert estimates[-1] < 15


@pytest.mark.parametrize("language", ["python", "toml", "csv"])
def test_every_piece_of_code_stands_in_the_example(language: str) -> None:
    files = [path for path in EXAMPLE.rglob("*") if path.suffix in {".py", ".toml", ".csv"}]
    texts = [path.read_text(encoding="utf-8") for path in files]
    pieces = blocks(language)
    assert pieces
    for piece in pieces:
        assert any(piece in text for text in texts), piece


@pytest.mark.parametrize(
    ("wanted", "printed", "same"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a\n", "a\nb\n", False),
        ("a\n  ...\n", "a\nb\nc\n", True),
        ("...\na 1.0 ...\n", "x\ny\na 1.0 3.4\n", True),
        ("a ... c\n", "a b d\n", False),
        (None, "anything\n", True),
    ],
)
def test_what_is_printed_is_compared(wanted: str | None, printed: str, same: bool) -> None:
    assert (differs(wanted, printed) is None) is same
