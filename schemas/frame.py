"""The data frame that the expectations run on: the cells of `vms.csv` and figures worked out from them.

Each distinct text is worked out once: 100,000 rows have a few hundred different prices and GpuInfo cells.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from gpu_catalog.accelerators import AcceleratorTable
from gpu_catalog.errors import BadGpuInfo
from gpu_catalog.gpu_info import parse_gpu_info
from schemas.columns import COLUMNS
from schemas.errors import needs_extra
from schemas.report import KEY_COLUMNS
from schemas.type_names import TypeFigures, type_figures

if TYPE_CHECKING:
    import pandas as pd

_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)
_UNKNOWN = math.nan


class _Number(NamedTuple):
    """What a cell says that should be a number."""

    number: float
    """Unknown where it is none."""


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


_Figures = TypeVar("_Figures", _Number, _GpuInfoFigures, _TableFigures, TypeFigures)


def text_frame(columns: Sequence[str], header: Sequence[str], rows: Mapping[int, Sequence[str]]) -> pd.DataFrame:
    """Return the cells of a CSV file under `columns`, with the numbers of the rows as index.

    Cells are text, None where blank; a column that the header lacks is all None.
    """
    with needs_extra("validation"):
        import pandas as pd

    blank = [None] * len(rows)
    by_name = dict(zip(header, zip(*rows.values(), strict=True), strict=False))
    cells = {name: [cell or None for cell in by_name.get(name, blank)] for name in columns}
    # `object` is the same in pandas 2 and 3; left to itself, pandas makes numbers of a column of blanks.
    frame: pd.DataFrame = pd.DataFrame(cells, index=list(rows), dtype=object)
    return frame


def key_frame(header: Sequence[str], rows: Mapping[int, Sequence[str]]) -> pd.DataFrame:
    """Return `text_frame` of a `vms.csv` under the columns that identify its rows."""
    return text_frame([column.name for column in COLUMNS if column.name in KEY_COLUMNS], header, rows)


def unlike_rows(header: Sequence[str], rows: Mapping[int, Sequence[str]], cloud: str) -> dict[int, Sequence[str]]:
    """Of the rows of a `vms.csv` whose `catalog_frame` is the same in all but the key, the first."""
    of_type = header.index("InstanceType")
    figures_of = lru_cache(maxsize=None)(lambda name: type_figures(name or None, cloud))
    others_of = itemgetter(*(place for place, name in enumerate(header) if name not in KEY_COLUMNS))
    first: dict[object, int] = {}
    for number, cells in rows.items():
        first.setdefault((figures_of(cells[of_type]), others_of(cells)), number)
    return {number: rows[number] for number in first.values()}


def catalog_frame(
    header: Sequence[str], rows: Mapping[int, Sequence[str]], cloud: str, table: AcceleratorTable
) -> pd.DataFrame:
    """Return `text_frame` of a `vms.csv` under all columns there are, with figures in lower case beside them.

    A figure is NaN where the cells do not give it, and expectations pass over those: a blank, or a text that is no
    number, is found once, by the expectation on its own column.
    """
    with needs_extra("validation"):
        import pandas as pd

    text = text_frame([column.name for column in COLUMNS], header, rows)
    usd_per_gpu_hour = lru_cache(maxsize=None)(_usd_per_gpu_hour)
    figures = {
        "has_accelerator": text["AcceleratorName"].notna(),
        "has_count": text["AcceleratorCount"].notna(),
        "has_gpu_info": text["GpuInfo"].notna(),
        "count": _numbers_in(text["AcceleratorCount"]),
        "cpus": _numbers_in(text["vCPUs"]),
        "memory_gib": _numbers_in(text["MemoryGiB"]),
        "spot_usd_per_hour": _numbers_in(text["SpotPrice"]),
        "usd_per_hour": _numbers_in(text["Price"]),
        "usd_per_gpu_hour": list(map(usd_per_gpu_hour, text["Price"], text["AcceleratorCount"])),
    }
    frame: pd.DataFrame = pd.concat(
        [
            text,
            pd.DataFrame(figures, index=text.index),
            _figures_of(_gpu_info_figures, text["GpuInfo"]),
            _figures_of(lambda name: _table_figures(name, cloud, table), text["AcceleratorName"]),
            _figures_of(lambda name: type_figures(name, cloud), text["InstanceType"]),
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


def _figures_of(function: Callable[[str | None], _Figures], texts: pd.Series[Any]) -> pd.DataFrame:
    """A column for each field of what `function` makes of the texts; it is called once per distinct one."""
    import pandas as pd

    factorized = pd.factorize(texts.to_numpy())
    distinct: list[str] = list(factorized[1])
    # A blank has the place -1: that of the last.
    figures: pd.DataFrame = pd.DataFrame([function(text) for text in [*distinct, None]])
    spelled_out: pd.DataFrame = figures.take(factorized[0]).set_axis(texts.index)
    return spelled_out


def _numbers_in(texts: pd.Series[Any]) -> pd.Series[float]:
    """As `_figures_of`, of the texts that are a number."""
    return _figures_of(lambda text: _Number(_number(text)), texts)["number"]


def _number(text: str | None) -> float:
    return float(text) if text is not None and _NUMBER.fullmatch(text) else _UNKNOWN


def _usd_per_gpu_hour(price: str | None, count: str | None) -> float:
    """Price of one accelerator for one hour, to be compared with the band."""
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
