"""What is asked of an estimate, checked."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from gpu_catalog.accelerators import name_key
from gpu_catalog.cloud_names import cloud_named
from gpu_catalog.errors import BadQuestion, NotOffered
from gpu_catalog.sizes import size_test
from gpu_catalog.texts import shown

MAX_TEXT_CHARS = 200
MAX_NODES = 1_000_000
MAX_NUMBER = 1_000_000_000
"""Of hours, GB and dollars: more is a mistake."""

_COUNT = re.compile(r"\d{1,20}(\.\d{1,20})?([eE]\+?\d{1,2})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question for a price. None means that it does not matter."""

    gpu: str | None = None
    """Name of the accelerator as it was asked for."""

    gpu_count: float | None = None
    """Accelerators in one instance; None only where `gpu` is None, or any number will do."""

    instance_type: str | None = None
    """Instance type as it was asked for."""

    clouds: tuple[str, ...] = ()
    """Catalogs' names of the clouds that may answer; empty for all."""

    region: str | None = None
    """Region; case is ignored."""

    zone: str | None = None
    """Availability zone; case is ignored."""

    use_spot: bool = False
    """Whether the spot price is asked for, else the on-demand price."""

    num_nodes: int = 1
    """Instances; they multiply the price."""

    hours: float | None = None
    """How long they run; adds a total."""

    disk_size: int | None = None
    """GB of disk per instance; not priced."""

    vcpus: str | None = None
    """vCPUs of the instance as SkyPilot writes it: `4`, `4+`."""

    memory_gib: str | None = None
    """Main memory of the instance as SkyPilot writes it: `16`, `16+`, `4x` the vCPUs."""

    min_gpu_memory_gib: float | None = None
    """Least memory of one accelerator."""

    max_price_usd_per_hour: Decimal | None = None
    """Most that all nodes together may cost, of the kind of price asked for."""

    @property
    def narrows_further(self) -> bool:
        """Whether an instance type, place, size or price is asked for beside the GPU."""
        return not (
            self.instance_type is None
            and self.region is None
            and self.zone is None
            and self.vcpus is None
            and self.memory_gib is None
            and self.min_gpu_memory_gib is None
            and self.max_price_usd_per_hour is None
        )


def ask(
    gpu: str | Mapping[str, float] | None = None,
    *,
    instance_type: str | None = None,
    cloud: str | Sequence[str] | None = None,
    region: str | None = None,
    zone: str | None = None,
    use_spot: bool = False,
    num_nodes: int = 1,
    hours: float | None = None,
    disk_size: int | None = None,
    min_gpu_memory_gib: float | None = None,
    max_price_usd_per_hour: Decimal | None = None,
    vcpus: str | None = None,
    memory_gib: str | None = None,
    any_gpu: bool = False,
) -> Question:
    """The question that these arguments make, most of them those of `estimate_cost`. Empty texts mean None.

    Raises:
        BadQuestion: a ValueError: malformed, see `estimate_cost`.
    """
    name, count = parse_gpu(gpu) if gpu not in (None, "", {}) else (None, None)
    asked_type = _text(instance_type, "instance_type")
    if name is None and asked_type is None and min_gpu_memory_gib is None and not any_gpu:
        raise BadQuestion("neither a GPU nor an instance type: name one, e.g. A100:1")
    if isinstance(num_nodes, bool) or not isinstance(num_nodes, int) or not 1 <= num_nodes <= MAX_NODES:
        raise BadQuestion(f"num_nodes {shown(num_nodes)} is not a number of nodes; it is a whole number from 1 up")
    if not isinstance(use_spot, bool):
        raise BadQuestion(f"use_spot {shown(use_spot)} is neither true nor false")
    if disk_size is not None and not is_number(disk_size, whole=True):
        raise BadQuestion(f"disk_size {shown(disk_size)} is not a whole number of GB")
    for what, limit in (("the memory of a GPU", min_gpu_memory_gib), ("the highest price", max_price_usd_per_hour)):
        if limit is not None and not (is_number(limit) and limit > 0):
            raise BadQuestion(f"{what} {shown(limit)} is not a number above 0")
    if vcpus is not None or memory_gib is not None:
        try:
            size_test(vcpus, memory_gib)
        except NotOffered as exc:
            raise BadQuestion(str(exc)) from exc
    return Question(
        gpu=name,
        gpu_count=1.0 if name is not None and count is None and asked_type is None else count,
        instance_type=asked_type,
        clouds=parse_clouds(cloud),
        region=_text(region, "region"),
        zone=_text(zone, "zone"),
        use_spot=use_spot,
        num_nodes=num_nodes,
        hours=checked_hours(hours),
        disk_size=disk_size,
        min_gpu_memory_gib=min_gpu_memory_gib,
        max_price_usd_per_hour=max_price_usd_per_hour,
        vcpus=vcpus,
        memory_gib=memory_gib,
    )


