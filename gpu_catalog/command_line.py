"""What the commands of `gpu-catalog` have in common: options, errors, and where an answer comes from.

Errors become exit codes here and in the commands (`*cli.py`), and nowhere else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

import click

from gpu_catalog.catalog import Catalog
from gpu_catalog.errors import GpuCatalogError
from gpu_catalog.texts import printable

root_option = click.option("--root", metavar="PLACE", help="Folder or URL (default: GPU_CATALOG_ROOT, the synced "
                           "cache, the bundled copy).")  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")


@contextmanager
def told_errors(as_json: bool = False) -> Iterator[None]:
    """One line on standard error, or a JSON object on standard output; exit code 1."""
    try:
        yield
    except GpuCatalogError as exc:
        if as_json:
            click.echo(json.dumps({"exit_code": 1, "error": str(exc)}))
        else:
            click.echo(f"Error: {printable(str(exc))}", err=True)
        sys.exit(1)


def print_json(document: object) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(document, indent=1, allow_nan=False))


def float_or_none(price: Any) -> float | None:
    """A price as JSON has it."""
    return None if price is None else float(price)


def about(catalog: Catalog) -> dict[str, Any]:
    """Where the answer comes from and how old it is."""
    manifest = catalog.manifest
    return {
        "root": str(catalog.root),
        "publication": manifest.id if manifest else None,
        "kind": manifest.kind if manifest else None,
        "observed_at": manifest.observed_at if manifest else None,
        "problem": catalog.problem,
    }


def footer(catalog: Catalog) -> str:
    """The same for people, in a line."""
    manifest = catalog.manifest
    if manifest is None:
        return f"prices from {printable(str(catalog.root))}: no manifest, so their age is unknown"
    sample = "; sample data, not today's prices" if manifest.kind == "sample" else ""
    kept = f"; not refreshed: {printable(catalog.problem)}" if catalog.problem else ""
    return f"prices observed up to {printable(manifest.observed_at)} ({_age(manifest.observed_at)}){sample}{kept}"


def _age(observed_at: str) -> str:
    try:
        then = datetime.fromisoformat(observed_at.replace("Z", "+00:00"))
        days = (datetime.now(timezone.utc) - then).days
    except (ValueError, TypeError):
        return "age unknown"
    return "today" if days < 1 else "1 day ago" if days == 1 else f"{days} days ago"
