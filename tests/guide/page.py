"""The page: its commands with what they print, and its pieces of code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "adding-a-cloud.md"


@dataclass(frozen=True, slots=True)
class Command:
    """One `$ ` line of the page."""

    text: str
    """The command."""

    output: str | None
    """What it prints, by the page: `...` is anything in a line, alone any lines; None is not compared."""


def commands() -> list[Command]:
    """Every command, in order."""
    found = []
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            text, _, output = part.partition("\n")
            found.append(Command(text, output or None))
    return found


def blocks(language: str) -> list[str]:
    """The text of every block of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def differs(wanted: str | None, printed: str) -> str | None:
    """What of the page was not printed; None when it is all there."""
    if wanted is None:
        return None
    pattern = "".join(
        r"(?:.*\n)*" if line.strip() == "..." else ".*".join(map(re.escape, line.split("..."))) + r"\n"
        for line in wanted.splitlines()
    )
    return None if re.fullmatch(pattern, printed) else f"the page says:\n{wanted}"
