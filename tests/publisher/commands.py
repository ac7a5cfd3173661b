"""Running the commands in process, and comparing folders."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from click.testing import CliRunner, Result

from publisher.cli import fetch_catalog, publish_catalog


def fetch(*arguments: str | Path, env: Mapping[str, str] | None = None) -> Result:
    """`fetch-catalog ARGUMENTS`; an exception that is not an exit fails the test."""
    return CliRunner().invoke(
        fetch_catalog, [str(a) for a in arguments], env=dict(env or {}), catch_exceptions=False
    )


def publish(*arguments: str | Path) -> Result:
    """`publish-catalog ARGUMENTS`."""
    return CliRunner().invoke(publish_catalog, [str(a) for a in arguments], catch_exceptions=False)


def digests(folder: Path) -> dict[str, str]:
    """sha256 by path of everything in a folder but the lock."""
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != ".lock"
    }


def reasons(result: Result) -> dict[str, str]:
    """By cloud, the line of standard error that says why it failed."""
    lines = [line for line in result.stderr.splitlines() if "GET /" not in line and "POST /" not in line]
    return {line.partition(": ")[0]: line.partition(": ")[2] for line in lines if "; " in line}
