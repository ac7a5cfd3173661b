"""Digests of what `fetch-catalog all --recorded` writes; `python -m tests.golden` renews them from `catalogs/`.

CSV and JSON Lines only: the bytes of Parquet differ between versions of the library that writes it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

DIGESTS = Path(__file__).with_name("sha256.txt")


def digest_lines(catalogs: Path) -> list[str]:
    """`<sha256>  <path>` for each CSV and JSON Lines file below the folder, sorted by path."""
    files = sorted(file for suffix in ("csv", "jsonl") for file in catalogs.rglob(f"*.{suffix}"))
    return [f"{hashlib.sha256(f.read_bytes()).hexdigest()}  {f.relative_to(catalogs).as_posix()}" for f in files]
