"""Writes `docs/schema.md` from the code: `python -m schemas.docs`."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from gpu_catalog import offering as offering_module
from gpu_catalog.offering import MARKS, Offering
from schemas.columns import COLUMNS, SCHEMA_VERSIONS
from schemas.cross_row_rules import CROSS_ROW_RULES
from schemas.csv_text import FILE_RULES
from schemas.images import IMAGE_COLUMNS
from schemas.limits import LIMITS_FILE
from schemas.parquet import parquet_columns
from schemas.suites import expectations_of
from schemas.validation import READABLE_RULE
from schemas.writers import OFFER_KEYS

SCHEMA_PAGE = Path(__file__).parents[1] / "docs" / "schema.md"

_INTRODUCTION = """\
# Schema

What the published files hold and which rules they keep. Written by `python -m schemas.docs`; do not edit.
"""

_CSV = """\
One row is one thing one can rent: an instance type in a region (and zone). UTF-8, LF, one header line; rows sorted
by instance type, region and zone, where numbers inside names count as numbers. A blank cell is an unknown, never a
zero.
"""

_CONVERSION = """\
Where a cloud's instance type has another name in v7, several v8 types may share it. A type must have one size, so
each row has the least vCPUs and memory of them all, and of several at one site the smallest is the row.
"""

_OFFERS = """\
The same offers with all that is known about them, one JSON object a line: one line per group of offers that are
equal in everything but region, zone and stock. Prices are JSON numbers; read them as decimals.
"""

_PARQUET = (
    "One row per offer, every field typed. Not committed to git: its bytes depend on the library that wrote it."
)

_RULES = """\
A row that breaks a rule is left out of every schema version and listed in the manifest as skipped. A rule on the
file, or one marked *refuses*, refuses the whole fetch: leaving out rows would not mend it.
"""

_LIMITS = "A fetch is refused when more than one listing is broken and a share is exceeded."


def schema_page() -> str:
    """Return the text of `docs/schema.md`."""
    sections = [
        _INTRODUCTION,
        "## vms.csv\n",
        _CSV,
        _table(
            ("Column", "Since", "Kind", "Unit", "Meaning", "Blank"),
            ((f"`{c.name}`", c.since, c.kind, c.unit, c.meaning, c.blank) for c in COLUMNS),
        ),
        _CONVERSION,
        "## offers.jsonl\n",
        _OFFERS,
        _table(("Key", "Type", "Meaning"), _offer_rows()),
        "Marks:\n",
        _table(("Mark", "Meaning"), ((f"`{mark}`", meaning) for mark, meaning in MARKS.items())),
        "## vms.parquet\n",
        _PARQUET + "\n",
        _table(("Column", "Type"), ((f"`{name}`", kind) for name, kind in parquet_columns().items())),
        "## images.csv\n",
        f"Columns: {', '.join(f'`{name}`' for name in IMAGE_COLUMNS)}.\n",
        _rule_table(_expectation_rules(["images"])),
        "## Rules\n",
        _RULES,
        "The form of a file:\n",
        _rule_table(FILE_RULES.items()),
        "Every row (`schemas/expectations/`):\n",
        _rule_table(_expectation_rules([*SCHEMA_VERSIONS, "zones"])),
        "Rows among each other:\n",
        _rule_table((READABLE_RULE | CROSS_ROW_RULES).items()),
        "## Limits\n",
        _LIMITS + "\n",
        _table(("Limit", "Value", "Reason"), _limit_rows()),
    ]
    return "\n".join(sections)


def main() -> None:
    """Write the page."""
    SCHEMA_PAGE.write_text(schema_page(), "utf-8")


def _offer_rows() -> Iterable[tuple[str, str, str]]:
    """Fields of `Offering` with their docstrings, then the keys about prices and sites."""
    for name, (kind, meaning) in _documented_fields().items():
        if name not in ("region", "zone", "in_stock"):
            yield f"`{name}`", kind, meaning
    for name, meaning in OFFER_KEYS.items():
        yield f"`{name}`", "", meaning


def _documented_fields() -> dict[str, tuple[str, str]]:
    """Annotation and docstring of each field of `Offering`, read from its source: the strings under the fields."""
    tree = ast.parse(inspect.getsource(offering_module))
    body = next(
        node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == Offering.__name__
    )
    fields = {}
    for statement, below in pairwise(body):
        if isinstance(statement, ast.AnnAssign) and isinstance(below, ast.Expr):
            text = " ".join(str(ast.literal_eval(below.value)).split())
            fields[ast.unparse(statement.target)] = (ast.unparse(statement.annotation), text)
    return fields


def _expectation_rules(suites: list[str]) -> Iterable[tuple[str, str]]:
    for expectation in expectations_of(suites):
        meta = expectation["meta"]
        yield meta["rule"], meta["says"] + (" *Refuses.*" if meta["level"] == "file" or meta.get("fatal") else "")


def _limit_rows() -> Iterable[tuple[str, str, str]]:
    for name, entry in json.loads(LIMITS_FILE.read_text("utf-8")).items():
        yield name.replace("_", " "), str(entry["value"]), entry["reason"]


def _rule_table(rules: Iterable[tuple[str, str]]) -> str:
    """A table of rules; a rule that stands for several columns or sides is one line."""
    return _table(("Rule", "What it asks"), ((f"`{rule}`", says) for rule, says in dict(rules).items()))


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


if __name__ == "__main__":
    main()
