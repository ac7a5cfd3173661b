"""Inputs that were findings once, by target and by what they showed; a target tries its own first, every time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fuzz.answers import Change
from tests.fuzz.mutation import Edit

_HUGE = b"1e999999999999999999999\n"
_GPU_INFO = (
    "{'Gpus': [{'Name': 'H100', 'Manufacturer': '\x0eVIDIA', 'Count': 8, 'MemoryInfo': {'SizeInMiB': 81920}}], "
    "'TotalGpuMemoryInMiB': 655360}"
)
_LITTLE_MEMORY = (
    "{'Gpus': [{'Name': 'L4', 'Count': 0.125, 'MemoryInfo': {'SizeInMiB': 2}}], 'TotalGpuMemoryInMiB': 24576}"
)

FOUND: Mapping[str, Mapping[str, Any]] = {
    "CVL's configuration": {
        "what is no platform was printed as it is": {"platform": "\n", "gpu": "A100:1"},
        "what is no runner was printed as it is": {"runner": "\n", "gpu": "A100:1"},
    },
    "GpuInfo": {
        "a control character was read, and could not be read again once written": _GPU_INFO,
        "a share of little memory was written as a total of 0": _LITTLE_MEMORY,
        "a count was written with an exponent": _GPU_INFO.replace("8,", "0.00000018,").replace("\x0e", "N"),
    },
    "answers: yotta": {
        "a text that was cut ended in a blank": (Change(1, (Edit(("data", 0, "region"), "copy", ()),)),),
    },
    "config.toml": {"a number out of Decimal's range raised InvalidOperation": b"max_age_days = " + _HUGE},
    "vms.csv by hand": {
        "a header of very many columns took quadratic time": b"Price,SRegion," * 20_000,
        "a row without a price was skipped under a name that cannot be printed": (
            b"InstanceType,Region,vCPUs,MemoryGiB,Price\na,r,1,1,1\n\x00,r,1,1,\n"
        ),
    },
    "recorded index": {"endless nesting raised RecursionError": b'{"a":' * 20_000},
    "overrides.toml": {
        "the same of a discount": b"[aws]\ndiscount_percent = " + _HUGE,
        "a name of very many parts took quadratic time": b"[aws" + 60_000 * b".rs" + b"]\n",
        "a name that is told twice was told at any length": 2 * (b"[" + 2_000 * b"a" + b"]\n"),
    },
}
