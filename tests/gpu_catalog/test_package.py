"""The package as a whole: light to import, one base for its errors, and what it says it exports."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gpu_catalog
from gpu_catalog import errors
from tests.samples import CATALOGS

PACKAGE = Path(gpu_catalog.__file__).parent
HEAVY = {
    "pandas",
    "numpy",
    "pyarrow",
    "great_expectations",
    "boto3",
    "requests",
    "click",
    "yaml",
    "rich",
    "urllib3",
}
OURS = {"schemas", "fetchers", "publisher"}
MAX_MODULES = 80


def loaded_by(statement: str) -> set[str]:
    """Modules that a statement adds to those that Python starts with."""
    program = (
        f"import sys, json; before = set(sys.modules); {statement}; "
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(answer.stdout))


EVERYTHING = "import gpu_catalog; [getattr(gpu_catalog, name) for name in gpu_catalog.__all__]"


def test_the_package_loads_nothing_heavy() -> None:
    loaded = loaded_by(EVERYTHING)
    assert "gpu_catalog.reading" in loaded
    assert {name.partition(".")[0] for name in loaded} & (HEAVY | OURS) == set()


def test_importing_the_package_loads_only_its_errors() -> None:
    def ours(statement: str) -> set[str]:
        return {name for name in loaded_by(statement) if name.startswith("gpu_catalog.")}

    assert ours("import gpu_catalog") == {"gpu_catalog.errors"}
    assert ours("import gpu_catalog.cvl") == {"gpu_catalog.errors", "gpu_catalog.cvl"}


@pytest.mark.parametrize("name", ["Catalog", "estimate_cost"])
def test_a_lookup_loads_few_modules(name: str) -> None:
    loaded = loaded_by(f"from gpu_catalog import {name}")
    assert f"gpu_catalog.{ {'Catalog': 'catalog'}.get(name, 'estimate') }" in loaded
    assert len(loaded) < MAX_MODULES, sorted(loaded)


def test_a_name_that_the_package_does_not_have() -> None:
    with pytest.raises(AttributeError, match="module 'gpu_catalog' has no attribute 'Katalog'"):
        gpu_catalog.Katalog  # noqa: B018
    assert set(gpu_catalog.__all__) <= set(dir(gpu_catalog))


def test_no_module_imports_the_other_halves() -> None:
    imported = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path.name}: relative import"
                imported.add((node.module or "").partition(".")[0])
    assert "gpu_catalog" in imported
    assert imported & OURS == set()


def test_what_is_exported_is_there_and_sorted() -> None:
    assert all(hasattr(gpu_catalog, name) for name in gpu_catalog.__all__)
    assert len(set(gpu_catalog.__all__)) == len(gpu_catalog.__all__)
    assert re.fullmatch(r"\d+\.\d+\.\d+([a-z]+\d+)?", gpu_catalog.__version__)


def test_all_errors_have_one_base_that_is_a_value_error() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]

    assert len(kinds) > 5
    assert all(issubclass(kind, gpu_catalog.GpuCatalogError) for kind in kinds)
    assert issubclass(gpu_catalog.GpuCatalogError, ValueError)
    assert {kind.__name__ for kind in kinds} <= set(gpu_catalog.__all__)


def test_typing_and_data_ship_with_the_package() -> None:
    assert (PACKAGE / "py.typed").is_file()
    assert (PACKAGE / "accelerators.csv").is_file()


def test_a_cold_lookup_loads_nothing_heavy_and_touches_hundreds_of_objects() -> None:
    program = (
        "import sys; from gpu_catalog import Catalog; catalog = Catalog.load(sys.argv[1]); "
        "best = catalog.cheapest('H100', 8); "
        "print(best.cloud, sum(len(c.offers) for c in catalog.clouds.values()), "
        f"*sorted({HEAVY!r} & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, str(CATALOGS)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    cloud, offers, *heavy = answer.stdout.split()
    assert (cloud, heavy) == ("runpod", [])
    assert int(offers) < 500


def test_a_cold_estimate_loads_nothing_heavy() -> None:
    catalogs = str(CATALOGS)
    asked = f"assert estimate_cost('A100:1', catalog_dir={catalogs!r}).found"
    loaded = loaded_by(f"from gpu_catalog import estimate_cost; {asked}")
    assert {name.partition(".")[0] for name in loaded} & (HEAVY | OURS) == set()
