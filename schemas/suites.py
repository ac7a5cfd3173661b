"""The expectation suites: `expectations/*.json` in the form of Great Expectations, and running them.

Every expectation carries in `meta` the name of its rule, its level (`row` or `file`), a sentence for people, the
column of the file that it is about where the frame's column is a figure, and `fatal` where leaving out rows does
not help.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import needs_extra
from schemas.report import KEY_COLUMNS, Finding, key_text

if TYPE_CHECKING:
    import pandas as pd

SUITE_FOLDER = Path(__file__).with_name("expectations")

_ONE_AT_A_TIME = threading.Lock()


def expectations_of(suites: Sequence[str]) -> list[dict[str, Any]]:
    """Return the expectations of these suites (names of the files in `expectations/`), in their order."""
    return [
        expectation
        for suite in suites
        for expectation in json.loads((SUITE_FOLDER / f"{suite}.json").read_text("utf-8"))["expectations"]
    ]


def is_about_key(expectation: dict[str, Any]) -> bool:
    """Whether an expectation looks at what identifies a row, and so at nothing else."""
    kwargs = expectation["kwargs"]
    columns = {kwargs[name] for name in ("column", "column_A", "column_B") if name in kwargs}
    return not {*columns, *kwargs.get("column_list", ())}.isdisjoint(KEY_COLUMNS)


def failing(expectations: Sequence[dict[str, Any]], frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Those of the expectations that a frame of `schemas.frame` does not meet, or that could not be run on it.

    Naming the rows costs more than this verdict: `findings_of` is for where there is something to name.
    """
    return [outcome.expectation_config.to_json_dict() for outcome in _unmet(expectations, frame, "BOOLEAN_ONLY")]


def findings_of(expectations: Sequence[dict[str, Any]], frame: pd.DataFrame) -> list[Finding]:
    """What the expectations find in a frame, in their order.

    A row is named by its value in the index. An expectation that could not be run is a finding about the file.
    """
    unmet = _unmet(expectations, frame, "COMPLETE") if expectations else []
    return [finding for outcome in unmet for finding in _findings(outcome, frame)]


def _unmet(expectations: Sequence[dict[str, Any]], frame: pd.DataFrame, result_format: str) -> list[Any]:
    """The outcomes of the expectations that are not met."""
    with needs_extra("validation"):
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig

    with _ONE_AT_A_TIME:
        # A context shared by threads gives wrong verdicts without any exception: a fresh one each time.
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        asset = context.data_sources.add_pandas("catalog").add_dataframe_asset("rows")
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
        suite = gx.ExpectationSuite(name="rules", expectations=list(expectations))
        results = batch.validate(suite, result_format={"result_format": result_format}).results
    return [outcome for outcome in results if not outcome.success]


def _findings(outcome: Any, frame: pd.DataFrame) -> Iterator[Finding]:
    """What one expectation found: a finding per row that it names, else one about the file."""
    meta, kwargs = outcome.expectation_config.meta, outcome.expectation_config.kwargs
    rows = outcome.result.get("unexpected_index_list")
    if meta["level"] == "file" or not rows:
        could_not = "" if meta["level"] == "file" else " This could not be checked."
        yield Finding(rule=meta["rule"], message=meta["says"] + could_not)
        return
    operands = [kwargs[key] for key in ("column", "column_A", "column_B") if key in kwargs]
    column = meta.get("column") or operands[0]
    figures = [name for name in operands if name.islower() and frame[name].dtype != bool]
    at_fault = frame.loc[rows]
    keys = zip(*(at_fault[name] for name in KEY_COLUMNS if name in frame), strict=True)
    shown = zip(*(at_fault[name] for name in figures), strict=True) if figures else [()] * len(rows)
    for row, key, value, facts in zip(rows, keys, at_fault[column], shown, strict=True):
        here = ", ".join(f"{name} {_plain(fact)}" for name, fact in zip(figures, facts, strict=True))
        yield Finding(
            rule=meta["rule"],
            message=f"{meta['says']} Here {here}." if here else meta["says"],
            row=row,
            key=key_text(key),
            column=column,
            value=value,
            fatal=meta.get("fatal", False),
        )


def _plain(fact: object) -> str:
    """A figure as people write it: `0.00005`, not `5e-05`."""
    return f"{Decimal(str(fact)):f}" if isinstance(fact, float) else str(fact)
