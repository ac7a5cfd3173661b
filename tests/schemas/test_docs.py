from __future__ import annotations

from dataclasses import fields

from gpu_catalog.offering import Offering
from schemas.docs import SCHEMA_PAGE, schema_page


def test_the_page_is_what_the_code_says() -> None:
    assert SCHEMA_PAGE.read_text("utf-8") == schema_page(), "run `python -m schemas.docs`"


def test_every_field_of_an_offering_is_described() -> None:
    page = schema_page()

    for field in fields(Offering):
        assert f"| `{field.name}` |" in page
