"""NodeConfig: how node orchestrators ask for prices, one JSON object a node. See `docs/node-config.md`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gpu_catalog.cost_estimate import CostEstimate
from gpu_catalog.errors import BadQuestion
from gpu_catalog.estimate import estimate, not_found
from gpu_catalog.market import Market
from gpu_catalog.question import Question, ask, checked_hours, parse_gpu
from gpu_catalog.texts import shown

DEFAULT_DISK_GB = 256
"""What an orchestrator means by a disk_size of 0."""
_GO_ZEROS = (None, 0)
"""What Go sends for a number that was not set."""
MAX_BATCH_BYTES = 64 * 1024 * 1024


def parse_batch(content: bytes) -> list[Any]:
    """The members of a JSON array.

    Raises:
        BadQuestion: it is none, or too large.
    """
    if len(content) > MAX_BATCH_BYTES:
        raise BadQuestion(f"a batch is at most {MAX_BATCH_BYTES} bytes of JSON")
    try:
        members = json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise BadQuestion(f"a batch is a JSON array of NodeConfig objects; this is not JSON ({exc})") from exc
    if not isinstance(members, list):
        raise BadQuestion("a batch is a JSON array of NodeConfig objects; this is JSON, but not an array")
    return members


def estimate_node(config: object, market: Market, hours: float | None = None) -> CostEstimate:
    """The answer to one member of a batch; what is malformed is answered with the reason.

    Raises:
        BadQuestion: `hours` is not a number of hours.
    """
    hours = checked_hours(hours)
    try:
        return estimate(_question(config, hours), market)
    except BadQuestion as exc:
        return not_found(Question(hours=hours), str(exc))


def _question(config: object, hours: float | None) -> Question:
    """`provider`, `region`: "" for any; `gpu_count`: 0 for 1; `disk_size`: 0 for 256 GB. Other keys are ignored."""
    if not isinstance(config, Mapping):
        raise BadQuestion('a NodeConfig is a JSON object, e.g. {"gpu": "A100", "gpu_count": 1}')
    gpu, count = config.get("gpu"), config.get("gpu_count")
    if not isinstance(gpu, str) or not gpu.strip():
        raise BadQuestion('a NodeConfig names its GPU, e.g. {"gpu": "A100"}')
    name, said = parse_gpu(gpu)
    asked = ask(
        {name: count if count not in _GO_ZEROS else said or 1},
        cloud=config.get("provider"),
        region=config.get("region"),
        use_spot=False if config.get("use_spot") is None else config["use_spot"],
        hours=hours,
        disk_size=DEFAULT_DISK_GB if config.get("disk_size") in _GO_ZEROS else config["disk_size"],
    )
    if said is not None and said != asked.gpu_count:
        raise BadQuestion(f"gpu is {shown(gpu)}, but gpu_count is {shown(count)}")
    return asked
