"""`estimate-cost --compare`: a table of GPUs by clouds."""

from __future__ import annotations

from decimal import Decimal

import click

from gpu_catalog.cloud_names import display_name
from gpu_catalog.command_line import print_json
from gpu_catalog.market import open_market
from gpu_catalog.matching import NoPrice
from gpu_catalog.question import Question
from gpu_catalog.texts import dollars, number, plain_number, printable, table


def compare_answered(question: Question, root: str | None, *, as_json: bool) -> int:
    """Print the rates of what fits the question; returns the exit code.

    Raises:
        GpuCatalogError: no catalogs.
    """
    from gpu_catalog.compare import compare

    try:
        found = compare(question, open_market(root))
    except NoPrice as exc:
        if as_json:
            print_json({"schema_version": 1, "found": False, "reason": str(exc)})
        else:
            click.echo(f"No price: {printable(str(exc))}", err=True)
        return 1
    if as_json:
        print_json({
            "schema_version": 1,
            "found": True,
            "reason": None,
            "unit": "USD per GPU-hour",
            "clouds": list(found.clouds),
            "gpus": {
                gpu: {cloud: {"on_demand": _number(rates.on_demand), "spot": _number(rates.spot)}
                      for cloud, rates in by_cloud.items()}
                for gpu, by_cloud in found.rates.items()
            },
            "warnings": list(found.notes),
        })  # fmt: skip
        return 0
    size = "cheapest size" if question.gpu_count is None else f"of {number(question.gpu_count)}"
    click.echo(f"USD per GPU-hour, on-demand / spot, {size}")
    rows = [
        (gpu, *("-" if (r := by_cloud.get(cloud)) is None else f"{dollars(r.on_demand)} / {dollars(r.spot)}"
                for cloud in found.clouds))
        for gpu, by_cloud in found.rates.items()
    ]  # fmt: skip
    click.echo(table(("GPU", *map(display_name, found.clouds)), rows))
    for note in found.notes:
        click.echo(f"  {printable(note)}")
    return 0


def _number(price: Decimal | None) -> float | None:
    return None if price is None else plain_number(float(price))
