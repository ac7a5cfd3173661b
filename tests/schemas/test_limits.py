from __future__ import annotations

from dataclasses import fields

from gpu_catalog.offering import Skipped
from schemas import Limits, default_limits
from tests.schemas.examples import h100s, skip


def exceeded(kept: int, *skipped: Skipped) -> list[str]:
    """What the default limits say about so many good offerings, each a listing of its own, and what was skipped."""
    return default_limits().exceeded_by(h100s(kept), skipped)


def test_one_broken_listing_is_always_within_the_limits() -> None:
    assert exceeded(1, skip("gpu 1", rows=50, accelerator="B300")) == []


def test_the_share_of_broken_listings() -> None:
    assert exceeded(1, skip("gpu 1", rows=0), skip("gpu 2", rows=0)) == ["2 of 3 listings"]
    assert exceeded(38, skip("gpu 1"), skip("gpu 2")) == []
    assert exceeded(37, skip("gpu 1"), skip("gpu 2")) == ["2 of 39 listings", "2 of 39 rows"]


def test_the_share_of_broken_rows() -> None:
    assert exceeded(60, skip("gpu 1", rows=1), skip("gpu 2", rows=2)) == []
    assert exceeded(60, skip("gpu 1", rows=5), skip("gpu 2", rows=5)) == ["10 of 70 rows"]


def test_the_share_of_lost_accelerators() -> None:
    a100, b200 = skip("gpu 1", accelerator="A100"), skip("gpu 2", accelerator="B200")

    assert exceeded(60, a100, b200) == ["2 of 3 accelerators"]
    assert exceeded(60, a100, skip("gpu 2", accelerator="H100")) == [], "H100 is still there, and one may vanish"


def test_what_the_cloud_does_not_offer_is_not_broken() -> None:
    assert exceeded(1, *[skip(f"gpu {n}", broken=False) for n in range(50)]) == []


def test_every_limit_has_a_figure_in_the_file() -> None:
    limits = default_limits()

    assert all(getattr(limits, field.name) > 0 for field in fields(Limits))
