"""Corruptions of a `vms.csv`: its cells, rows, columns and bytes."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from decimal import Decimal

from gpu_catalog.gpu_info import format_gpu_info
from tests.trust.corruption import (
    Caught,
    Corruption,
    validated_lambda,
    validated_runpod,
    validated_v7,
    validated_yotta,
)

Row = dict[str, str]
Rows = list[Row]
Change = Callable[[bytes], bytes]
Stage = Callable[[Change], Sequence[Caught]]

A10, H100, CPU = "gpu_1x_a10", "gpu_8x_h100_sxm5", "cpu_4x_general"


def rows(change: Callable[[Rows], object]) -> Change:
    """Take the file apart, change the rows in place, put it together again."""

    def changed(content: bytes) -> bytes:
        table = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
        change(table)
        text = io.StringIO()
        writer = csv.DictWriter(text, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
        return text.getvalue().encode()

    return changed


def first(table: Rows, instance_type: str = A10) -> Row:
    """The first row of an instance type."""
    return next(row for row in table if row["InstanceType"] == instance_type)


def cell(column: str, text: str, instance_type: str = A10) -> Change:
    """Another text in one cell."""
    return rows(lambda table: first(table, instance_type).update({column: text}))


def price(edit: Callable[[Decimal], Decimal], instance_type: str = A10) -> Change:
    """Another price in one row."""

    def change(table: Rows) -> None:
        row = first(table, instance_type)
        row["Price"] = f"{edit(Decimal(row['Price'])):f}"

    return rows(change)


def every_price(edit: Callable[[Row], Decimal]) -> Change:
    """Other prices in all rows."""
    return rows(lambda table: [row.update(Price=f"{edit(row):f}") for row in table])


def swapped(one: str, other: str) -> Change:
    """The cells of two columns in each other's place, in every row."""
    return rows(lambda table: [row.update({one: row[other], other: row[one]}) for row in table])


def gpu_info(old: str, new: str, instance_type: str = A10) -> Change:
    """Another text inside one GpuInfo cell."""

    def change(table: Rows) -> None:
        row = first(table, instance_type)
        row["GpuInfo"] = row["GpuInfo"].replace(old, new)

    return rows(change)


def device_memory(mib: int, instance_type: str = H100) -> Change:
    """Another memory of one device, the total to match."""

    def change(table: Rows) -> None:
        row = first(table, instance_type)
        row["GpuInfo"] = format_gpu_info(row["AcceleratorName"], "NVIDIA", float(row["AcceleratorCount"]), mib)

    return rows(change)


def called(name: str, count: str = "1.0") -> Change:
    """Another accelerator name or count, in GpuInfo too."""

    def change(table: Rows) -> None:
        info = format_gpu_info(name, "NVIDIA", float(count), 24576)
        first(table).update(AcceleratorName=name, AcceleratorCount=count, GpuInfo=info)

    return rows(change)


def column(change: Callable[[list[str]], object]) -> Change:
    """Change the cells of every line, the header's too."""

    def changed(content: bytes) -> bytes:
        lines = list(csv.reader(io.StringIO(content.decode(), newline="")))
        for cells in lines:
            change(cells)
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(lines)
        return text.getvalue().encode()

    return changed


def per_gpu(row: Row) -> Decimal:
    """The price of one GPU where that of the instance belongs."""
    return Decimal(row["Price"]) / Decimal(row["AcceleratorCount"] or "1")


def no_zones(row: Row) -> None:
    row["AvailabilityZone"] = ""


def every_third_region_in_lower_case(table: Rows) -> None:
    for row in table[::3]:
        row["Region"] = row["Region"].lower()


