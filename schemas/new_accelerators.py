"""Accelerators that the table does not know: which they are, and the line that would make them known."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterable, Iterator
from decimal import Decimal

from gpu_catalog.accelerators import GENERAL_BAND_USD_PER_GPU_HOUR, AcceleratorTable, name_key, without_maker
from gpu_catalog.numbers import price_text
from gpu_catalog.offering import Offering

_BAND_FACTOR = 4
"""A band goes from a quarter of the known prices to four times them: it is there for unit errors."""

_MOST_TOLD = 20


def line_to_add(name: str, offerings: Iterable[Offering]) -> str:
    """The line of `accelerators.csv` for an accelerator: what its offerings do not tell is in capitals.

    The columns are name, vendor, memory_gib, the price band, synonym_of, runpod_launch_name, memory_overrides,
    aliases, price_source and source.
    """
    own = [offering for offering in offerings if offering.accelerator_name == name]
    prices = [price for offering in own if (price := offering.price_usd_per_gpu_hour) is not None]
    vendors = sorted({offering.accelerator_vendor for offering in own if offering.accelerator_vendor})
    memories_mib = {offering.gpu_memory_mib for offering in own if offering.gpu_memory_mib}
    cells = (
        name,
        vendors[0] if vendors else "VENDOR",
        f"{min(memories_mib) / 1024:g}" if memories_mib else "MEMORY_GIB",
        price_text(round(min(prices) / _BAND_FACTOR, 4)) if prices else "USD_PER_GPU_HOUR_MIN",
        price_text(round(max(prices) * _BAND_FACTOR, 4)) if prices else "USD_PER_GPU_HOUR_MAX",
        "", "", "", "", "WHERE_THE_PRICES_STAND_AND_WHEN", "WHERE_NAME_AND_MEMORY_STAND",
    )  # fmt: skip
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def nearest(name: str, table: AcceleratorTable) -> str | None:
    """The known accelerator whose name is most like this one, the maker's name left out; None when none is."""
    names = {name_key(accelerator.name): accelerator.name for accelerator in table}
    plain = name_key(without_maker(name))
    near = difflib.get_close_matches(plain, names, n=1)
    return names[near[0]] if near else None


def unknown_accelerators(offerings: Iterable[Offering], table: AcceleratorTable) -> Iterator[str]:
    """For each accelerator that the table does not know: what that means, the nearest name, the line to add.

    Of very many, as no cloud has them, only the first ones.
    """
    unknown: dict[str, list[Offering]] = {}
    for offering in offerings:
        if offering.accelerator_name and table.named(offering.accelerator_name) is None:
            unknown.setdefault(offering.accelerator_name, []).append(offering)
    low, high = GENERAL_BAND_USD_PER_GPU_HOUR
    for name, own in sorted(unknown.items())[:_MOST_TOLD]:
        near = nearest(name, table)
        hint = f" Is it {near}? If not, add" if near else " Add"
        yield (
            f"{name} is not in the accelerator table: its price is only held against {_usd(low)} to "
            f"{_usd(high)} USD per GPU-hour.{hint} to accelerators.csv: {line_to_add(name, own)}"
        )
    if len(unknown) > _MOST_TOLD:
        yield f"{len(unknown) - _MOST_TOLD} further accelerators are not in the accelerator table"


def _usd(price: Decimal) -> str:
    return f"{price:f}"
