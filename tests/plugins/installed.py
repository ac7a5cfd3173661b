"""Packages as pip leaves them: a module and its metadata, in a folder of the import path."""

from __future__ import annotations

from pathlib import Path

FETCHER = """
from decimal import Decimal
from gpu_catalog import Offering, Skipped

class Fetcher:
    name = "{name}"
    display_name = "{name} of a test"
    base_urls = {{}}
    credentials = None
    min_interval_seconds = 0.0
    has_zones = False
    has_spot = False
    instance_type_pattern = "[a-z0-9-]+"
    recorded = None
    def fetch(self, session):
{body}

def offering(**changes):
    facts = dict(cloud="{name}", instance_type="a-1", region="r-1", vcpus=8.0, memory_gib=32.0,
                 price_usd_per_hour=Decimal("1.5"), accelerator_name="A100", accelerator_count=1.0,
                 accelerator_vendor="NVIDIA", gpu_memory_mib=40960, source="a test",
                 observed_at="2026-11-20T00:00:00Z")
    return Offering(**(facts | changes))
"""
"""A fetcher without an API; `body` are the lines of its `fetch`."""

GOOD = "        yield offering()"


def install(place: Path, package: str, names: dict[str, str], code: str) -> None:
    """Put a package into a folder: `names` are its entry points, name = object."""
    module = package.replace("-", "_")
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{module}.py").write_text(code, encoding="utf-8")
    metadata = place / f"{module}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
    lines = [f"{name} = {module}:{target}" for name, target in names.items()]
    text = "\n".join(["[gpu_catalog.fetchers]", *lines])
    (metadata / "entry_points.txt").write_text(text + "\n", encoding="utf-8")


def fetcher(name: str, body: str = GOOD) -> str:
    """The code of a module with a fetcher."""
    return FETCHER.format(name=name, body=body)
