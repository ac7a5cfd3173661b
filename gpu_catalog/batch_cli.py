"""`estimate-cost --batch` and `--task`: many questions at once."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gpu_catalog.cloud_names import display_name
from gpu_catalog.command_line import print_json
from gpu_catalog.cost_estimate import CostEstimate
from gpu_catalog.errors import BadQuestion
from gpu_catalog.market import open_market
from gpu_catalog.texts import number, plain_dollars, printable, table

if TYPE_CHECKING:
    from gpu_catalog.task_file import TaskEstimate

_ORDERS = {"cheapest": "cheapest first", "in order": "in the order in which SkyPilot tries them"}
_ANSWER_HEADER = ("GPU", "QTY", "CLOUD", "REGION", "INSTANCE_TYPE", "$/HOUR", "REASON")


def _read_batch(name: str) -> bytes:
    """The bytes of a batch, no more than one may have and one.

    Raises:
        BadQuestion: there is no such file, or it cannot be read.
    """
    from gpu_catalog.node_config import MAX_BATCH_BYTES

    try:
        if name != "-":
            with Path(name).open("rb") as file:
                return file.read(MAX_BATCH_BYTES + 1)
        if sys.stdin is None:
            raise BadQuestion("a batch from standard input, but standard input is closed")
        return sys.stdin.buffer.read(MAX_BATCH_BYTES + 1)
    except BadQuestion:
        raise
    except (OSError, ValueError) as exc:
        raise BadQuestion(f"{name}: cannot be read ({getattr(exc, 'strerror', exc)})") from exc


def batch_answered(name: str, root: str | None, hours: float | None, *, as_json: bool) -> int:
    """Price the NodeConfigs in a file, `-` for standard input; returns the exit code.

    Raises:
        GpuCatalogError: no batch, or no catalogs.
    """
    from gpu_catalog.node_config import estimate_node, parse_batch

    configs, market = parse_batch(_read_batch(name)), open_market(root)
    answers = [estimate_node(config, market, hours) for config in configs]
    if as_json:
        click.echo(json.dumps([found.to_dict() for found in answers], allow_nan=False))
        return 0
    total = ("TOTAL",) if hours is not None else ()
    rows = [
        (str(index), *cells[:6], *(plain_dollars(found.total_cost) for _ in total), *cells[6:])
        for index, found in enumerate(answers, start=1)
        for cells in [_answer_cells(found)]
    ]
    header = ("#", *_ANSWER_HEADER[:6], *total, *_ANSWER_HEADER[6:])
    click.echo(table(header, rows, right=frozenset({0, 2, 6, *(7 for _ in total)})))
    for warning in dict.fromkeys(warning for found in answers for warning in found.warnings):
        click.echo(f"  {printable(warning)}")
    return 0


def _answer_cells(found: CostEstimate) -> tuple[str, ...]:
    return (
        found.gpu or "-", number(found.gpu_count), display_name(found.cloud or "-"), found.region or "-",
        found.instance_type or "-", plain_dollars(found.hourly_cost), found.reason or "",
    )  # fmt: skip


def task_answered(path: Path, root: str | None, hours: float | None, *, as_json: bool) -> int:
    """Price a SkyPilot task file; returns the exit code.

    Raises:
        GpuCatalogError: no task file, or no catalogs.
    """
    from gpu_catalog.task_file import estimate_task, read_tasks

    tasks, market = read_tasks(path), open_market(root)
    estimates = [estimate_task(task, market, hours) for task in tasks]
    all_priced = all(found.chosen.found for found in estimates)
    if as_json:
        print_json({
            "schema_version": 1,
            "found": all_priced,
            "tasks": [
                {
                    "name": found.task.name,
                    "order": found.task.order,
                    "answer": found.chosen.to_dict(),
                    "choices": [
                        {"label": choice.label, "answer": each.to_dict()}
                        for choice, each in zip(found.task.choices, found.estimates, strict=True)
                    ],
                }
                for found in estimates
            ],
        })  # fmt: skip
        return 0 if all_priced else 1
    texts = [_task_text(found, number_of) for number_of, found in enumerate(estimates, start=1)]
    click.echo("\n\n".join(texts), err=not all_priced)
    return 0 if all_priced else 1


def _task_text(found: TaskEstimate, number_of: int) -> str:
    pairs = list(zip(found.task.choices, found.estimates, strict=True))
    if len(pairs) == 1 and not found.chosen.found:
        return f"No price: {printable(pairs[0][0].label)}: {found.chosen}"
    if found.task.order == "cheapest":
        pairs.sort(key=lambda pair: (not pair[1].found, pair[1].hourly_cost or 0))
    chosen = str(found.chosen) if found.chosen.found else "No price: no choice of resources has one"
    rows = [(choice.label, *_answer_cells(each)[2:]) for choice, each in pairs]
    listed = table(("CHOICE", *_ANSWER_HEADER[2:]), rows, right=frozenset({4}))
    name = f"Task {printable(found.task.name or str(number_of))}"
    return f"{chosen}\n\n{name}, choices {_ORDERS[found.task.order]}:\n{listed}"