PRICES: list[tuple[str, Stage, Change, str]] = [
    ("a price of zero", validated_lambda, cell("Price", "0.0"), "price-range"),
    ("a negative price", validated_lambda, cell("Price", "-1.29"), "price-range"),
    ("no price", validated_lambda, cell("Price", ""), "price-filled"),
    ("a price that is NaN", validated_lambda, cell("Price", "NaN"), "price-number"),
    ("an infinite price", validated_lambda, cell("Price", "Infinity"), "price-number"),
    ("a price of 1e308", validated_lambda, cell("Price", "1e308"), "price-number"),
    ("a price of 1e-300", validated_lambda, cell("Price", "1e-300"), "price-number"),
    ("a price of 12345678", validated_lambda, cell("Price", "12345678.0", CPU), "price-range"),
    ("thousands separators", validated_lambda, cell("Price", "1,234.5"), "price-number"),
    ("a comma as decimal sign", validated_lambda, cell("Price", "1,29"), "price-number"),
    ("a currency sign", validated_lambda, cell("Price", "$1.29"), "price-number"),
    ("a hexadecimal price", validated_lambda, cell("Price", "0x1"), "price-number"),
    ("an underscore in a price", validated_lambda, cell("Price", "1_0.5"), "price-number"),
    ("full-width digits", validated_lambda, cell("Price", "\uff11.\uff12\uff19"), "price-number"),
    ("a leading plus", validated_lambda, cell("Price", "+1.29"), "price-number"),
    ("blanks around a price", validated_lambda, cell("Price", " 1.29 "), "price-number"),
    ("a price of seven decimals", validated_lambda, cell("Price", "1.2900001"), "price-number"),
    ("a text for a price", validated_lambda, cell("Price", "call us"), "price-number"),
    ("cents for dollars", validated_lambda, price(lambda usd: usd * 100), "price-in-band"),
    ("dollars for cents", validated_lambda, price(lambda usd: usd / 100), "price-in-band"),
    ("cents for dollars, without a GPU", validated_lambda, price(lambda usd: usd * 100, CPU), "cpu-price-in-band"),
    ("dollars for cents, without a GPU", validated_lambda, price(lambda usd: usd / 100, CPU), "cpu-price-in-band"),
    ("a price per month", validated_lambda, price(lambda usd: usd * 730), "price-in-band"),
    ("a price per GPU for the instance", validated_lambda, price(lambda usd: usd / 8, H100),
     "price-rises-with-count"),
    ("every price per GPU", validated_lambda, every_price(per_gpu), "price-rises-with-count"),
    ("every price per GPU, all the same", validated_runpod, every_price(per_gpu), "price-rises-with-count"),
    ("a price that falls with the count", validated_lambda, cell("Price", "3.0", "gpu_4x_a100"),
     "price-rises-with-count"),
    ("spot above on-demand", validated_lambda, cell("SpotPrice", "1.3"), "spot-at-most-price"),
    ("a spot price of zero", validated_lambda, cell("SpotPrice", "0.0"), "spot-price-range"),
    ("a spot price that is a text", validated_lambda, cell("SpotPrice", "none"), "spot-price-number"),
    ("a spot price in hundreds of dollars", validated_lambda, cell("SpotPrice", "0.0065"), "spot-price-share"),
]  # fmt: skip

ACCELERATORS: list[tuple[str, Stage, Change, str]] = [
    ("an accelerator called NVIDIA", validated_lambda, called("NVIDIA"), "accelerator-name-specific"),
    ("an accelerator called 80", validated_lambda, called("80"), "accelerator-name-has-letter"),
    ("an accelerator with a Cyrillic A", validated_lambda, called("\u041010"), "accelerator-name"),
    ("an accelerator with a zero-width space", validated_lambda, called("A\u200b10"), "accelerator-name"),
    ("an accelerator with a right-to-left mark", validated_lambda, called("A10\u200f"), "accelerator-name"),
    ("an accelerator that is a pattern", validated_lambda, called("A10.*"), "accelerator-name"),
    ("an unknown accelerator at no plausible price", validated_lambda,
     lambda content: cell("Price", "0.01")(called("A10X")(content)), "price-in-band"),
    ("an accelerator in two spellings", validated_lambda, called("a10"), "one-spelling"),
    ("a count of zero", validated_lambda, cell("AcceleratorCount", "0.0"), "count-range"),
    ("a negative count", validated_lambda, cell("AcceleratorCount", "-1.0"), "count-range"),
    ("a count of one and a half", validated_lambda, called("A10", "1.5"), "count-whole"),
    ("a count of 1000", validated_lambda, called("A10", "1000.0"), "count-range"),
    ("no count", validated_lambda, cell("AcceleratorCount", ""), "count-with-name"),
    ("a count beside no name", validated_lambda, cell("AcceleratorName", ""), "count-with-name"),
    ("a count that is not the name's", validated_yotta,
     cell("AcceleratorCount", "4.0", "2x28v238g_NVIDIA_GeForce_RTX_5090_32G_SECURE"), "gpu-info-count"),
    ("GiB for GB in GpuInfo", validated_lambda, device_memory(87961), "gpu-memory-known"),
    ("GB for MiB in GpuInfo", validated_lambda, device_memory(80), "gpu-memory-range"),
    ("KiB for MiB in GpuInfo", validated_lambda, device_memory(81920 * 1024), "gpu-memory-range"),
    ("the memory of all GPUs for that of one", validated_lambda, device_memory(81920 * 8), "gpu-memory-range"),
    ("the memory of two GPUs for that of one", validated_lambda, device_memory(49152, A10), "gpu-memory-known"),
    ("the memory of one GPU for the total", validated_lambda,
     gpu_info("'TotalGpuMemoryInMiB': 655360", "'TotalGpuMemoryInMiB': 81920", H100), "gpu-info-total"),
    ("GpuInfo of another accelerator", validated_lambda, gpu_info("'A10'", "'A100'"), "gpu-info-name"),
    ("GpuInfo of another count", validated_lambda, gpu_info("'Count': 1", "'Count': 2"), "gpu-info-count"),
    ("GpuInfo that is JSON", validated_lambda, gpu_info("'Manufacturer': 'NVIDIA'", "'Manufacturer': null"),
     "gpu-info-parses"),
    ("GpuInfo that is code", validated_lambda, cell("GpuInfo", "__import__('os').system('id')"), "gpu-info-parses"),
    ("GpuInfo with code inside", validated_lambda, gpu_info("24576", "eval('24576')"), "gpu-info-parses"),
    ("GpuInfo too deep", validated_lambda, cell("GpuInfo", "[" * 500 + "]" * 500), "gpu-info-parses"),
    ("GpuInfo too long", validated_lambda, gpu_info("'NVIDIA'", f"'{'N' * 3000}'"), "gpu-info-parses"),
    ("GpuInfo with a second GPU", validated_lambda,
     gpu_info("}}], ", "}}, {'Name': 'H100', 'Count': 8, 'MemoryInfo': {'SizeInMiB': 81920}}], "),
     "gpu-info-parses"),
    ("GpuInfo with a right-to-left mark", validated_lambda, gpu_info("NVIDIA", "NVIDIA\u202e"), "gpu-info-parses"),
    ("no GpuInfo", validated_lambda, cell("GpuInfo", ""), "gpu-info-with-name"),
]  # fmt: skip

