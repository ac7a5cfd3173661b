"""What clouds are called."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gpu_catalog
from gpu_catalog.cloud_names import cloud_named, display_name, known_clouds, why_no_prices
from tests.gpu_catalog.hostile import texts

with (Path(gpu_catalog.__file__).parent / "clouds.csv").open(encoding="utf-8", newline="") as file:
    TABLE = list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("aws", "aws"), ("AWS", "aws"), ("EC2", "aws"), (" Amazon ", "aws"), ("Lambda", "lambda"),
        ("Lambda Labs", "lambda"), ("lambda_labs", "lambda"), ("LAMBDA-CLOUD", "lambda"), ("LambdaLabs", "lambda"),
        ("Google Cloud", "gcp"), ("gce", "gcp"), ("RunPod", "runpod"), ("run_pod", "runpod"), ("Vast.ai", "vast"),
        ("Oracle", "oci"), ("Microsoft Azure", "azure"), ("DigitalOcean", "do"), ("Digital Ocean", "do"),
        ("DataCrunch", "verda"), ("K8s", "kubernetes"), ("Yotta Labs", "yotta"),
        ("some Other_cloud", "some-other-cloud"), ("", ""), ("aw", "aw"), ("awss", "awss"),
    ],
)  # fmt: skip
def test_people_may_write_a_cloud_in_many_ways(written: str, name: str) -> None:
    assert cloud_named(written) == name


@pytest.mark.parametrize("written", ["Lambda  Labs", "lambda\tlabs", "Google  Cloud", "Jarvis Labs", "Fluid_Stack"])
def test_blanks_do_not_matter_however_many_there_are(written: str) -> None:
    assert cloud_named(written) in {row["name"] for row in TABLE}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["name"])
def test_every_row_is_found_by_its_names_and_shown_by_its_display_name(row: dict[str, str]) -> None:
    for written in (row["name"], *filter(None, row["aliases"].split(";"))):
        for form in (written, written.upper(), written.title(), f" {written} ", written.replace("-", "_")):
            assert cloud_named(form) == row["name"]
        assert display_name(written) == display_name(written.upper()) == row["display_name"]
        assert why_no_prices(written) == (row["no_prices"] or None)


def test_no_name_or_alias_means_two_clouds() -> None:
    names = [name for row in TABLE for name in (row["name"], *filter(None, row["aliases"].split(";")))]

    assert len(names) == len(set(names))
    assert known_clouds() == [row["name"] for row in TABLE]
    assert all(name == name.strip().lower() for name in names)


@pytest.mark.parametrize(("name", "shown"), [("aws", "AWS"), ("gcp", "GCP"), ("azure", "Azure"),
                                             ("lambda", "Lambda"), ("runpod", "RunPod"), ("yotta", "Yotta"),
                                             ("oci", "OCI"), ("NewCloud", "NewCloud"), ("", "")])  # fmt: skip
def test_clouds_are_shown_as_skypilot_writes_them_and_unknown_ones_as_they_are(name: str, shown: str) -> None:
    assert display_name(name) == shown


@pytest.mark.parametrize(("name", "said"), [("modal", "bills by the second"), ("cerebrium", "bills by the second"),
                                            ("kubernetes", "already paid"), ("ssh", "already paid"),
                                            ("slurm", "already paid"), ("local", "already paid")])  # fmt: skip
def test_places_without_hourly_prices_say_why(name: str, said: str) -> None:
    assert said in (why_no_prices(name) or "")


def test_clouds_and_unknown_names_may_have_prices() -> None:
    assert [why_no_prices(name) for name in ("aws", "gcp", "vast", "unheard-of", "")] == [None] * 5


@given(texts | st.sampled_from(known_clouds()))
def test_any_text_is_folded_once_and_for_all(text: str) -> None:
    name = cloud_named(text)

    assert name == name.lower() == cloud_named(name) == cloud_named(text.upper().lower())
    assert isinstance(display_name(text), str)
    assert why_no_prices(name) is None or name in known_clouds()
