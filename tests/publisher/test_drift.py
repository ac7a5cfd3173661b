"""The drift gate: what is accepted and what is held back."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher import drift
from publisher.drift import merged
from publisher.drift_limits import default_limits
from schemas.writers import row_order
from tests.publisher.markets import STEADY, Market, cloud, gpu, judge, markets, plain, times, with_h100
from tests.schemas.examples import CPU
from tests.strategies import fetched

# What is compared, and with what


@pytest.mark.parametrize("before", [None, []], ids=["none", "empty"])
def test_without_a_baseline_everything_is_accepted(before: Market | None) -> None:
    same_price = [gpu(f"t{n}", "900000") for n in range(5)]

    assert plain(judge(before, same_price))
    assert plain(judge(before, []))


def test_a_fetch_with_nothing_left_is_refused_whoever_says_what() -> None:
    first = judge(cloud(2), [])
    limits = replace(default_limits(), lost_types_at_least=100)

    assert (first.verdict, first.proposal) == ("refused", None)
    assert first.reason == "none of 2 instance types is left"
    assert judge(cloud(2), [], accept_reason="they closed", limits=limits) == first


@pytest.mark.parametrize(
    ("types", "lost", "verdict"),
    [
        (15, 3, "accepted"), (14, 3, "kept"),  # 20 %, 21.4 %
        (20, 4, "accepted"), (20, 5, "kept"),
        (3, 2, "accepted"), (4, 3, "kept"),  # two of three are a large share, but two
    ],
)  # fmt: skip
def test_lost_instance_types(types: int, lost: int, verdict: str) -> None:
    decision = judge(cloud(types), cloud(types)[lost:])

    assert decision.verdict == verdict
    if verdict == "kept":
        assert f"{lost} of {types} instance types are lost, t0 first" in (decision.reason or "")
        assert decision.proposal
    else:
        assert plain(decision)


def test_new_types_do_not_make_up_for_lost_ones_and_cpu_types_count() -> None:
    cpus = [replace(CPU, instance_type=f"cpu{n}") for n in range(3)]

    assert judge([*cpus, *cloud(9)], [*cloud(9), gpu("new", "3"), gpu("newer", "4")]).verdict == "kept"
    assert plain(judge([*cpus[:2], *cloud(9)], cloud(9)))


@pytest.mark.parametrize(("lost", "verdict"), [(4, "accepted"), (5, "kept"), (9, "kept")])
def test_lost_rows_without_a_lost_type(lost: int, verdict: str) -> None:
    """Of ten sites; new names of those that stay make nothing worse."""
    before = [replace(row, region=f"r{n}") for n in range(10) for row in cloud(3)]
    now = [replace(row, region=f"r{n}") for n in range(10 - lost) for row in cloud(3)]
    decision = judge(before, now)

    assert decision.verdict == verdict
    assert plain(judge(before, [replace(row, region=f"new-{row.region}") for row in before]))
    assert judge(before, now, limits=replace(default_limits(), lost_rows_share=Fraction(1))).verdict == "accepted"
    if verdict == "kept":
        assert f"{lost * 3} of 30 rows are lost" in (decision.reason or "")
        assert judge(before, now, held_back=decision.proposal).verdict == "accepted", "came back unchanged"


@pytest.mark.parametrize(("types", "kept"), [(2, []), (3, ["H100"])])
def test_an_accelerator_that_vanishes_is_kept_for_a_night(types: int, kept: list[str]) -> None:
    """Two types may be retired together, as `lost_types_at_least` says."""
    doomed = [gpu(f"h{n}", "5", "H100") for n in range(types)]
    first = judge([*cloud(20), *doomed], cloud(20))
    second = judge([*cloud(20), *doomed], cloud(20), held_back=first.proposal)

    assert (first.verdict, list(first.kept_accelerators)) == ("accepted", kept)
    assert (second.verdict, second.kept_accelerators) == ("accepted", {})
    assert set(merged(doomed, cloud(20), first.kept_accelerators)) == {*cloud(20), *(doomed if kept else [])}


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [
        ("1.15", "accepted"), ("1.1501", "kept"), ("0.85", "accepted"), ("0.8499", "kept"),
        ("99.99", "kept"), ("100", "refused"), ("0.0101", "kept"), ("0.01", "refused"), ("3600", "refused"),
    ],
)  # fmt: skip
def test_the_median_price_in_both_directions(factor: str, verdict: str) -> None:
    decision = judge(cloud(7), times(cloud(7), factor))

    assert decision.verdict == verdict
    assert (decision.proposal is None) == (verdict != "kept")
    assert decision.kept_accelerators == {}


@pytest.mark.parametrize(
    ("factor", "figures"),
    [
        ("1.2", "the median price of 7 instance types moved by +20.0 %"),
        ("0.75", "the median price of 7 instance types moved by -25.0 %"),
        ("100", "the median price of 7 instance types was multiplied by 100.00: a wrong unit"),
        ("0.005", "the median price of 7 instance types was divided by 200.00: a wrong unit"),
    ],
)
def test_the_reason_has_the_figures(factor: str, figures: str) -> None:
    assert (judge(cloud(7), times(cloud(7), factor)).reason or "").startswith(figures)


@pytest.mark.parametrize("factor", ["1.5", "0.6", "100", "0.01"])
def test_the_median_is_moved_by_more_than_half_of_the_types(factor: str) -> None:
    three, four = (judge(cloud(7), times(cloud(7), factor, count)) for count in (3, 4))

    assert three.verdict == "accepted"
    assert four.verdict == ("refused" if factor in ("100", "0.01") else "kept")


def test_each_type_has_one_vote_however_many_regions_it_has() -> None:
    wide = [gpu("t0", "2", region=f"r{n}") for n in range(10)]
    before = [*wide, *cloud(3)[1:]]

    assert plain(judge(before, times(before, "1.5", 10)))
    assert judge(before, [*wide, *times(cloud(3)[1:], "1.5")]).verdict == "kept"


def test_a_site_that_comes_or_goes_moves_no_price() -> None:
    cheap = [replace(row, region="r1") for row in cloud(3)]
    dear = [replace(row, region="r2") for row in times(cloud(3), "9")]
    near = [replace(row, region="r3") for row in cloud(3)]
    zoned = [replace(row, region="r1", zone="z2") for row in times(cloud(3), "9")]

    assert plain(judge(cheap, cheap + dear))
    assert plain(judge(cheap + near + dear, cheap + near))
    assert plain(
        judge([replace(row, zone="z1") for row in cheap], [*zoned, *(replace(r, zone="z1") for r in cheap)])
    )


def test_new_region_names_hide_no_wrong_unit() -> None:
    moved = [replace(row, region="elsewhere") for row in cloud(3)]

    assert plain(judge(cloud(3), moved))
    assert judge(cloud(3), times(moved, "100")).verdict == "refused"


@pytest.mark.parametrize(
    ("before", "now", "verdict"),
    [
        (("2", "2.1", "2.2"), ("2.1", "2.1", "2.1"), "refused"),
        (("2", "2.1", "2.2"), ("2.1", "2.10", "2.100"), "refused"),
        (("2", "2.1", "2.2"), ("2.1", "2.1", "2.2"), "accepted"),
        (("2", "2", "2"), ("2.1", "2.1", "2.1"), "accepted"),
        (("2", "2.1"), ("2.1", "2.1"), "accepted"),
        (("2", "2.1"), ("2.1", "2.1", "2.1"), "refused"),
    ],
)
def test_everything_at_one_price(before: tuple[str, ...], now: tuple[str, ...], verdict: str) -> None:
    old, new = ([gpu(f"t{n}", price) for n, price in enumerate(prices)] for prices in (before, now))
    decision = judge(old, new)

    assert decision.verdict == verdict
    if verdict == "refused":
        assert decision.reason == "all 3 instance types are at 2.1 USD per hour, not so before"
        assert decision.proposal is None


# One accelerator


@pytest.mark.parametrize(
    ("factor", "kept"),
    [("2", False), ("2.0001", True), ("0.5", False), ("0.4999", True), ("100", True), ("0.01", True)],
)
def test_an_accelerator_that_jumps_is_kept_alone(factor: str, kept: bool) -> None:
    decision = judge(with_h100("4"), times(with_h100("4"), factor, 1))

    assert decision.verdict == "accepted"
    assert list(decision.kept_accelerators) == (["H100"] if kept else [])
    assert plain(decision) == (not kept)
    assert (decision.proposal is not None) == kept


def test_a_kept_accelerator_says_why_with_the_figures() -> None:
    decision = judge(with_h100("4"), with_h100("10"))

    assert decision.reason == "last good rows stay of H100"
    assert decision.kept_accelerators["H100"] == (
        "H100 from 4.0 to 10.0 USD per GPU-hour, multiplied by 2.50 (accepted if the next run finds the same)"
    )


def test_a_wrong_gpu_count_is_a_jump_per_gpu() -> None:
    eight = gpu("h", "4", "H100", accelerator_count=8.0)

    assert list(judge(with_h100("4"), [eight, *STEADY]).kept_accelerators) == ["H100"]


def test_another_gpu_count_is_not_unchanged() -> None:
    now, again = ([gpu("h", "10", "H100", accelerator_count=count), *STEADY] for count in (5.0, 4.0))
    before = [gpu("h", "10", "H100", accelerator_count=2.0), *STEADY]
    limits = replace(default_limits(), accelerator_factor=Fraction(3, 2))
    held_back = judge(before, now, limits=limits).proposal

    assert judge(before, now, limits=limits, held_back=held_back).kept_accelerators == {}
    assert list(judge(before, again, limits=limits, held_back=held_back).kept_accelerators) == ["H100"]


def test_an_accelerator_has_the_median_price_of_its_rows() -> None:
    before = [*[gpu(f"h{n}", "4", "H100") for n in range(3)], *STEADY]

    assert plain(judge(before, times(before, "5", 1)))
    assert list(judge(before, times(before, "5", 2)).kept_accelerators) == ["H100"]


def test_new_vanished_and_renamed_accelerators_are_no_jumps() -> None:
    assert plain(judge(STEADY, with_h100("11.9")))
    assert plain(judge(with_h100("4"), STEADY))
    before = [gpu("h1", "4", "H100"), gpu("h2", "10", "H100"), gpu("h3", "10", "H100"), *STEADY]
    renamed = [before[0], *(replace(row, accelerator_name="H100-SXM") for row in before[1:3]), *STEADY]
    assert plain(judge(before, renamed))
    assert plain(judge(before, [before[0], *times(renamed[1:3], "3"), *STEADY])), "another card at another price"


def test_a_move_of_the_whole_cloud_is_not_taken_apart() -> None:
    decision = judge(cloud(7), times(cloud(7), "2.5"))

    assert (decision.verdict, decision.kept_accelerators) == ("kept", {})


def test_a_price_that_rounds_to_nothing_per_gpu_is_not_divided_by() -> None:
    nearly_free = gpu("h", "0.000001", "H100", accelerator_count=8.0)

    assert judge([nearly_free, *STEADY], with_h100("4")).kept_accelerators == {}
    assert judge(with_h100("4"), [nearly_free, *STEADY]).kept_accelerators == {}


# Whatever comes


@given(markets() | fetched())
def test_a_cloud_that_did_not_change_is_plainly_accepted(market: Market) -> None:
    assert plain(drift.judge("somecloud", market, market))
    assert plain(drift.judge("somecloud", market, market[::-1]))


@given(markets(), markets(), st.none() | st.text(max_size=5))
def test_whatever_comes_there_is_a_decision_that_holds_together(
    before: Market, now: Market, junk: str | None
) -> None:
    first = judge(before, now, held_back=junk)
    again = judge(before, now, held_back=first.proposal)
    forced = judge(before, now, accept_reason="yes")

    assert plain(first) == (first.reason is None)
    assert not first.kept_accelerators or first.verdict == "accepted"
    assert set(first.kept_accelerators) <= {row.accelerator_name for row in before}
    assert first.proposal is None or first.verdict != "refused"
    assert (first.verdict == "kept") <= (first.proposal is not None)
    assert (again.verdict == "refused") == (first.verdict == "refused")
    assert set((again.proposal or "").split()) <= set((first.proposal or "").split())
    assert forced.verdict == ("refused" if first.verdict == "refused" else "accepted")
    assert forced.kept_accelerators == {}


@given(markets(), markets(), st.randoms(use_true_random=False))
def test_order_never_matters(before: Market, now: Market, random: Any) -> None:
    decision = judge(before, now)
    for market in (before, now):
        random.shuffle(market)

    assert judge(before, now) == decision


@given(markets(), markets(), st.sets(st.sampled_from(["A1", "A2", "A3", "A9"])))
def test_merged_has_kept_accelerators_as_before_and_all_else_as_now(
    before: Market, now: Market, kept: set[str]
) -> None:
    rows = merged(before, now, kept)
    keys = [row.key for row in rows]
    staying = sorted((row for row in before if row.accelerator_name in kept), key=row_order)
    taken = {row.key for row in staying}

    assert len(keys) == len(set(keys))
    assert rows == sorted(rows, key=row_order)
    assert [row for row in rows if row.accelerator_name in kept] == staying
    assert [row for row in rows if row.accelerator_name not in kept] == sorted(
        (row for row in now if row.accelerator_name not in kept and row.key not in taken), key=row_order
    )


def test_merged_brings_back_what_vanished_and_takes_nothing_new_of_a_kept_accelerator() -> None:
    before = [gpu("h1", "4", "H100"), gpu("h2", "8", "H100"), gpu("b", "5", "B300"), CPU]
    now = [gpu("h1", "40", "H100"), gpu("h3", "99", "H100"), gpu("b", "6", "B300"), gpu("n", "1", "NEW")]

    assert merged(before, now, {"H100"}) == [now[2], before[0], before[1], now[3]]
    assert merged(before, now, ()) == [now[2], now[0], now[1], now[3]]
    assert merged([gpu("h1", "4", "H100")], [gpu("h1", "5", "B300")], {"H100"}) == [gpu("h1", "4", "H100")]


def test_a_merged_catalog_is_the_same_market_to_the_next_run() -> None:
    before, now = with_h100("4"), [gpu("h", "9", "H100"), *times(STEADY, "1.1")]
    baseline = merged(before, now, judge(before, now).kept_accelerators)
    decision = judge(baseline, now, held_back=judge(before, now).proposal)

    assert decision.verdict == "accepted"
    assert decision.kept_accelerators == {}
    assert (decision.reason or "").startswith("came back unchanged: H100")