SIZES_AND_PLACES: list[tuple[str, Stage, Change, str]] = [
    ("vCPUs in words", validated_lambda, cell("vCPUs", "30 cores"), "vcpus-number"),
    ("no vCPUs", validated_lambda, cell("vCPUs", "0.0"), "vcpus-range"),
    ("no memory", validated_lambda, cell("MemoryGiB", ""), "memory-filled"),
    ("memory with its unit", validated_lambda, cell("MemoryGiB", "200 GiB"), "memory-number"),
    ("MiB for GiB of memory", validated_lambda, cell("MemoryGiB", "204800.0"), "memory-range"),
    ("MiB for GiB of a small memory", validated_lambda, cell("MemoryGiB", "16384.0", CPU), "memory-per-vcpu"),
    ("memory and vCPUs in each other's place", validated_lambda, swapped("vCPUs", "MemoryGiB"), "memory-per-vcpu"),
    ("one type with two memories", validated_lambda, cell("MemoryGiB", "201.0"), "one-memory-per-type"),
    ("one type with two numbers of vCPUs", validated_lambda, cell("vCPUs", "31.0"), "one-vcpus-per-type"),
    ("one type with two accelerators", validated_lambda, called("L4"), "one-accelerator-per-type"),
    ("an instance type with blanks", validated_lambda, cell("InstanceType", "gpu 1x a10"), "instance-type-name"),
    ("an instance type that is a formula", validated_lambda, cell("InstanceType", "=1+1"), "instance-type-name"),
    ("an instance type that is a command", validated_lambda, cell("InstanceType", "+cmd|' /C calc'!A0"),
     "instance-type-name"),
    ("a region that is a formula", validated_lambda, cell("Region", "@SUM(1,1)"), "region-name"),
    ("an instance type in two spellings", validated_lambda, cell("InstanceType", "GPU_1x_A10"), "one-spelling"),
    ("an instance type outside its cloud's grammar", validated_yotta,
     cell("InstanceType", "RTX_5090", "2x28v238g_NVIDIA_GeForce_RTX_5090_32G_SECURE"), "type-grammar"),
    ("an instance type of another count", validated_runpod,
     lambda content: content.replace(b"\n8x_A40_SECURE,", b"\n6x_A40_COMMUNITY,", 1), "type-says-count"),
    ("an instance type of another size", validated_yotta,
     cell("InstanceType", "2x28v239g_NVIDIA_GeForce_RTX_5090_32G_SECURE",
          "2x28v238g_NVIDIA_GeForce_RTX_5090_32G_SECURE"), "type-says-memory"),
    ("a region called NA", validated_lambda, cell("Region", "NA"), "no-missing-text"),
    ("a region called null", validated_lambda, cell("Region", "null"), "no-missing-text"),
    ("no region", validated_lambda, cell("Region", ""), "region-filled"),
    ("blanks around a region", validated_lambda, cell("Region", " us-east-1"), "region-name"),
    ("a region that leads out of its folder", validated_lambda, cell("Region", "../../etc"), "region-name"),
    ("a region that is an absolute path", validated_lambda, cell("Region", "/etc"), "region-name"),
    ("a region with a backslash", validated_lambda, cell("Region", "us\\east"), "region-name"),
    ("a region on a drive", validated_lambda, cell("Region", "C:"), "region-name"),
    ("a region in two spellings", validated_runpod, rows(every_third_region_in_lower_case), "one-spelling"),
    ("a zone in two regions", validated_runpod, rows(lambda table: table[0].update(Region="ZZ")),
     "zone-in-one-region"),
    ("a row without its zone", validated_runpod, rows(lambda table: no_zones(table[0])), "zone-filled"),
    ("a zone with blanks", validated_runpod, rows(lambda table: table[0].update(AvailabilityZone="zone 1")),
     "zone-name"),
    ("two prices in two zones of a region", validated_runpod, rows(lambda table: table[1].update(Price="0.45")),
     "one-price-per-region"),
    ("an unknown architecture", validated_lambda, cell("Arch", "x64"), "arch"),
]  # fmt: skip

