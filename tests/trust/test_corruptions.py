"""Every corruption is caught by the rule that is there for it, and nothing of it is published or read."""

from __future__ import annotations

import pytest

from schemas import validate_catalog
from tests.trust.corruption import good_csv
from tests.trust.corruptions import ALL, CORRUPTIONS


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_caught_by_its_rule(name: str) -> None:
    assert CORRUPTIONS[name].is_caught(), [
        f"{caught.by}: {caught.saying}"[:300] for caught in CORRUPTIONS[name].stage(CORRUPTIONS[name].change)
    ]


@pytest.mark.parametrize(
    ("cloud", "version"), [("lambda", "v8"), ("lambda", "v7"), ("runpod", "v8"), ("yotta", "v8")]
)
def test_what_is_corrupted_was_good(cloud: str, version: str) -> None:
    assert validate_catalog(good_csv(cloud, version), cloud, version).ok


def test_no_two_corruptions_have_one_name() -> None:
    assert len(CORRUPTIONS) == len(ALL) >= 60
