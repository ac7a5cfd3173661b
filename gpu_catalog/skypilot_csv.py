"""SkyPilot's own `vms.csv` files (AWS, GCP, Azure, OCI and the rest), read as they are.

Prices and sizes may be blank, columns in any order, GpuInfo in many forms.

Our strict reader is for what we publish. Here a row that breaks a rule becomes no line, and `check` says how many
do. Rows are cells of text until they are asked for: such files have tens of thousands of them.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cached_property, lru_cache
from itertools import islice

from gpu_catalog.accelerators import accelerator_table, name_key
from gpu_catalog.errors import BadCatalogFile, BadQuantity
from gpu_catalog.numbers import MAX_PRICE_USD_PER_HOUR, PRICE_DECIMALS, parse_quantity
from gpu_catalog.prices import LineTest, PriceLine, any_line, sites_of
from gpu_catalog.reading import MAX_ROWS, checked_header

MOST_BROKEN = 0.05
"""Share of broken rows above which a file is refused."""

_MISSING = frozenset({"", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A", "<NA>"})
"""What pandas, and so SkyPilot, reads as no value."""

_LONGEST_NAME = 200
_PRICE = re.compile(r" *[+-]?(\d{1,30}\.?\d{0,30}|\.\d{1,30})([eE][+-]?\d{1,3})? *", re.ASCII)
_GPU_MEMORY_MIB = range(1024, 512 * 1024)
"""What one accelerator can have: some clouds write GB here, others the memory of all GPUs."""
_DEVICE_MEMORY = re.compile(r"""['"]SizeInMiB['"]: *(\d{1,9})\b""", re.ASCII)
_STEP = Decimal(1).scaleb(-PRICE_DECIMALS)

_NO_COUNT = frozenset({"", "0", "0.0"})
"""What stands beside no accelerator; Nebius writes 0."""

Row = Sequence[str]


def is_tpu(name: str) -> bool:
    """Whether an accelerator is a TPU: `tpu-v6e-8`, `TPU_v3-8`."""
    return name[:3].lower() == "tpu" and name[3:4] in {"-", "_", " "}