FILES: list[tuple[str, Stage, Change, str]] = [
    ("two columns swapped", validated_lambda, swapped("Price", "SpotPrice"), "price-filled"),
    ("two headings swapped", validated_lambda,
     lambda content: content.replace(b"SpotPrice,Price", b"Price,SpotPrice"),
     "columns"),
    ("a column missing", validated_lambda, column(lambda cells: cells.pop(7)), "columns"),
    ("a column too many", validated_lambda, column(lambda cells: cells.append("Score")), "columns"),
    ("a column renamed", validated_lambda, lambda content: content.replace(b"GiB", b"GB", 1), "columns"),
    ("a column twice", validated_lambda, column(lambda cells: cells.insert(9, cells[8])), "columns"),
    ("a column of the newer schema", validated_v7, column(lambda cells: cells.append("Arch")), "columns"),
    ("no header", validated_lambda, lambda content: content.partition(b"\n")[2], "columns"),
    ("a header and nothing else", validated_lambda,
     lambda content: content.partition(b"\n")[0] + b"\n", "has-rows"),
    ("no accelerator at all", validated_lambda,
     rows(lambda table: table.__setitem__(slice(None), [row for row in table if not row["GpuInfo"]])),
     "has-accelerator"),
    ("an empty file", validated_lambda, lambda content: b"", "not-empty"),
    ("a page of HTML", validated_lambda, lambda content: b"<html>502 Bad Gateway</html>\n", "columns"),
    ("a comment above", validated_lambda, lambda content: b"# do not edit\n" + content, "no-comment"),
    ("a row twice", validated_lambda, rows(lambda table: table.append(dict(table[-1]))), "duplicate-row"),
    ("one key with two prices", validated_lambda, rows(lambda table: table.append(table[-1] | {"Price": "6.33"})),
     "contradictory-offer"),
    ("CRLF", validated_lambda, lambda content: content.replace(b"\n", b"\r\n"), "line-endings"),
    ("CR alone", validated_lambda, lambda content: content.replace(b"\n", b"\r", 20), "line-endings"),
    ("a byte order mark", validated_lambda, lambda content: b"\xef\xbb\xbf" + content, "no-byte-order-mark"),
    ("UTF-16", validated_lambda, lambda content: content.decode().encode("utf-16"), "utf-8"),
    ("Latin-1", validated_lambda, lambda content: content.replace(b"us-east-1", b"us-\xe9st-1"), "utf-8"),
    ("a NUL byte", validated_lambda,
     lambda content: content.replace(b"us-east-1", b"us-east\0-1", 1), "region-name"),
    ("no newline at the end", validated_lambda, lambda content: content[:-1], "newline-at-end"),
    ("cut off in a row", validated_lambda, lambda content: content[:-20], "newline-at-end"),
    ("a row cut off", validated_lambda, lambda content: content[:-20] + b"\n", "row-length"),
    ("a row with a cell too many", validated_lambda, lambda content: content[:-1] + b",1\n", "row-length"),
    ("an empty line", validated_lambda, lambda content: content + b"\n", "row-length"),
    ("a quote that does not end", validated_lambda, lambda content: content + b'"\n', "parses"),
    ("a line break in a cell", validated_lambda, cell("Region", "us-\neast-1"), "one-line-rows"),
]  # fmt: skip

CORRUPT_CATALOGS = [
    Corruption(name, stage, change, rule)
    for name, stage, change, rule in (*PRICES, *ACCELERATORS, *SIZES_AND_PLACES, *FILES)
]
