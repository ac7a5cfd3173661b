"""SkyPilot task files: which resources a task asks for, each as a question for a price.

Read are `name`, `num_nodes` and of `resources` what decides the price: accelerators, instance_type, cpus, memory,
infra (or cloud, region, zone), use_spot, disk_size, any_of and ordered. Everything else is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from gpu_catalog.cloud_names import cloud_named
from gpu_catalog.cost_estimate import CostEstimate
from gpu_catalog.errors import BadQuestion, BadTask
from gpu_catalog.estimate import estimate, not_found
from gpu_catalog.market import Market
from gpu_catalog.question import Question, ask, checked_hours, is_number
from gpu_catalog.texts import printable, shown

MAX_TASK_BYTES = 128 * 1024
MAX_CHOICES = 1000

_UNITS = {"k": 2**-20, "m": 2**-10, "g": 1.0, "t": 2**10, "p": 2**20}
_MEMORY = re.compile(r"(\d{1,12}(?:\.\d{1,6})?) ?(?:([kmgtp])(?:b|i|ib))?(\+|x)?", re.IGNORECASE | re.ASCII)
_OWN_MACHINES = {"kubernetes", "ssh", "slurm"}
_PLACES = {"cloud", "region", "zone"}
_GPU_BY_MEMORY = re.compile(r"([a-z]+:)?\d+(\.\d+)?(gb|gib|mb|tb)\+?(:.*)?", re.IGNORECASE | re.ASCII)

Order = Literal["cheapest", "in order"]


@dataclass(frozen=True, slots=True)
class Choice:
    """One set of resources that would do."""

    label: str
    """As people would write it, e.g. `A100:8 on aws/us-east-1`."""

    question: Question | None
    """What to ask for its price; None when that cannot be asked."""

    reason: str | None
    """Why it cannot be asked; None when it can."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a file."""

    name: str | None
    """Its `name`; None when it has none."""

    order: Order
    """Whether SkyPilot takes the cheapest choice, or tries them in order."""

    choices: tuple[Choice, ...]
    """Every set of resources that would do, as written; never empty."""


@dataclass(frozen=True, slots=True)
class TaskEstimate:
    """What a task will cost."""

    task: Task
    """The task."""

    chosen: CostEstimate
    """Of the choice that SkyPilot would start with; not found when no choice has a price."""

    estimates: tuple[CostEstimate, ...]
    """Of every choice, in the order of `task.choices`."""


