"""SkyPilot's own `vms.csv` files (AWS, GCP, Azure, OCI and the rest), read as they are.

Prices and sizes may be blank, columns in any order, GpuInfo in many forms.

Our strict reader is for what we publish. Here a row that breaks a rule becomes no line, and `check` says how many
do. Only the rows that are asked for are taken apart: such files have tens of thousands of them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cached_property, lru_cache

from gpu_catalog.accelerators import accelerator_table, is_tpu, name_key
from gpu_catalog.csv_text import CsvText, Row
from gpu_catalog.errors import BadCatalogFile, BadQuantity
from gpu_catalog.numbers import MAX_PRICE_USD_PER_HOUR, PRICE_DECIMALS, parse_quantity
from gpu_catalog.prices import LineTest, PriceLine, any_line, sites_of

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


class SkyPilotRows:
    """The rows of one file, by accelerator and by instance type."""

    def __init__(self, text: str, cloud: str, where: str = "vms.csv") -> None:
        """Read the text of a `vms.csv`; `where` names it in messages.

        Raises:
            BadCatalogFile: no CSV, empty, or a column is missing or there twice.
        """
        self.cloud, self.where = cloud, where
        self._csv = CsvText(text.removeprefix("\ufeff"), where)
        self._width = len(self._csv.header)
        self._column = {name: index for index, name in enumerate(self._csv.header)}
        self._type, self._gpu = self._column["InstanceType"], self._column["AcceleratorName"]
        self._count, self._info = self._column["AcceleratorCount"], self._column["GpuInfo"]
        self._region, self._zone = self._column["Region"], self._column.get("AvailabilityZone")
        self._price, self._spot = self._column["Price"], self._column["SpotPrice"]

    @cached_property
    def _spellings(self) -> Mapping[str, Mapping[str, Sequence[int]]]:
        """Places of the rows of every accelerator, by its `name_key` and by how it is spelled; no TPUs."""
        keys: dict[str, dict[str, Sequence[int]]] = defaultdict(dict)
        for name, places in self._csv.places(self._gpu).items():
            if _is_name(name) and not is_tpu(name):
                keys[name_key(name)][name] = places
        return keys

    @cached_property
    def _places_by_type(self) -> Mapping[str, Sequence[int]]:
        """Places of the rows of every instance type, in lower case."""
        types: dict[str, list[int]] = defaultdict(list)
        for name, places in self._csv.places(self._type).items():
            types[name.lower()] += places
        return types

    def _rows_by_type(self, types: Iterable[str]) -> Mapping[str, Sequence[Row]]:
        """The whole rows of instance types, both in lower case and in the order of the file; no TPUs."""
        places = sorted(place for name in types for place in self._places_by_type.get(name, ()))
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self._csv.at(places):
            if len(row) == self._width and not is_tpu(row[self._gpu]):
                found[row[self._type].lower()].append(row)
        return found

    @cached_property
    def gpu_names(self) -> Mapping[str, str]:
        """The file's spelling of every accelerator, by `name_key`; TPUs are left out."""
        return {key: next(iter(names)) for key, names in self._spellings.items()}

    @cached_property
    def regions(self) -> Mapping[str, str]:
        """The file's spelling of every region, by its name in lower case."""
        names = dict.fromkeys(row[self._region] for row in self._csv.rows if len(row) == self._width)
        return {name.lower(): name for name in names if _is_name(name)}

    @cached_property
    def instance_types(self) -> Sequence[str]:
        """Every instance type, as spelled in the file."""
        return [rows[0][self._type] for rows in self._rows_by_type(self._places_by_type).values()]

    def with_gpu(self, key: str, fits: LineTest = any_line) -> Sequence[PriceLine]:
        """Lines with an accelerator, by its `name_key`, that fit."""
        places = (place for places in self._spellings.get(key, {}).values() for place in places)
        return list(filter(fits, self._lines(self._csv.at(places))))

    def of_type(self, instance_type: str) -> Sequence[PriceLine]:
        """Lines of an instance type, in lower case."""
        return self._lines(self._rows_by_type([instance_type]).get(instance_type, ()))

    def of_types_with(self, prefixes: tuple[str, ...]) -> Iterator[PriceLine]:
        """Lines of the instance types that begin so, in lower case, type by type."""
        types = [name for name in self._places_by_type if name.startswith(prefixes)]
        for rows in self._rows_by_type(types).values():
            yield from self._lines(rows)

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
        for number, row in enumerate(self._csv.rows, start=1):
            if (defect := self.defect(row)) is not None:
                yield f"row {number}: {defect}"

    def check(self) -> tuple[int, int]:
        """(rows, rows that break a rule) of a file that is good enough to be used.

        Raises:
            BadCatalogFile: no row, no accelerator with a price, or more than MOST_BROKEN of the rows are broken.
        """
        rows, broken = len(self._csv.rows), list(self.defects())
        if len(broken) > MOST_BROKEN * rows:
            raise BadCatalogFile(f"{self.where}: {len(broken)} of {rows} rows are broken, first {broken[0]}")
        lines = (line for key in self._spellings for line in self.with_gpu(key))
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