class SkyPilotRows:
    """The rows of one file, by accelerator and by instance type."""

    def __init__(self, text: str, cloud: str, where: str = "vms.csv") -> None:
        """Read the text of a `vms.csv`; `where` names it in messages.

        Raises:
            BadCatalogFile: no CSV, empty, or a column is missing or there twice.
        """
        self.cloud, self.where = cloud, where
        reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
        try:
            header = checked_header(next(reader, []))
            self._rows = list(islice(filter(None, reader), MAX_ROWS + 1))
            if len(self._rows) > MAX_ROWS:
                raise BadCatalogFile(f"more than {MAX_ROWS} rows")
        except (csv.Error, BadCatalogFile) as exc:
            raise BadCatalogFile(f"{where}, line {reader.line_num}: {exc}") from exc
        self._width = len(header)
        self._column = {name: index for index, name in enumerate(header)}
        self._type, self._gpu = self._column["InstanceType"], self._column["AcceleratorName"]
        self._count, self._info = self._column["AcceleratorCount"], self._column["GpuInfo"]
        self._region, self._zone = self._column["Region"], self._column.get("AvailabilityZone")
        self._price, self._spot = self._column["Price"], self._column["SpotPrice"]

    @cached_property
    def _by_gpu(self) -> Mapping[str, list[Row]]:
        names: dict[str, list[Row]] = defaultdict(list)
        gpu = self._gpu
        for row in self._rows:
            if len(row) > gpu and row[gpu]:
                names[row[gpu]].append(row)
        keys: dict[str, list[Row]] = defaultdict(list)
        for name, rows in names.items():
            if _is_name(name) and not is_tpu(name):
                keys[name_key(name)] += rows
        return keys

    @cached_property
    def _by_type(self) -> Mapping[str, list[Row]]:
        types: dict[str, list[Row]] = defaultdict(list)
        for row in self._rows:
            if len(row) == self._width and row[self._type] and not is_tpu(row[self._gpu]):
                types[row[self._type].lower()].append(row)
        return types

    @cached_property
    def gpu_names(self) -> Mapping[str, str]:
        """The file's spelling of every accelerator, by `name_key`; TPUs are left out."""
        return {key: rows[0][self._gpu] for key, rows in self._by_gpu.items()}

    @cached_property
    def regions(self) -> Mapping[str, str]:
        """The file's spelling of every region, by its name in lower case."""
        names = dict.fromkeys(row[self._region] for row in self._rows if len(row) == self._width)
        return {name.lower(): name for name in names if _is_name(name)}

    @property
    def instance_types(self) -> Sequence[str]:
        """Every instance type, as spelled in the file."""
        return [rows[0][self._type] for rows in self._by_type.values()]

    def with_gpu(self, key: str, fits: LineTest = any_line) -> Sequence[PriceLine]:
        """Lines with an accelerator, by its `name_key`, that fit."""
        return list(filter(fits, self._lines(self._by_gpu.get(key, ()))))

    def of_type(self, instance_type: str) -> Sequence[PriceLine]:
        """Lines of an instance type, in lower case."""
        return self._lines(self._by_type.get(instance_type, ()))

    def _lines(self, rows: Iterable[Row]) -> list[PriceLine]:
        """One line per instance type and pair of prices, from the rows that keep the rules."""
        places: dict[tuple[str, ...], dict[str, list[str]]] = defaultdict(dict)
        columns = [i for i in range(self._width) if i not in {self._region, self._zone}]
        for row in rows:
            if self.defect(row) is None:
                zones = places[tuple(row[i] for i in columns)].setdefault(row[self._region], [])
                if self._zone is not None and row[self._zone] and row[self._zone] not in zones:
                    zones.append(row[self._zone])
        return [self._line(dict(zip(columns, cells, strict=True)), sites) for cells, sites in places.items()]

    def _line(self, cells: Mapping[int, str], places: Mapping[str, Sequence[str]]) -> PriceLine:
        name = cells[self._gpu]
        return PriceLine(
            instance_type=cells[self._type],
            gpu=name or None,
            gpu_count=parse_quantity(cells[self._count], "AcceleratorCount") if name else None,
            gpu_memory_mib=self._gpu_memory_mib(name, cells[self._info]),
            vcpus=_size(cells[self._column["vCPUs"]]),
            memory_gib=_size(cells[self._column["MemoryGiB"]]),
            on_demand=price_or_none(cells[self._price]),
            spot=price_or_none(cells[self._spot]),
            sites=sites_of(self.cloud, places, {}),
        )

    def _gpu_memory_mib(self, name: str, info: str) -> int | None:
        """Memory of one accelerator: of our table where it is known, else what the cell says if that can be."""
        if (known := accelerator_table().named(name)) is not None:
            return int(known.memory_gib_on(self.cloud) * 1024)
        found = _DEVICE_MEMORY.search(info)
        return int(found[1]) if found and int(found[1]) in _GPU_MEMORY_MIB else None

    def defect(self, row: Row) -> str | None:
        """The rule that a row breaks; None for a good one. A blank or zero price is none: it is unknown."""
        if len(row) != self._width:
            return f"{len(row)} cells under {self._width} columns"
        gpu, count = row[self._gpu], row[self._count]
        if not row[self._type] and not (gpu and self.cloud == "gcp"):  # On GCP a GPU is a row without a machine.
            return "InstanceType is blank"
        if not row[self._region]:
            return "Region is blank"
        if (gpu == "") != (count in _NO_COUNT):
            return "AcceleratorName and AcceleratorCount are not blank together"
        return self._bad_cell(row)

    def _bad_cell(self, row: Row) -> str | None:
        for index in (self._type, self._gpu, self._region, self._zone):
            if index is not None and row[index] and not _is_name(row[index]):
                return f"{row[index][:40]!r} is not a valid name"
        try:
            if row[self._gpu]:
                parse_quantity(row[self._count], "AcceleratorCount")
            price_or_none(row[self._price])
            price_or_none(row[self._spot])
        except (BadCatalogFile, BadQuantity) as exc:
            return str(exc)
        return None

    def defects(self) -> Iterator[str]:
        """What is wrong with every row that breaks a rule, with its number."""
        for number, row in enumerate(self._rows, start=1):
            if (defect := self.defect(row)) is not None:
                yield f"row {number}: {defect}"

    def check(self) -> tuple[int, int]:
        """(rows, rows that break a rule) of a file that is good enough to be used.

        Raises:
            BadCatalogFile: no row, no accelerator with a price, or more than MOST_BROKEN of the rows are broken.
        """
        rows, broken = len(self._rows), list(self.defects())
        if len(broken) > MOST_BROKEN * rows:
            raise BadCatalogFile(f"{self.where}: {len(broken)} of {rows} rows are broken, first {broken[0]}")
        lines = (line for rows in self._by_gpu.values() for line in self._lines(rows))
        if all(line.on_demand is None and line.spot is None for line in lines):
            raise BadCatalogFile(f"{self.where}: no accelerator with a price in {rows} rows")
        return rows, len(broken)


@lru_cache(maxsize=8192)
def _is_name(text: str) -> bool:
    return bool(text.strip()) and text.isprintable() and len(text) <= _LONGEST_NAME and text not in _MISSING


@lru_cache(maxsize=8192)
def price_or_none(cell: str) -> Decimal | None:
    """The price in a cell, to six decimals; None where it is blank or zero, which says that it is not known.

    Raises:
        BadCatalogFile: anything that is not a price.
    """
    if cell in _MISSING:
        return None
    if not _PRICE.fullmatch(cell):
        raise BadCatalogFile(f"price {cell[:40]!r} is not a number")
    price = Decimal(cell.strip())
    if not 0 <= price <= MAX_PRICE_USD_PER_HOUR:
        raise BadCatalogFile(f"price {cell[:40]!r} is not a price")
    rounded = price.quantize(_STEP).normalize()
    return rounded if rounded > 0 else None


def _size(cell: str) -> float | None:
    try:
        return parse_quantity(cell, "size")
    except BadQuantity:
        return None