def read_tasks(path: Path) -> list[Task]:
    """The tasks of a YAML file; several are apart by `---`.

    Raises:
        BadTask: it cannot be read, is too large, is no YAML, or a task in it is malformed; one line says what.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_TASK_BYTES + 1)
        text = content.decode("utf-8")
    except OSError as exc:
        raise BadTask(f"{path}: cannot be read ({exc.strerror})") from exc
    except ValueError as exc:  # not UTF-8; a path that is none
        raise BadTask(f"{path}: cannot be read ({exc})") from exc
    if len(content) > MAX_TASK_BYTES:
        raise BadTask(f"{path}: larger than {MAX_TASK_BYTES} bytes, which is more than a task")
    return parse_tasks(text, str(path))


def parse_tasks(text: str, where: str = "task") -> list[Task]:
    """As `read_tasks`, from text; `where` names it in messages."""
    try:
        import yaml
    except ImportError as exc:
        raise BadTask("reading task files needs PyYAML: pip install 'gpu-catalog[task]'") from exc
    try:
        documents = [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.YAMLError as exc:
        raise BadTask(f"{where}: not valid YAML: {_one_line(exc)}") from exc
    except (ValueError, ArithmeticError, LookupError, AttributeError, TypeError, RecursionError) as exc:
        # What PyYAML dies of on a tag whose value is none, a number without end, endless nesting.
        raise BadTask(f"{where}: YAML that cannot be read: {_one_line(exc)}") from exc
    if len(documents) > 1 and isinstance(documents[0], dict) and set(documents[0]) == {"name"}:
        del documents[0]  # A pipeline starts with a document that only names it.
    try:
        tasks = [_task(document) for document in documents]
    except BadTask as exc:
        raise BadTask(f"{where}: {exc}") from exc
    if not tasks:
        raise BadTask(f"{where}: there is no task in it")
    return tasks


def estimate_task(task: Task, market: Market, hours: float | None = None) -> TaskEstimate:
    """What a task will cost: the cheapest choice with a price, or the first in order.

    Raises:
        BadQuestion: `hours` is not a number of hours.
    """
    hours = checked_hours(hours)
    estimates = tuple(
        not_found(Question(hours=hours), choice.reason or "")
        if choice.question is None
        else estimate(replace(choice.question, hours=hours), market)
        for choice in task.choices
    )
    priced = [answer for answer in estimates if answer.found]
    if not priced:
        return TaskEstimate(task, estimates[0], estimates)
    first = priced[0] if task.order == "in order" else min(priced, key=lambda answer: answer.hourly_cost or 0)
    return TaskEstimate(task, first, estimates)


def _one_line(exc: Exception) -> str:
    # PyYAML points at the place with a caret, and calls the text by a name of its own.
    return " ".join(str(exc).replace('in "<unicode string>", ', "").replace("^", "").split())[:300]


def _task(document: object) -> Task:
    if not isinstance(document, dict):
        kind = "a list" if isinstance(document, list) else f"{type(document).__name__} at the top"
        raise BadTask(f"a task is a mapping with `resources:`, not {kind}")
    name = document.get("name")
    resources = document.get("resources") or {}
    if not isinstance(resources, dict):
        raise BadTask("resources is not a mapping")
    nodes = document.get("num_nodes", 1)
    if nodes is None:
        nodes = 1
    if isinstance(nodes, bool) or not isinstance(nodes, int) or nodes < 1:
        raise BadTask(f"num_nodes {shown(nodes)} is not a number of nodes")
    order: Order = "in order" if resources.get("ordered") else "cheapest"
    choices = []
    for merged in _alternatives(resources):
        accelerators = merged.get("accelerators")
        if isinstance(accelerators, list) and not resources.get("any_of"):
            order = "in order"
        choices += [_choice(merged, accelerator, nodes) for accelerator in _accelerators(accelerators)]
        if len(choices) > MAX_CHOICES:
            raise BadTask(f"more than {MAX_CHOICES} choices of resources")
    return Task(name[:200] if isinstance(name, str) else None, order, tuple(choices))


def _alternatives(resources: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The resources once for each entry of any_of or ordered, whose fields take the place of those around them."""
    base = _renamed({key: value for key, value in resources.items() if key not in {"any_of", "ordered"}})
    for key in ("any_of", "ordered"):
        entries = resources.get(key)
        if entries is not None and (
            not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries)
        ):
            raise BadTask(f"resources.{key} is not a list of mappings")
    if resources.get("any_of") and resources.get("ordered"):
        raise BadTask("resources has both any_of and ordered; SkyPilot takes one of them")
    entries = resources.get("any_of") or resources.get("ordered") or [{}]
    for entry in entries:
        # A place in the entry takes that of the one around it, however either is written.
        dropped = _PLACES if "infra" in entry else {"infra"} if _PLACES & entry.keys() else set()
        yield {**{key: value for key, value in base.items() if key not in dropped}, **_renamed(entry)}


def _renamed(resources: Mapping[str, Any]) -> dict[str, Any]:
    """The resources with `gpus`, SkyPilot's other word for accelerators, under its first name."""
    if resources.get("gpus") is None:
        return dict(resources)
    if resources.get("accelerators") is not None:
        raise BadTask("resources has both accelerators and gpus, which mean the same")
    return {**{key: value for key, value in resources.items() if key != "gpus"}, "accelerators": resources["gpus"]}


def _accelerators(accelerators: object) -> list[Any]:
    """One entry per accelerator that would do: of a text, a list, a set or a mapping; [None] for none."""
    if accelerators is None:
        return [None]
    if isinstance(accelerators, Mapping):
        return [{name: count} for name, count in accelerators.items()] or [None]
    if isinstance(accelerators, (list, set)):
        members = sorted(accelerators, key=shown) if isinstance(accelerators, set) else accelerators
        each = (_accelerators(member) if isinstance(member, dict) else [member] for member in members)
        return list(chain.from_iterable(each)) or [None]
    return [accelerators]


