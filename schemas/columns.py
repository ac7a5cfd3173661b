"""The columns of `vms.csv` in each schema version: the one place that names and orders them."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.errors import SchemaError

SCHEMA_VERSIONS = ("v7", "v8")
"""Versions that we publish, oldest first: v7 is read by SkyPilot 0.10.0 to 0.10.3.post2, v8 by all later ones."""

NEWEST = SCHEMA_VERSIONS[-1]

ZONE_COLUMN = "AvailabilityZone"
"""Left out where a cloud has no zones: a blank one makes SkyPilot drop every row."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `vms.csv`."""

    name: str
    """Heading, as SkyPilot selects it."""

    kind: str
    """`text` or `number`; every number is a plain decimal with a digit after the point."""

    unit: str
    """Unit and scope of a number; empty for text."""

    meaning: str
    """What a cell says."""

    blank: str
    """What a blank cell says, or that it must not be blank."""

    since: str = SCHEMA_VERSIONS[0]
    """First schema version that has it."""


COLUMNS = (
    Column("InstanceType", "text", "", "Exactly what the cloud's launch API wants.", "not allowed"),
    Column("AcceleratorName", "text", "", "Canonical name of the accelerator.", "a CPU instance"),
    Column("AcceleratorCount", "number", "devices in the instance", "How many accelerators.", "a CPU instance"),
    Column("vCPUs", "number", "virtual CPUs of the instance", "CPU size.", "not allowed"),
    Column("MemoryGiB", "number", "GiB of the instance", "Main memory.", "not allowed"),
    Column(
        "GpuInfo",
        "text",
        "",
        "Python literal `{'Gpus': [{'Name', 'Manufacturer', 'Count', 'MemoryInfo': {'SizeInMiB'}}], "
        "'TotalGpuMemoryInMiB'}`; SizeInMiB is the memory of one device, the total is that of all.",
        "a CPU instance",
    ),
    Column("Region", "text", "", "Region as the cloud spells it.", "not allowed"),
    Column("SpotPrice", "number", "USD per hour, whole instance", "Spot price.", "no spot, or not known"),
    Column("Price", "number", "USD per hour, whole instance", "On-demand price.", "not allowed"),
    Column(
        ZONE_COLUMN, "text", "", "Zone; the column is left out for clouds without zones.", "not allowed"
    ),
    Column("Arch", "text", "", "CPU architecture, `x86_64` or `arm64`.", "the cloud does not say", since="v8"),
)  # fmt: skip
"""All columns in the order of the file."""


def versions_until(version: str) -> tuple[str, ...]:
    """All schema versions up to and including this one, oldest first: each adds to what the ones before it have.

    Raises:
        SchemaError: no such schema version.
    """
    if version not in SCHEMA_VERSIONS:
        raise SchemaError(f"schema version {version!r} is none of {', '.join(SCHEMA_VERSIONS)}")
    return SCHEMA_VERSIONS[: SCHEMA_VERSIONS.index(version) + 1]


def column_names(version: str, has_zones: bool) -> tuple[str, ...]:
    """Names of the columns of a `vms.csv`, in order.

    Raises:
        SchemaError: no such schema version.
    """
    versions = versions_until(version)
    return tuple(
        column.name for column in COLUMNS if column.since in versions and (has_zones or column.name != ZONE_COLUMN)
    )
