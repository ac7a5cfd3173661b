"""The data frame that the expectations run on: the cells of `vms.csv` and figures worked out from them.

Each distinct text is worked out once: 100,000 rows have a few hundred different prices and GpuInfo cells.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from gpu_catalog.accelerators import AcceleratorTable
from gpu_catalog.errors import BadGpuInfo
from gpu_catalog.gpu_info import parse_gpu_info
from schemas.columns import COLUMNS
from schemas.errors import needs_extra
from schemas.type_names import TypeFigures, type_figures

if TYPE_CHECKING:
    import pandas as pd

_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)
_UNKNOWN = math.nan

_In = TypeVar("_In", bound=Hashable)
_Out = TypeVar("_Out")


class _GpuInfoFigures(NamedTuple):
    """What a GpuInfo cell says; all unknown where it is blank."""

    gpu_info_error: str | None = None
    """Why the cell does not parse."""

    gpu_info_name: str | None = None
    """Name of the accelerator."""

    gpu_info_count: float = _UNKNOWN
    """How many there are."""

    gpu_memory_gib: float = _UNKNOWN
    """Memory of one."""

    gpu_info_total_mib: float = _UNKNOWN
    """Memory of all, as the cell states it."""

    gpu_info_sum_mib: float = _UNKNOWN
    """Memory of all, as it follows from count and memory."""


class _TableFigures(NamedTuple):
    """What the accelerator table says about a name."""

    known_memory_gib: float = _UNKNOWN
    """Memory of one device on this cloud; unknown for a name outside the table."""

    band_min: float = _UNKNOWN
    """Least plausible price of one device, USD per hour."""

    band_max: float = _UNKNOWN
    """Greatest plausible price of one device, USD per hour."""


def text_frame(columns: Sequence[str], header: Sequence[str], rows: Mapping[int, Sequence[str]]) -> pd.DataFrame:
    """Return the cells of a CSV file under `columns`, with the numbers of the rows as index.

    Cells are text, None where blank; a column that the header lacks is all None.
    """
    with needs_extra("validation"):
        import pandas as pd

    places = [header.index(name) if name in header else None for name in columns]
    cells = {
        name: [None if place is None else row[place] or None for row in rows.values()]
        for name, place in zip(columns, places, strict=True)
    }
    # `object` is the same in pandas 2 and 3; left to itself, pandas makes numbers of a column of blanks.
    frame: pd.DataFrame = pd.DataFrame(cells, index=list(rows), dtype=object)
    return frame


def catalog_frame(
    header: Sequence[str], rows: Mapping[int, Sequence[str]], cloud: str, table: AcceleratorTable
) -> pd.DataFrame:
    """Return `text_frame` of a `vms.csv` under all columns there are, with figures in lower case beside them.

    A figure is NaN where the cells do not give it, and expectations pass over those: a blank, or a text that is no
    number, is found once, by the expectation on its own column.
    """
    with needs_extra("validation"):
        import pandas as pd

    def table_figures(name: str | None) -> _TableFigures:
        return _table_figures(name, cloud, table)

    def figures_of_type(name: str | None) -> TypeFigures:
        return type_figures(name, cloud)

    text = text_frame([column.name for column in COLUMNS], header, rows)
    gpus = _each(_gpu_info_figures, text["GpuInfo"])
    known = _each(table_figures, text["AcceleratorName"])
    types = _each(figures_of_type, text["InstanceType"])
    figures = {
        "has_accelerator": text["AcceleratorName"].notna(),
        "has_count": text["AcceleratorCount"].notna(),
        "has_gpu_info": text["GpuInfo"].notna(),
        "count": _each(_number, text["AcceleratorCount"]),
        "cpus": _each(_number, text["vCPUs"]),
        "memory_gib": _each(_number, text["MemoryGiB"]),
        "spot_usd_per_hour": _each(_number, text["SpotPrice"]),
        "usd_per_hour": _each(_number, text["Price"]),
        "usd_per_gpu_hour": _each(_usd_per_gpu_hour, zip(text["Price"], text["AcceleratorCount"], strict=True)),
    }
    frame: pd.DataFrame = pd.concat(
        [
            text,
            pd.DataFrame(figures, index=text.index),
            pd.DataFrame(gpus, columns=_GpuInfoFigures._fields, index=text.index),
            pd.DataFrame(known, columns=_TableFigures._fields, index=text.index),
            pd.DataFrame(types, columns=TypeFigures._fields, index=text.index),
        ],
        axis=1,
    )
    frame["gpu_memory_ratio"] = frame["gpu_memory_gib"] / frame["known_memory_gib"]
    # Where vCPUs or prices are not above zero, their own expectations say so.
    cpus, usd_per_hour = (frame[name].where(frame[name] > 0) for name in ("cpus", "usd_per_hour"))
    frame["memory_gib_per_vcpu"] = frame["memory_gib"].where(frame["memory_gib"] > 0) / cpus
    frame["usd_per_vcpu_hour"] = (usd_per_hour / cpus).where(~frame["has_accelerator"])
    frame["spot_share"] = frame["spot_usd_per_hour"].where(frame["spot_usd_per_hour"] > 0) / usd_per_hour
    return frame


def _each(function: Callable[[_In], _Out], values: Iterable[_In]) -> list[_Out]:
    """Apply `function` to every value, calling it once per distinct one."""
    values = list(values)
    results = {value: function(value) for value in set(values)}
    return [results[value] for value in values]


def _number(text: str | None) -> float:
    return float(text) if text is not None and _NUMBER.fullmatch(text) else _UNKNOWN


def _usd_per_gpu_hour(price_and_count: tuple[str | None, str | None]) -> float:
    """Price of one accelerator for one hour, to be compared with the band."""
    price, count = price_and_count
    if price is None or count is None or not (_number(price) > 0 and _number(count) > 0):
        return _UNKNOWN
    return float(round(Decimal(price) / Decimal(count), 6))


def _gpu_info_figures(cell: str | None) -> _GpuInfoFigures:
    if cell is None:
        return _GpuInfoFigures()
    try:
        info = parse_gpu_info(cell)
    except BadGpuInfo as exc:
        return _GpuInfoFigures(gpu_info_error=str(exc))
    total_mib, sum_mib = info.total_memory_mib, round(info.memory_mib * info.count)
    return _GpuInfoFigures(None, info.name, info.count, info.memory_mib / 1024, total_mib, sum_mib)


def _table_figures(name: str | None, cloud: str, table: AcceleratorTable) -> _TableFigures:
    if name is None:
        return _TableFigures()
    accelerator = table.named(name)
    low, high = table.price_band(name)
    return _TableFigures(accelerator.memory_gib_on(cloud) if accelerator else _UNKNOWN, float(low), float(high))
