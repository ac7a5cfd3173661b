"""The command `estimate-cost`, which is also `gpu-catalog estimate`: thin calls of documented functions."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import gpu_catalog
from gpu_catalog.cloud_names import display_name
from gpu_catalog.cost_estimate import HOURS_PER_MONTH, CostEstimate, PricedOffer, plain_dollars, plain_number
from gpu_catalog.errors import BadQuestion, GpuCatalogError
from gpu_catalog.estimate import estimate, not_found
from gpu_catalog.market import Market, open_market
from gpu_catalog.matching import NoPrice, priced
from gpu_catalog.prices import rank
from gpu_catalog.question import Question, ask, parse_gpu
from gpu_catalog.texts import dollars, number, printable, table

if TYPE_CHECKING:
    from gpu_catalog.task_file import TaskEstimate

_ORDERS = {"cheapest": "cheapest first", "in order": "in the order in which SkyPilot tries them"}
_STOCK = {True: "yes", False: "no", None: "?"}
_HEADER = ("CLOUD", "REGION", "ZONE", "INSTANCE_TYPE", "GPU", "QTY", "DEVICE_MEM", "ON-DEMAND", "SPOT", "SAVES",
           "STOCK", "AS_OF")  # fmt: skip
_ANSWER_HEADER = ("GPU", "QTY", "CLOUD", "REGION", "INSTANCE_TYPE", "$/HOUR", "REASON")
_RIGHT = frozenset({5, 6, 7, 8, 9})
_ABOVE_ZERO = click.FloatRange(min=0, min_open=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """What was typed."""

    gpu: str | None
    """GPU, with or without a count."""

    instance_type: str | None
    """Instance type."""

    clouds: tuple[str, ...]
    """Clouds as people write them; none for all."""

    region: str | None
    """Region."""

    zone: str | None
    """Availability zone."""

    spot: bool
    """Whether the spot price is asked for."""

    nodes: int
    """Instances."""

    hours: float | None
    """How long."""

    min_gpu_memory: float | None
    """GB that each GPU must have."""

    max_price: float | None
    """USD per hour that all nodes may cost."""

    every: bool
    """Whether to list the cheapest of each cloud."""

    top: int | None
    """How many of the cheapest offers to list."""

    monthly: bool
    """Whether to say what a month costs."""

    compare: bool
    """Whether the table of GPUs by clouds is asked for."""

    batch: str | None
    """File with a JSON array of NodeConfig objects; - for standard input."""

    task: Path | None
    """A SkyPilot task file."""

    root: str | None
    """The folder of catalogs to read; None for all of this machine."""

    as_json: bool
    """Whether to print JSON."""

    def question(self) -> Question:
        """The single question."""
        return ask(
            self.gpu, instance_type=self.instance_type, cloud=self.clouds, region=self.region, zone=self.zone,
            use_spot=self.spot, num_nodes=self.nodes, hours=self.hours, min_gpu_memory_gib=self.min_gpu_memory,
            max_price_usd_per_hour=None if self.max_price is None else Decimal(str(self.max_price)),
        )  # fmt: skip


@click.command("estimate", context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
               epilog="""\b
    Examples:
      estimate-cost A100:1
      estimate-cost H100:8 --spot --cloud aws --cloud gcp --hours 12
      estimate-cost RTX4090 --top 5
      estimate-cost --instance-type gpu_8x_h100_sxm5 --nodes 2 --monthly
      estimate-cost --compare
      estimate-cost --task train.yaml
      estimate-cost --batch - --json < nodes.json""")  # fmt: skip
@click.argument("gpu", required=False, metavar="[GPU[:COUNT]]")
@click.option("--spot", is_flag=True, help="Spot price; on-demand never takes its place.")
@click.option("--cloud", "clouds", multiple=True, help="Only this cloud (ec2 is aws); may be repeated.")
@click.option("--region", help="Only this region; case is ignored.")
@click.option("--zone", help="Only this availability zone.")
@click.option("--nodes", metavar="N", type=click.IntRange(min=1), default=1, show_default=True, help="Instances.")
@click.option("--hours", metavar="H", type=click.FloatRange(min=0), help="How long; adds a total.")
@click.option("--instance-type", help="Instead of a GPU, or together with one.")
@click.option("--all", "every", is_flag=True, help="Also a table: the cheapest of each cloud (JSON always has it).")
@click.option("--top", metavar="N", type=click.IntRange(min=1), help="Also a table: the N cheapest offers.")
@click.option("--monthly", is_flag=True, help=f"Also the cost of a month ({HOURS_PER_MONTH} hours).")
@click.option("--max-price", metavar="USD", type=_ABOVE_ZERO, help="Most that all nodes may cost, USD per hour.")
@click.option("--min-gpu-memory", metavar="GB", type=_ABOVE_ZERO, help="That each GPU must have; name none then.")
@click.option("--compare", is_flag=True, help="Table of GPUs by clouds, USD per GPU-hour, on-demand / spot.")
@click.option("--batch", metavar="FILE", help="Price a JSON array of NodeConfig objects; - "
              "for standard input.")  # fmt: skip
@click.option("--task", type=click.Path(path_type=Path), metavar="FILE", help="Price a SkyPilot task file (needs "
              "the extra gpu-catalog[task]).")  # fmt: skip
@click.option("--root", metavar="PLACE", help="Read this folder of catalogs and nothing else (default: all that "
              "this machine has).")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
@click.version_option(gpu_catalog.__version__, prog_name="estimate-cost")
def estimate_command(**options: Any) -> None:
    """Say what a job will cost, by the prices on this machine. No network is used.

    Prices come from our catalogs, and for other clouds from SkyPilot's: those that `gpu-catalog sync --upstream`
    fetched, else those under ~/.sky; own prices from ~/.config/gpu-catalog/overrides.toml are laid over them. Names
    must match as a whole, and instances with exactly COUNT GPUs must exist. --batch and --task go with --hours,
    --root and --json only.

    Exit codes: 0 there is a price (--batch: the batch was read); 1 there is none, or the question is malformed;
    2 wrong usage.
    """
    typed = _Options(**options)
    _check(typed)
    if sys.stdout is None:  # Closed: nobody would get the answer.
        sys.exit(1)
    try:
        code = _answered(typed)
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # Whoever read had enough; click ends quietly.
    except OSError as exc:
        click.echo(f"Error: cannot write standard output: {exc.strerror}", err=True)
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _answered(typed: _Options) -> int:
    """Answer what was typed; returns the exit code."""
    try:
        if typed.batch is not None:
            return _batch(typed, _read_batch(typed.batch))
        if typed.task is not None:
            return _task(typed, typed.task)
        return _compare(typed) if typed.compare else _single(typed)
    except GpuCatalogError as exc:
        return _fail(str(exc), typed)


def _fail(reason: str, typed: _Options) -> int:
    if typed.as_json:
        _print_json(not_found(Question(), reason).to_dict())
    else:
        click.echo(f"Error: {printable(reason)}", err=True)
    return 1


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


def _check(typed: _Options) -> None:
    """Refuse options that do not go together, as click would.

    Raises:
        UsageError: they do not.
    """
    empty = {"--cloud": "" in typed.clouds, "--region": typed.region == "", "--zone": typed.zone == "",
             "--instance-type": typed.instance_type == "", "--root": typed.root == ""}  # fmt: skip
    for name, is_empty in empty.items():
        if is_empty:
            raise click.UsageError(f"{name} is empty; leave it out, or name one")
    modes = {"--batch": typed.batch, "--task": typed.task, "--compare": typed.compare or None}
    chosen = [name for name, value in modes.items() if value is not None]
    if len(chosen) > 1:
        raise click.UsageError(f"{' and '.join(chosen)} do not go together")
    named = typed.gpu is not None or typed.instance_type is not None or typed.min_gpu_memory is not None
    if not chosen and not named:
        raise click.UsageError("name a GPU such as A100:1, or --instance-type; -h tells what else there is")
    asks = {"a GPU": typed.gpu, "--instance-type": typed.instance_type, "--cloud": typed.clouds or None,
           "--region": typed.region, "--zone": typed.zone, "--spot": typed.spot or None,
           "--nodes": None if typed.nodes == 1 else typed.nodes, "--min-gpu-memory": typed.min_gpu_memory,
           "--max-price": typed.max_price, "--all": typed.every or None, "--top": typed.top,
           "--monthly": typed.monthly or None, "--hours": typed.hours if typed.compare else None}  # fmt: skip
    taken = {"a GPU", "--cloud", "--region", "--zone", "--min-gpu-memory"} if typed.compare else set()
    given = [name for name, value in asks.items() if value is not None and name not in taken]
    if chosen and given:
        raise click.UsageError(f"{chosen[0]} does not go together with {', '.join(given)}")


def _print_json(document: object) -> None:
    click.echo(json.dumps(document, indent=1, allow_nan=False))


def _single(typed: _Options) -> int:
    question = typed.question()
    market = open_market(typed.root)
    found = estimate(question, market)
    top = []
    if found.found and typed.top is not None:
        top = _cheapest(question, market, typed.top)
    monthly = None if found.hourly_cost is None else round(found.hourly_cost * HOURS_PER_MONTH, 6)
    if typed.as_json:
        document = found.to_dict()
        if typed.monthly:
            document["monthly_cost"] = plain_number(monthly)
        if typed.top is not None:
            document["top"] = [offer.to_dict() for offer in top]
        _print_json(document)
    elif found.found:
        first, *further = str(found).splitlines()
        if typed.monthly and monthly is not None:
            further.insert(1, f"  ${plain_dollars(monthly)}/month ({HOURS_PER_MONTH} h)")
        click.echo("\n".join((first, *further)))
        if typed.every or typed.top is not None:
            click.echo()
            click.echo(_offers_table(top or found.offers))
    else:
        click.echo(f"No price: {found}", err=True)
    return 0 if found.found else 1


def _cheapest(question: Question, market: Market, number_of: int) -> list[PricedOffer]:
    found = sorted(priced(question, market, []), key=rank(use_spot=question.use_spot))
    return [match.offer(use_spot=question.use_spot) for match in found[:number_of]]


def _offers_table(offers: Sequence[PricedOffer]) -> str:
    rows = [
        (
            display_name(offer.cloud), offer.region, offer.zone or "-", offer.instance_type, offer.gpu or "-",
            number(offer.gpu_count),
            "-" if offer.gpu_memory_gib is None else f"{number(offer.gpu_memory_gib)}GB",
            _dollars(offer.on_demand_price), _dollars(offer.spot_price),
            "-" if offer.savings_percent is None else f"{number(offer.savings_percent)}%",
            _STOCK[offer.in_stock], offer.prices_as_of or "-",
        )
        for offer in offers
    ]  # fmt: skip
    return table(_HEADER, rows, right=_RIGHT)


def _dollars(price: float | None) -> str:
    return "-" if price is None else plain_dollars(price)


def _compare(typed: _Options) -> int:
    from gpu_catalog.compare import compare

    name, count = (None, None) if typed.gpu is None else parse_gpu(typed.gpu)
    asked = ask(name, cloud=typed.clouds, region=typed.region, zone=typed.zone, any_gpu=True,
                min_gpu_memory_gib=typed.min_gpu_memory)  # fmt: skip
    question = replace(asked, gpu_count=count)
    try:
        found = compare(question, open_market(typed.root))
    except NoPrice as exc:
        if typed.as_json:
            _print_json({"schema_version": 1, "found": False, "reason": str(exc)})
        else:
            click.echo(f"No price: {printable(str(exc))}", err=True)
        return 1
    if typed.as_json:
        _print_json({
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
    size = "cheapest size" if count is None else f"of {number(count)}"
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


def _batch(typed: _Options, content: bytes) -> int:
    from gpu_catalog.node_config import estimate_node, parse_batch

    configs, market = parse_batch(content), open_market(typed.root)
    answers = [estimate_node(config, market, typed.hours) for config in configs]
    if typed.as_json:
        click.echo(json.dumps([found.to_dict() for found in answers], allow_nan=False))
        return 0
    total = ("TOTAL",) if typed.hours is not None else ()
    rows = [
        (str(index), *cells[:6], *(_dollars(found.total_cost) for _ in total), *cells[6:])
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
        found.instance_type or "-", _dollars(found.hourly_cost), found.reason or "",
    )  # fmt: skip


def _task(typed: _Options, path: Path) -> int:
    from gpu_catalog.task_file import estimate_task, read_tasks

    tasks, market = read_tasks(path), open_market(typed.root)
    estimates = [estimate_task(task, market, typed.hours) for task in tasks]
    all_priced = all(found.chosen.found for found in estimates)
    if typed.as_json:
        _print_json({
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


if __name__ == "__main__":
    estimate_command()