def _choice(resources: Mapping[str, Any], accelerator: object, num_nodes: int) -> Choice:
    label = _label(resources, accelerator)
    try:
        return Choice(label, _asked(resources, accelerator, num_nodes), None)
    except BadQuestion as exc:
        return Choice(label, None, str(exc))


def _asked(resources: Mapping[str, Any], accelerator: Any, num_nodes: int) -> Question:
    name = next(iter(accelerator)) if isinstance(accelerator, Mapping) else accelerator
    if isinstance(name, str) and _GPU_BY_MEMORY.fullmatch(name.strip()):
        raise BadQuestion(f"{_plain(name)}: a GPU by its memory is not priced here; name one")
    if accelerator is None and resources.get("instance_type") is None:
        raise BadQuestion("neither accelerators nor an instance_type; a choice with CPUs only is not priced")
    cloud, region, zone = _place(resources)
    use_spot, disk = resources.get("use_spot"), resources.get("disk_size")
    return ask(
        accelerator,
        instance_type=resources.get("instance_type"),
        cloud=cloud,
        region=region,
        zone=zone,
        use_spot=False if use_spot is None else use_spot,
        num_nodes=num_nodes,
        disk_size=disk if isinstance(disk, int) else None,  # SkyPilot takes text with a unit too; it is not priced.
        vcpus=_size(resources.get("cpus"), "cpus"),
        memory_gib=_memory(resources.get("memory")),
    )


def _place(resources: Mapping[str, Any]) -> tuple[str | None, str | None, str | None]:
    """Cloud, region and zone: of `infra: cloud/region/zone` with `*` for any, else of their own keys."""
    infra = resources.get("infra")
    if infra is not None and any(resources.get(key) for key in _PLACES):
        raise BadQuestion("infra, and cloud, region or zone besides; SkyPilot takes one of them")
    if infra is None:
        return resources.get("cloud"), resources.get("region"), resources.get("zone")
    if not isinstance(infra, str):
        raise BadQuestion(f"infra {shown(infra)} is not text such as aws/us-east-1")
    parts = [part.strip() for part in infra.split("/")]
    cloud, region, zone = [*parts, "", ""][:3]
    if len(parts) > 3 and cloud_named(cloud) not in _OWN_MACHINES:
        raise BadQuestion(f"infra {shown(infra)} is not CLOUD/REGION/ZONE")
    if cloud_named(cloud) in _OWN_MACHINES:
        return cloud, None, None  # What follows is a context or a pool, not a region.
    return tuple(None if part in {"*", ""} else part for part in (cloud, region, zone))  # type: ignore[return-value]


def _size(value: object, what: str) -> str | None:
    if value is None or isinstance(value, str):
        return value.strip() if value else None
    if isinstance(value, bool) or not is_number(value):
        raise BadQuestion(f"{what} {shown(value)} is not a size such as 8 or 8+")
    return str(value)


def _memory(value: object) -> str | None:
    """Memory in GiB as `size_test` takes it: `64GB` is `64`, `1024MB+` is `1+`."""
    text = _size(value, "memory")
    if text is None:
        return None
    found = _MEMORY.fullmatch(text)
    if found is None:
        raise BadQuestion(f"memory {shown(value)} is not a size such as 64, 64+ or 64GB")
    amount, unit, suffix = found.groups()
    return f"{float(amount) * _UNITS[(unit or 'g').lower()]:.12g}{suffix or ''}"


def _label(resources: Mapping[str, Any], accelerator: object) -> str:
    if isinstance(accelerator, Mapping):
        [(name, count)] = accelerator.items()
        accelerator = _plain(name) if count is None else f"{_plain(name)}:{_plain(count)}"
    what = _plain(accelerator or resources.get("instance_type") or "CPU only")
    infra = resources.get("infra")
    parts = [infra] if infra else [resources.get(key) for key in ("cloud", "region", "zone")]
    place = "/".join(_plain(part) for part in parts if part)
    spot = " spot" if resources.get("use_spot") is True else ""
    return f"{what}{f' on {place}' if place else ''}{spot}"


def _plain(value: object) -> str:
    return printable(value[:80]) if isinstance(value, str) else shown(value)
