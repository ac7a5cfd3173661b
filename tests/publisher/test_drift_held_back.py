"""What the drift gate held back: it comes back, or an operator accepts it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from publisher.drift import Decision, merged
from publisher.drift_limits import default_limits
from tests.publisher.markets import Market, cloud, gpu, judge, plain, times, with_h100

# Coming back


def second(before: Market, now: Market, again: Market | None = None) -> Decision:
    """What the second run says when the first was held back; `again` is what it finds if not the same."""
    first = judge(before, now)
    assert first.proposal is not None
    return judge(before, now if again is None else again, held_back=first.proposal)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (cloud(7), times(cloud(7), "1.3")),
        (cloud(7), times(cloud(7), "2.9999")),
        (cloud(7), times(cloud(7), "0.34")),
        (cloud(9), cloud(9)[4:]),
        (cloud(9), times(cloud(9)[4:], "1.3")),
        (cloud(9), times(cloud(9), "2.5")),  # every accelerator jumps too, and was shown with the rest
        (with_h100("4"), with_h100("11.9999")),
        (with_h100("4.8"), with_h100("12")),
        (with_h100("1.5"), with_h100("0.5001")),
        (with_h100("1.2"), with_h100("0.5")),
    ],
)
def test_what_comes_back_unchanged_is_accepted(before: Market, now: Market) -> None:
    decision = second(before, now)

    assert (decision.verdict, decision.kept_accelerators, decision.proposal) == ("accepted", {}, None)
    assert (decision.reason or "").startswith("came back unchanged: ")


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (times(cloud(7), "3"), "a factor of 3 or more waits for --accept-drift"),
        (times(cloud(7), "0.3"), "a factor of 3 or more waits for --accept-drift"),
        (times(cloud(7)[:3], "0.009") + times(cloud(7)[3:], "0.8"), "A0 at 0.018 is not between"),
    ],
)
def test_a_move_too_far_does_not_come_back(now: Market, why: str) -> None:
    first, decision = judge(cloud(7), now), second(cloud(7), now)

    assert decision.verdict == "kept"
    assert why in (decision.reason or "")
    assert decision == first


@pytest.mark.parametrize(
    ("before", "now", "why"),
    [
        ("4", "12", "a factor of 3 or more waits for --accept-drift"),
        ("1.5", "0.5", "a factor of 3 or more waits for --accept-drift"),
        ("4.8", "12.0001", "H100 at 12.0001 is not between 0.5 and 12, which waits for --accept-drift"),
        ("1.2", "0.4999", "H100 at 0.4999 is not between 0.5 and 12, which waits for --accept-drift"),
    ],
)
def test_an_accelerator_that_jumps_too_far_stays_kept(before: str, now: str, why: str) -> None:
    decision = second(with_h100(before), with_h100(now))

    assert why in decision.kept_accelerators["H100"]
    assert decision == judge(with_h100(before), with_h100(now)), "and it is shown again"


@pytest.mark.parametrize(
    ("before", "now", "again"),
    [
        (cloud(7), times(cloud(7), "1.3"), times(cloud(7), "1.31")),
        (cloud(7), times(cloud(7), "1.3"), times(times(cloud(7), "1.3"), "1.01", 1)),
        (cloud(9), cloud(9)[4:], cloud(9)[5:]),
        (cloud(9), cloud(9)[4:], cloud(9)[3:]),
        (cloud(9), cloud(9)[4:], cloud(9)[:5]),
    ],
)
def test_what_comes_back_changed_is_held_back_again(before: Market, now: Market, again: Market) -> None:
    decision = second(before, now, again)

    assert decision == judge(before, again), "as if seen for the first time"
    assert decision.verdict == "kept"
    assert judge(before, again, held_back=decision.proposal).verdict == "accepted"


def test_a_second_trouble_holds_back_the_first_with_it() -> None:
    lost = cloud(9)[4:]
    both = times(lost, "1.3")
    decision = second(cloud(9), lost, both)

    assert decision.verdict == "kept"
    assert "lost" not in (decision.reason or ""), "that has come back"
    assert judge(cloud(9), both, held_back=decision.proposal).verdict == "accepted"


def test_each_accelerator_comes_back_for_itself() -> None:
    before = [gpu("x", "4", "X1"), *with_h100("4")]
    now, again = ([gpu("x", price, "X1"), *with_h100("9")] for price in ("9", "9.5"))
    decision = second(before, now, again)

    assert list(judge(before, now).kept_accelerators) == ["H100", "X1"]
    assert list(decision.kept_accelerators) == ["X1"]
    assert (decision.reason or "").startswith("came back unchanged: H100 from 4.0 to 9.0")
    baseline = merged(before, again, decision.kept_accelerators)
    assert judge(baseline, again, held_back=decision.proposal).kept_accelerators == {}


def test_a_cloud_that_comes_back_leaves_an_accelerator_that_jumped_too_far() -> None:
    now = [*times(cloud(7)[:1], "3.5"), *times(cloud(7)[1:], "1.3")]
    decision = second(cloud(7), now)

    assert (decision.verdict, list(decision.kept_accelerators)) == ("accepted", ["A0"])
    assert decision.proposal in (judge(cloud(7), now).proposal or "").split()


@pytest.mark.parametrize(
    "now", [times(cloud(7), "100"), times(cloud(7), "0.01"), [gpu(r.instance_type, "5") for r in cloud(7)]]
)
def test_a_refused_fetch_never_comes_back(now: Market) -> None:
    blind = replace(default_limits(), unit_error_factor=Fraction(10**9), one_price_types_at_least=99)
    held_back = judge(cloud(7), now, limits=blind).proposal

    assert judge(cloud(7), now).verdict == "refused"
    assert judge(cloud(7), now, held_back=held_back) == judge(cloud(7), now)


# The operator


@pytest.mark.parametrize(
    ("now", "figures"),
    [
        (cloud(9)[4:], "4 of 9 instance types are lost"),
        (times(cloud(9), "1.3"), "moved by +30.0 %"),
        (times(cloud(9), "9", 1), "A0 from 2.0 to 18.0 USD per GPU-hour"),
    ],
)
def test_an_operator_accepts_all_of_it_and_the_reason_is_told(now: Market, figures: str) -> None:
    decision = judge(cloud(9), now, accept_reason="new list\nof May")

    assert (decision.verdict, decision.kept_accelerators, decision.proposal) == ("accepted", {}, None)
    assert (decision.reason or "").startswith("accepted by hand (new list\\nof May): ")
    assert figures in (decision.reason or "")
    assert judge(cloud(9), now, accept_reason=" ") == judge(cloud(9), now), "a blank is no reason"
    assert not plain(judge(cloud(9), now))


@pytest.mark.parametrize("now", [times(cloud(9), "100"), [gpu(row.instance_type, "5") for row in cloud(9)]])
def test_nobody_accepts_what_is_refused(now: Market) -> None:
    assert judge(cloud(9), now, accept_reason="new list") == judge(cloud(9), now)
    assert judge(cloud(9), now).verdict == "refused"


def test_an_operator_with_nothing_to_overrule_leaves_no_trace() -> None:
    assert plain(judge(cloud(9), cloud(9), accept_reason="just in case"))


# The proposal


def test_the_proposal_is_the_same_whatever_does_not_matter() -> None:
    now = [replace(row, region=region) for row in times(cloud(7)[:4], "2.5") for region in ("r1", "r2")]
    before = [replace(row, region=region) for row in cloud(7) for region in ("r1", "r2")]
    told: dict[str, Any] = {"observed_at": "2027-01-01T00:00:00Z", "source": "x", "listing": "y", "in_stock": False}
    other = [
        replace(
            row, price_usd_per_hour=row.price_usd_per_hour.quantize(Decimal("1e-6")), vcpus=1.0, marks=("stale",),
            spot_price_usd_per_hour=Decimal(1), **told,
        )
        for row in reversed(now)
    ]  # fmt: skip
    new = gpu("new", "3", "NEW")
    first = judge(before, now)

    assert first.verdict == "kept"
    assert len((first.proposal or "").split()) == 2 + 4, "lost types, prices, four accelerators"
    assert judge(before[::-1], [new, *other]) == first


@pytest.mark.parametrize(
    "change",
    [{"price_usd_per_hour": Decimal("9.99")}, {"region": "r3"}],
    ids=["price", "region"],
)
def test_the_proposal_differs_where_it_matters(change: dict[str, Any]) -> None:
    now = times(cloud(7), "1.3")
    changed = [*now[:6], replace(now[6], **change)]

    assert judge(cloud(7), changed).verdict == "kept"
    assert judge(cloud(7), changed).proposal != judge(cloud(7), now).proposal
