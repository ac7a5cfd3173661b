"""The sample catalogs that tests ask: what `fetch-catalog all --recorded` writes, without Parquet.

A copy of its own, because the nightly job replaces those in `catalogs/`. `make catalogs` renews it.
"""

from __future__ import annotations

from pathlib import Path

CATALOGS = Path(__file__).with_name("fixtures") / "catalogs"

CLOUDS = ("yotta", "lambda", "runpod")
"""The clouds that gpu-catalog itself fetches."""