def checked_hours(hours: object) -> float | None:
    """A number of hours, as a float; None stays None.

    Raises:
        BadQuestion: no number, below 0, or absurdly high.
    """
    if hours is None:
        return None
    if not is_number(hours):
        raise BadQuestion(f"hours {shown(hours)} is not a number of hours from 0 to {MAX_NUMBER}")
    return float(hours)  # type: ignore[arg-type]


def is_number(value: object, *, whole: bool = False) -> bool:
    """Whether a value is a number from 0 to MAX_NUMBER (exclusive)."""
    kinds = int if whole else (int, float, Decimal)
    if isinstance(value, bool) or not isinstance(value, kinds):
        return False
    try:
        return 0 <= value < MAX_NUMBER
    except ArithmeticError:  # a signalling NaN
        return False


def parse_gpu(gpu: object) -> tuple[str, float | None]:
    """Name and count out of `A100:8`, `A100` (no count said) or `{"A100": 8}`.

    Raises:
        BadQuestion: no name, a count that is not a number above zero, a second colon, several names.
    """
    if not isinstance(gpu, str):
        return _parse_entry(gpu)
    name, colon, count = gpu.partition(":")
    if not colon:
        return _name(gpu, gpu), None
    if not _COUNT.fullmatch(count := count.strip()):
        raise BadQuestion(f"{shown(gpu)} is not NAME or NAME:COUNT with a count above 0, e.g. A100:8")
    return _name(name, gpu), _positive(float(count), gpu)


def _parse_entry(gpu: object) -> tuple[str, float | None]:
    """Name and count out of `{"A100": 8}`."""
    if not isinstance(gpu, Mapping):
        raise BadQuestion(f"a GPU is written as text such as A100:8, not as {shown(gpu)}")
    if len(gpu) != 1:
        raise BadQuestion(f"{len(gpu)} accelerators at once; ask for one")
    [(name, count)] = gpu.items()
    if count is None:
        return parse_gpu(name)
    if isinstance(count, bool) or not isinstance(count, (int, float, Decimal)):
        raise BadQuestion(f"{shown(name)}: the count {shown(count)} is not a number")
    return _name(name, name), _positive(count, name)


def _name(name: object, whole: object) -> str:
    if not isinstance(name, str) or not name.strip():
        raise BadQuestion(f"{shown(whole)} names no accelerator; write e.g. A100:8")
    if not name_key(checked := _checked(name, "accelerator")):
        raise BadQuestion(f"{shown(whole)} names no accelerator; write e.g. A100:8")
    return checked


def _positive(count: float | Decimal, whole: object) -> float:
    try:
        number = float(count)
    except (OverflowError, ValueError):  # an int of hundreds of digits; a signalling NaN
        number = math.nan
    if not 0 < number < math.inf:
        raise BadQuestion(f"{shown(whole)}: the count is not above 0; write e.g. A100:8")
    return number


def parse_clouds(cloud: object) -> tuple[str, ...]:
    """Catalogs' names of clouds, out of a name, names apart by commas, or a list of names.

    Raises:
        BadQuestion: something else.
    """
    if cloud is None:
        return ()
    given = [cloud] if isinstance(cloud, str) else cloud
    if not isinstance(given, Sequence) or not all(isinstance(name, str) for name in given):
        raise BadQuestion(f"cloud {shown(cloud)} is neither a name nor a list of names")
    names = (name for entry in given for name in entry.split(",") if name.strip())
    return tuple(dict.fromkeys(cloud_named(_checked(name, "cloud")) for name in names))


def _text(value: object, what: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadQuestion(f"{what} {shown(value)} is not text")
    return _checked(value, what) or None


def _checked(text: str, what: str) -> str:
    stripped = text.strip()
    if len(stripped) > MAX_TEXT_CHARS or not stripped.isprintable():
        raise BadQuestion(f"{what} {shown(text)} is not a valid name")
    return stripped
