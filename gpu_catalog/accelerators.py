"""The accelerator table: one place for names, sizes, aliases and plausible prices.

`accelerators.csv` beside this module is data with sources; fetchers, validation and lookups all read it here.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from gpu_catalog.errors import BadCatalogFile

TABLE_FILE = Path(__file__).with_name("accelerators.csv")

GENERAL_BAND_USD_PER_GPU_HOUR = (Decimal("0.02"), Decimal("50"))
"""Band for an accelerator that the table does not know: wide enough for any card, too narrow for cents or
for a price per second."""


@dataclass(frozen=True, slots=True)
class Accelerator:
    """One row of `accelerators.csv`."""

    name: str
    """Canonical name as SkyPilot spells it, e.g. `A100-80GB`."""

    vendor: str
    """Maker, e.g. `NVIDIA`."""

    memory_gib: float
    """Memory of one device; the makers' GB figure, written as GiB as all SkyPilot catalogs do."""

    usd_per_gpu_hour_min: Decimal
    """Lower end of the plausible price of one accelerator for one hour."""

    usd_per_gpu_hour_max: Decimal
    """Upper end of the plausible price. The band catches unit errors, not market moves."""

    synonym_of: str | None
    """Canonical name of the same card where this is another spelling of it (`A6000` of `RTXA6000`)."""

    runpod_launch_name: str | None
    """Name in SkyPilot's RunPod launcher; None when SkyPilot cannot launch it there."""

    memory_overrides: dict[str, float]
    """Memory in GiB by cloud, where a cloud states another size (B300: 262 on Yotta)."""

    aliases: tuple[tuple[str, str], ...]
    """(cloud, text) pairs under which the clouds know it: API ids, display names, instance-name parts."""

    source: str
    """Where name and memory come from."""

    def memory_gib_on(self, cloud: str) -> float:
        """Memory of one device as `cloud` states it."""
        return self.memory_overrides.get(cloud, self.memory_gib)


class AcceleratorTable:
    """All known accelerators, found by name or by a cloud's own spelling; case never matters."""

    def __init__(self, accelerators: list[Accelerator]) -> None:
        self._by_name = {accelerator.name.casefold(): accelerator for accelerator in accelerators}
        self._by_alias = {
            (cloud, text.casefold()): accelerator
            for accelerator in accelerators
            for cloud, text in accelerator.aliases
        }

    def __iter__(self) -> Iterator[Accelerator]:
        return iter(self._by_name.values())

    def named(self, name: str) -> Accelerator | None:
        """The accelerator of this canonical name, or None."""
        return self._by_name.get(name.casefold())

    def known_to(self, cloud: str, text: str) -> Accelerator | None:
        """The accelerator that `cloud` calls `text` (an API id, a GPU code, a model with its size), or None."""
        return self._by_alias.get((cloud, text.casefold()))

    def price_band(self, name: str) -> tuple[Decimal, Decimal]:
        """Plausible USD per GPU-hour for this name; the general band when the name is not in the table."""
        known = self.named(name)
        if known is None:
            return GENERAL_BAND_USD_PER_GPU_HOUR
        return known.usd_per_gpu_hour_min, known.usd_per_gpu_hour_max


_MAKERS = re.compile(r"((nvidia|amd|intel|tesla|geforce)\s+)+", re.IGNORECASE)
_NOT_COMPARED = str.maketrans("", "", "-_ \t")


@lru_cache(maxsize=1024)
def name_key(name: str) -> str:
    """A name as it is compared: case, blanks, `-` and `_` do not matter (`RTX 4090` = `RTX4090`)."""
    return name.lower().translate(_NOT_COMPARED)


def without_maker(display_name: str) -> str:
    """A display name without the maker's own name in front: `Tesla V100` gives `V100`."""
    text = display_name.strip()
    maker = _MAKERS.match(text)
    return text[maker.end() :] if maker else text


def is_tpu(name: str) -> bool:
    """Whether a name is that of a TPU: `tpu-v6e-8`, `TPU_v3-8`."""
    return name[:3].lower() == "tpu" and name[3:4] in {"-", "_", " "}


@lru_cache(maxsize=1)
def _synonyms() -> dict[str, frozenset[str]]:
    """The `name_key` of every other name of the same card, by that of a name."""
    cards: dict[str, set[str]] = {}
    for accelerator in accelerator_table():
        cards.setdefault(name_key(accelerator.synonym_of or accelerator.name), set()).add(
            name_key(accelerator.name)
        )
    return {key: frozenset(keys - {key}) for keys in cards.values() if len(keys) > 1 for key in keys}


def synonym_keys(key: str) -> frozenset[str]:
    """The `name_key` of every other name of the same card (`a6000` for `rtxa6000`)."""
    return _synonyms().get(key, frozenset())


@lru_cache(maxsize=1)
def accelerator_table() -> AcceleratorTable:
    """The bundled table, read once."""
    return read_accelerator_table(TABLE_FILE)


def read_accelerator_table(path: Path) -> AcceleratorTable:
    """Read a table in the form of `accelerators.csv`.

    Raises:
        BadCatalogFile: not CSV in UTF-8, a column is missing or a figure is no number; the message names the line.
    """
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        try:
            return AcceleratorTable([_accelerator(row) for row in reader])
        except (csv.Error, KeyError, ValueError, ArithmeticError, AttributeError) as exc:
            raise BadCatalogFile(f"{path}, line {reader.line_num}: {exc!r}") from exc


def _accelerator(row: dict[str, str]) -> Accelerator:
    overrides = (entry.partition(":") for entry in _entries(row["memory_overrides"]))
    aliases = (entry.partition(":") for entry in _entries(row["aliases"]))
    return Accelerator(
        name=row["name"],
        vendor=row["vendor"],
        memory_gib=float(row["memory_gib"]),
        usd_per_gpu_hour_min=Decimal(row["usd_per_gpu_hour_min"]),
        usd_per_gpu_hour_max=Decimal(row["usd_per_gpu_hour_max"]),
        synonym_of=row["synonym_of"] or None,
        runpod_launch_name=row["runpod_launch_name"] or None,
        memory_overrides={cloud: float(gib) for cloud, _, gib in overrides},
        aliases=tuple((cloud, text) for cloud, _, text in aliases),
        source=row["source"],
    )


def _entries(cell: str) -> list[str]:
    return [entry for entry in cell.split(";") if entry]
