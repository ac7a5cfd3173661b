"""The rules of the published catalogs: columns, conversion, writers, validation, acceptance.

Importing this package is cheap; pandas, pyarrow and Great Expectations are imported by the functions that use them.
"""

from __future__ import annotations

from schemas.acceptance import Accepted, accept
from schemas.columns import COLUMNS, NEWEST, SCHEMA_VERSIONS, Column, column_names
from schemas.conversion import convert
from schemas.errors import MissingExtra, RefusedFetch, SchemaError
from schemas.hand_written import HandWritten, read_hand_written
from schemas.images import validate_images
from schemas.limits import Limits, default_limits
from schemas.parquet import read_parquet, vms_parquet
from schemas.report import Finding, Report
from schemas.validation import preload, validate_catalog
from schemas.writers import common_accelerators_csv, common_metadata_csv, offers_jsonl, vms_csv

__all__ = [
    "COLUMNS",
    "NEWEST",
    "SCHEMA_VERSIONS",
    "Accepted",
    "Column",
    "Finding",
    "HandWritten",
    "Limits",
    "MissingExtra",
    "RefusedFetch",
    "Report",
    "SchemaError",
    "accept",
    "column_names",
    "common_accelerators_csv",
    "common_metadata_csv",
    "convert",
    "default_limits",
    "offers_jsonl",
    "preload",
    "read_hand_written",
    "read_parquet",
    "validate_catalog",
    "validate_images",
    "vms_csv",
    "vms_parquet",
]
