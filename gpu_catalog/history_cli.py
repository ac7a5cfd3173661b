"""`gpu-catalog history`: how prices went."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from gpu_catalog.catalog import Catalog
from gpu_catalog.cloud_names import cloud_named, display_name
from gpu_catalog.command_line import about, float_or_none, footer, json_option, root_option, told_errors
from gpu_catalog.errors import BadQuestion
from gpu_catalog.texts import dollars, table

if TYPE_CHECKING:
    from gpu_catalog.price_series import Series


@click.command("history", short_help="Show how the prices of a GPU went.", epilog="""\b
    Examples:
      gpu-catalog history H100:8
      gpu-catalog history "rtx 4090" --cloud runpod --since 2026-09-01""")  # fmt: skip
@click.argument("gpu", metavar="GPU[:N]")
@click.option("--cloud", help="Only this cloud.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Only changes since this day, "
              "UTC, e.g. 2026-09-01.")  # fmt: skip
@root_option
@json_option
def history_command(gpu: str, cloud: str | None, since: datetime | None, root: str | None, as_json: bool) -> None:
    """Show how the prices of a GPU went, in every publication of the root so far.

    Prices are USD per hour of the whole instance; "-" is no longer offered. CHANGE % is against the price before.
    Exit codes: 0 shown; 1 no history, no such GPU, or no change since DATE; 2 wrong usage.
    """
    from gpu_catalog.price_series import read_history, series
    from gpu_catalog.question import parse_gpu

    try:
        name, count = parse_gpu(gpu)
    except BadQuestion as exc:
        raise click.UsageError(str(exc)) from exc
    with told_errors(as_json):
        catalog = Catalog.load(root)
        found = series(read_history(catalog), name, count, cloud=cloud and cloud_named(cloud),
                       since=since and since.date())  # fmt: skip
    if as_json:
        click.echo(json.dumps({**about(catalog), "series": [_series_json(one) for one in found]}, indent=1))
        return
    if not found:
        click.echo("Nothing in the history fits; leave out the count or an option to see more.", err=True)
        sys.exit(1)
    header = ("DATE", "CLOUD", "INSTANCE_TYPE", "KIND", "PRICE", "CHANGE %", "REGIONS")
    rows = [cells for one in found for cells in _history_cells(one)]
    click.echo(table(header, rows, right=frozenset({4, 5})))
    click.echo(footer(catalog), err=True)


def _history_cells(one: Series) -> Iterator[tuple[str, ...]]:
    more = f" +{len(one.regions) - 3}" if len(one.regions) > 3 else ""
    regions = ", ".join(one.regions[:3]) + more
    for change, percent in one.steps():
        moved = "-" if percent is None else f"{percent:+.1f}"
        yield (change.valid_from[:10], display_name(change.cloud), change.instance_type, change.kind,
               dollars(change.price), moved, regions)  # fmt: skip


def _series_json(one: Series) -> dict[str, Any]:
    first = one.changes[0]
    return {
        "cloud": first.cloud,
        "instance_type": first.instance_type,
        "accelerator": first.accelerator,
        "accelerator_count": first.accelerator_count,
        "kind": first.kind,
        "regions": list(one.regions),
        "price_before_usd_per_hour": float_or_none(one.before),
        "changes": [
            {
                "valid_from": change.valid_from,
                "price_usd_per_hour": float_or_none(change.price),
                "change_percent": None if percent is None else float(round(percent, 4)),
                "publication": change.publication,
            }
            for change, percent in one.steps()
        ],
    }
