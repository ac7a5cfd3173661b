"""Lambda's instance types. The name is a key: model and memory come from the API's description, never from it.

Grammar INFERRED from the 25 known names: `gpu_<n>x_<model>[_<vram>gb][_<bus>][_n]` and `cpu_<n>x_<class>`.
The bus may be missing though the card is SXM (`gpu_8x_a100`), and only A100-80GB carries a memory tag.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gpu_catalog.errors import BadInstanceType

_NAME = re.compile(r"(gpu|cpu)_([1-9]\d{0,3})x_([a-z0-9]+(?:_[a-z0-9]+)*)", re.ASCII)
_TAIL = re.compile(r"(?P<model>.+?)(?:_(?P<vram>\d{1,4})gb)?(?:_(?P<bus>sxm\d[a-z0-9]*|pcie))?(?P<n>_n)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class LambdaInstanceType:
    """A Lambda instance type, taken apart."""

    is_gpu: bool
    """True for `gpu_...`, False for `cpu_...`."""

    count: int
    """GPUs of a `gpu_...` type, vCPUs of a `cpu_...` type."""

    model: str
    """The model (`h100`, `a100`) or, for CPU types, the class (`general`)."""

    gpu_memory_gb: int | None = None
    """Memory per GPU where the name has a tag for it."""

    bus: str | None = None
    """`sxm4`, `sxm5`, `sxm6`, `pcie`, `sxm5gdr` where the name says so."""

    is_n_variant: bool = False
    """True for the `_n` types, e.g. `gpu_8x_v100_n` (same card, fewer vCPUs)."""

    def __str__(self) -> str:
        memory = f"_{self.gpu_memory_gb}gb" if self.gpu_memory_gb else ""
        bus = f"_{self.bus}" if self.bus else ""
        kind = "gpu" if self.is_gpu else "cpu"
        return f"{kind}_{self.count}x_{self.model}{memory}{bus}{'_n' if self.is_n_variant else ''}"


def parse_instance_type(name: str) -> LambdaInstanceType:
    """Take a name apart; `str()` of the result gives the name back.

    Raises:
        BadInstanceType: the grammar does not fit.
    """
    head = _NAME.fullmatch(name)
    tail = _TAIL.fullmatch(head[3]) if head else None
    if head is None or tail is None:
        raise BadInstanceType(f"{name[:80]!r} is no Lambda instance type (`gpu_8x_h100_sxm5`, `cpu_4x_general`)")
    if head[1] == "cpu":
        return LambdaInstanceType(False, int(head[2]), head[3])
    vram = tail["vram"]
    parsed = LambdaInstanceType(
        True, int(head[2]), tail["model"], int(vram) if vram else None, tail["bus"], tail["n"] is not None
    )
    # A tag such as `_080gb` has no second spelling here: keep it inside the model so that nothing is lost.
    return parsed if str(parsed) == name else LambdaInstanceType(True, int(head[2]), head[3])
