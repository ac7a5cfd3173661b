"""How the commands of `publish-catalog` end when something is wrong."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from gpu_catalog.texts import printable
from publisher.errors import PublishError


@contextmanager
def told_in_one_line(*, as_json: bool) -> Iterator[None]:
    """One line on standard error, or a JSON object on standard output; exit code 1."""
    from schemas.errors import SchemaError  # Its package takes half of the time in which `--help` has to answer.

    try:
        yield
    except (PublishError, SchemaError, OSError) as exc:
        if as_json:
            click.echo(json.dumps({"exit_code": 1, "error": str(exc)}))
        else:
            click.echo(f"Error: {printable(str(exc))}", err=True)
        sys.exit(1)
