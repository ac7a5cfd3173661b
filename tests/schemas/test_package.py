from __future__ import annotations

import subprocess
import sys

import pytest

import schemas
from schemas import MissingExtra, validate_catalog, vms_csv, vms_parquet
from tests.schemas.examples import H100


def test_importing_schemas_is_cheap() -> None:
    heavy = "{'pandas', 'pyarrow', 'great_expectations', 'requests'}"
    code = f"import sys, schemas; sys.exit(str({heavy} & set(sys.modules)) if {heavy} & set(sys.modules) else 0)"

    subprocess.run([sys.executable, "-c", code], check=True)


def test_all_public_names_exist() -> None:
    assert all(hasattr(schemas, name) for name in schemas.__all__)


def test_a_missing_library_is_one_line_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(
        MissingExtra, match=r"validation needs (pandas|great_expectations): pip install 'gpu-catalog\[fetch\]'"
    ):
        validate_catalog(vms_csv([H100], "v8"), "somecloud", "v8")
    with pytest.raises(MissingExtra, match="writing Parquet needs pyarrow"):
        vms_parquet([H100])
