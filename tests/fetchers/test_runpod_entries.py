"""RunPod: odd entries of REST v2, stock and sites."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from fetchers import CredentialsRejected, FetchError, RateLimited, Unavailable, UnexpectedAnswer
from tests.fetchers.recordings import Change, leaving_out, setting
from tests.fetchers.runpod_sets import CPUS, GPUS, SITES, broken_rules, cpu, details, gpu, rows_of, two_sites

L4 = "NVIDIA L4"
NUMBERS_THAT_ARE_NONE: list[Any] = [None, 0, -1, "", "abc", True, [], {}, Decimal("NaN"), 10**40]

BAD_GPUS: list[tuple[str, Change, str]] = [
    *[(f"price {price}", setting("price.secure", price), "no-price") for price in NUMBERS_THAT_ARE_NONE],
    ("price of many decimals", setting("price.secure", Decimal("0.12345678")), "no-price"),
    ("prices missing", leaving_out("price"), "no-price"),
    *[(f"memory {memory}", setting("memory", memory), "no-size") for memory in NUMBERS_THAT_ARE_NONE],
    ("memory in MiB", setting("memory", 24576), "no-size"),
    ("memory of a fraction", setting("memory", Decimal("23.5")), "no-size"),
    *[(f"largest count {count}", setting("maxCount.secure", count), "no-count") for count in NUMBERS_THAT_ARE_NONE],
    ("largest count absurd", setting("maxCount.secure", 65), "no-count"),
    ("largest count missing", leaving_out("maxCount"), "no-count"),
    ("flag missing", leaving_out("secure"), "no-offer-flag"),
    ("flag no boolean", setting("secure", "yes"), "no-offer-flag"),
]


@pytest.mark.parametrize(("change", "rule"), [pytest.param(*entry[1:], id=entry[0]) for entry in BAD_GPUS])
def test_a_bad_gpu_costs_its_rows_and_says_why(change: Change, rule: str) -> None:
    recorded = two_sites()
    change(gpu(recorded, L4))
    fetched = recorded.fetch()
    assert broken_rules(fetched) == [(L4, rule)]
    assert rows_of(fetched, L4) == {}
    assert len(fetched.offerings) == (263 - 10) * 2


@pytest.mark.parametrize("gpu_id", [None, "", 7, "two\nlines"], ids=repr)
def test_a_gpu_without_an_id_is_skipped(gpu_id: object) -> None:
    recorded = two_sites()
    gpu(recorded, L4)["id"] = gpu_id
    assert broken_rules(recorded.fetch()) == [("L4", "no-name")]


@pytest.mark.parametrize("price", [0, Decimal("0.41")])
def test_a_price_without_the_offer_is_no_price(price: object) -> None:
    recorded = two_sites()
    gpu(recorded, L4).update(secure=False)
    gpu(recorded, L4)["price"]["secure"] = price
    fetched = recorded.fetch()
    assert (L4, "not-offered") in {(skip.listing, skip.rule) for skip in fetched.skipped}
    assert broken_rules(fetched) == []
    assert rows_of(fetched, L4) == {}


def new_gpu(gpu_id: str, name: str, **changes: object) -> dict[str, Any]:
    return {**gpu(two_sites(), L4), "id": gpu_id, "name": name, **changes}


def test_an_unknown_id_is_a_row_under_a_made_name_and_a_warning() -> None:
    recorded = two_sites()
    recorded[GPUS].body["gpus"].append(new_gpu("NVIDIA X 9000", "RTX PRO 9000", manufacturer="NVIDIA"))
    extra = copy.deepcopy(details(recorded, "NVIDIA B300 SXM6 AC"))
    recorded["/graphql"].body["data"]["gpuTypes"].append({**extra, "id": "NVIDIA X 9000"})
    fetched = recorded.fetch()
    row = rows_of(fetched, "NVIDIA X 9000")[2]
    assert row.instance_type == "2x_RTXPRO9000_SECURE"
    assert (row.accelerator_vendor, row.launchable, row.marks) == ("NVIDIA", False, ("minimum", "new-accelerator"))
    assert fetched.warnings[0] == "NVIDIA X 9000 is not in accelerators.csv; published as RTXPRO9000"


def test_an_unknown_id_without_a_known_size_is_skipped_and_is_no_defect() -> None:
    recorded = two_sites()
    recorded[GPUS].body["gpus"].append(new_gpu("NVIDIA X 9000", "RTX 9000"))
    fetched = recorded.fetch()
    skipped = [skip for skip in fetched.skipped if skip.rule == "no-size-known"]
    assert [(skip.listing, skip.accelerator, skip.rows, skip.broken) for skip in skipped] == [
        (f"NVIDIA X 9000 x {count}", "RTX9000", 2, False) for count in range(1, 11)
    ]


@pytest.mark.parametrize("name", ["L4", "NVIDIA L4", "RTX A4500"])
def test_a_name_of_another_gpu_is_not_taken_twice(name: str) -> None:
    recorded = two_sites()
    recorded[GPUS].body["gpus"].append(new_gpu("NVIDIA  new", name))
    fetched = recorded.fetch()
    assert ("NVIDIA  new", "name-taken", False) in {(s.listing, s.rule, s.broken) for s in fetched.skipped}
    assert len(fetched.offerings) == 263 * 2


def test_two_new_ids_never_share_a_name() -> None:
    recorded = two_sites()
    for gpu_id in ("first", "second"):
        recorded[GPUS].body["gpus"].append(new_gpu(gpu_id, "RTX 9000"))
    fetched = recorded.fetch()
    assert [(s.listing, s.rule) for s in fetched.skipped if s.listing == "second"] == [("second", "name-taken")]


@pytest.mark.parametrize("name", ["", None, "!!!", "7000", "x" * 100])
def test_a_new_id_without_a_name_is_skipped(name: object) -> None:
    recorded = two_sites()
    recorded[GPUS].body["gpus"].append({**new_gpu("NVIDIA new", ""), "name": name})
    assert broken_rules(recorded.fetch()) == [("NVIDIA new", "no-name")]


def test_the_same_entry_twice_is_left_to_the_validation() -> None:
    recorded = two_sites()
    recorded[GPUS].body["gpus"].append(gpu(recorded, L4))
    fetched = recorded.fetch()
    assert len(fetched.offerings) == (263 + 10) * 2
    assert len({row.key for row in fetched.offerings}) == 263 * 2


def test_the_sentinel_at_the_end_of_the_list_is_no_gpu() -> None:
    recorded = two_sites()
    recorded[GPUS].body["gpus"].append({"id": "unknown", "name": "unknown", "secure": False})
    assert "unknown" not in {skip.listing for skip in recorded.fetch().skipped}


def test_a_skipped_gpu_is_named_as_people_know_it() -> None:
    recorded = two_sites()
    gpu(recorded, L4).update(memory=None, name="L4 of tomorrow")
    (skip,) = (skip for skip in recorded.fetch().skipped if skip.listing == L4)
    assert (skip.accelerator, skip.rule) == ("L4 of tomorrow", "no-size")
    gpu(recorded, L4)["id"] = None
    assert ("L4 of tomorrow", "no-name") in {(skip.listing, skip.rule) for skip in recorded.fetch().skipped}


@pytest.mark.parametrize("odd", [None, 7, "text", [], {}])
def test_an_item_that_is_no_object_is_skipped(odd: object) -> None:
    recorded = two_sites()
    for path, name in ((GPUS, "gpus"), (CPUS, "cpus"), (SITES, "dataCenters")):
        recorded[path].body[name].append(odd)
    fetched = recorded.fetch()
    assert broken_rules(fetched) == [("None", "no-name"), ("None", "no-name")]
    assert len(fetched.offerings) == 263 * 2


# Counts and sizes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("least", "counts"), [(None, 10), (0, 10), (1, 10), (2, 9), (10, 1)])
def test_counts_start_at_the_smallest_pod(least: object, counts: int) -> None:
    recorded = two_sites()
    details(recorded, L4)["minPodGpuCount"] = least
    assert len(rows_of(recorded.fetch(), L4)) == counts


@pytest.mark.parametrize("least", [11, -1, Decimal("1.5"), "two"])
def test_a_smallest_pod_that_cannot_be_is_skipped(least: object) -> None:
    recorded = two_sites()
    details(recorded, L4)["minPodGpuCount"] = least
    assert broken_rules(recorded.fetch()) == [(L4, "no-count")]


def test_a_count_beyond_the_question_is_scaled() -> None:
    recorded = two_sites()
    gpu(recorded, "NVIDIA B300 SXM6 AC")["maxCount"]["secure"] = 16
    row = rows_of(recorded.fetch(), "NVIDIA B300 SXM6 AC")[16]
    assert (row.memory_gib, row.marks) == (503 * 16, ("inferred", "minimum"))


@pytest.mark.parametrize("nothing", [None, {}, [], {"minVcpu": None, "minMemory": 0}, {"minMemory": "much"}])
def test_out_of_stock_is_not_a_size_of_zero(nothing: object) -> None:
    recorded = two_sites()
    details(recorded, L4).update({f"c{count}": nothing for count in range(1, 13)})
    assert rows_of(recorded.fetch(), L4)[2].memory_gib == 90
    assert rows_of(recorded.fetch(), L4)[2].marks == ("derived",)


def test_a_size_is_never_scaled_down_to_nothing() -> None:
    recorded = two_sites()
    details(recorded, L4)["c8"] = {"minVcpu": 4, "minMemory": 4, "stockStatus": "Low"}
    rows = rows_of(recorded.fetch(), L4)
    assert [rows[count].vcpus for count in (1, 2, 4, 8)] == [8, 1, 2, 4]
    assert "derived" in rows[1].marks


# CPU flavors --------------------------------------------------------------------------------------


def test_memory_per_vcpu_may_be_a_fraction() -> None:
    recorded = two_sites()
    cpu(recorded, "cpu5c").update(ramGbPerVcpu=Decimal("2.5"), vcpu={"min": 2, "max": 8})
    rows = rows_of(recorded.fetch(), "cpu5c")
    assert [(row.instance_type, row.memory_gib) for row in rows.values()] == [
        ("cpu5c-2-5", 5), ("cpu5c-4-10", 10), ("cpu5c-8-20", 20),
    ]  # fmt: skip


@pytest.mark.parametrize(("vcpu", "sizes"), [({"min": 3, "max": 9}, [4, 8]), ({"min": 32, "max": 100}, [32, 64])])
def test_sizes_are_the_powers_of_two_between(vcpu: dict[str, int], sizes: list[int]) -> None:
    recorded = two_sites()
    cpu(recorded, "cpu5c")["vcpu"] = vcpu
    assert sorted(rows_of(recorded.fetch(), "cpu5c")) == sizes


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        (setting("id", None), [("None", "no-name")]),
        (setting("vcpu", None), [("cpu5c", "no-size")]),
        (setting("vcpu", {"min": 5, "max": 7}), [("cpu5c", "no-size")]),
        (setting("vcpu", {"min": 32, "max": 2}), [("cpu5c", "no-size")]),
        (setting("vcpu.max", 5000), [("cpu5c", "no-size")]),
        (setting("ramGbPerVcpu", 0), [("cpu5c", "no-size")]),
        (setting("price.securePerVcpu", 0), [(f"cpu5c-{n}-{2 * n}", "no-price") for n in (2, 4, 8, 16, 32)]),
    ],
)
def test_a_bad_flavor_costs_its_rows_and_says_why(change: Change, rules: list[tuple[str, str]]) -> None:
    recorded = two_sites()
    change(cpu(recorded, "cpu5c"))
    fetched = recorded.fetch()
    assert broken_rules(fetched) == rules
    assert len(fetched.offerings) == (263 - 5) * 2


# Sites and stock ----------------------------------------------------------------------------------


def test_a_site_of_unknown_country_is_left_out_with_a_warning() -> None:
    recorded = two_sites()
    recorded[SITES].body["dataCenters"] += [{"id": "XX-NEW-1"}, {"id": None}, {"id": "US-KS-2"}]
    fetched = recorded.fetch()
    assert len(fetched.offerings) == 263 * 2
    assert [(s.listing, s.rows, s.broken) for s in fetched.skipped if s.rule == "unknown-site"] == [
        ("XX-NEW-1", 0, False)
    ]
    assert fetched.warnings[0] == "sites without a known country, left out: XX-NEW-1; add to runpod_sites.csv"


def test_no_known_site_at_all_is_refused() -> None:
    recorded = two_sites()
    recorded[SITES].body["dataCenters"] = [{"id": "XX-NEW-1"}]
    with pytest.raises(UnexpectedAnswer, match="no site has an id that we know"):
        recorded.fetch()


def test_stock_is_known_for_one_gpu_and_less_for_more() -> None:
    recorded = two_sites()
    where = [{"id": "US-KS-2", "availability": "LOW"}, {"id": "EU-RO-1", "availability": "NONE"}, "odd"]
    gpu(recorded, L4).update(availability="LOW", dataCenters=where)
    gpu(recorded, "NVIDIA A40").update(availability="NONE")
    cpu(recorded, "cpu5c").update(availability="HIGH", dataCenters=where)
    details(recorded, L4).update(c1={"stockStatus": "Low"}, c2={"stockStatus": "High"}, c3={"stockStatus": "Out"})
    fetched = recorded.fetch()
    stock = {(row.listing, int(row.accelerator_count or 0), row.zone): row.in_stock for row in fetched.offerings}
    assert [stock[(L4, count, "US-KS-2")] for count in (1, 2, 3, 4)] == [True, None, False, False]
    assert [stock[(L4, count, "EU-RO-1")] for count in (1, 2, 3, 4)] == [False] * 4
    assert stock[("NVIDIA A40", 1, "US-KS-2")] is False
    assert stock[("NVIDIA L40", 1, "US-KS-2")] is None
    flavors = {(row.zone, row.in_stock) for row in fetched.offerings if row.listing == "cpu5c"}
    assert flavors == {("US-KS-2", True), ("EU-RO-1", False)}


def test_a_spot_price_is_one_only_below_on_demand_and_not_a_floor_for_bids() -> None:
    recorded = two_sites()
    for gpu_id, spot in ((L4, Decimal("0.20")), ("NVIDIA A40", Decimal("0.44")), ("NVIDIA L40", 9),
                         ("NVIDIA L40S", None), ("NVIDIA H200", 0), ("NVIDIA B200", Decimal("0.01"))):  # fmt: skip
        details(recorded, gpu_id)["secureSpotPrice"] = spot
    fetched = recorded.fetch()
    assert rows_of(fetched, L4)[4].spot_price_usd_per_hour == Decimal("0.80")
    assert {row.listing for row in fetched.offerings if row.spot_price_usd_per_hour is not None} == {L4}


# Whole answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [GPUS, CPUS, SITES])
@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, b'{"title":"Unauthorized","status":401,"detail":"missing bearer token"}', CredentialsRejected),
        (403, b"{}", CredentialsRejected),
        (404, b"", UnexpectedAnswer),
        (429, b"<html>", RateLimited),
        (503, b"", Unavailable),
        (200, b"<html>", UnexpectedAnswer),
        (200, b"{}", UnexpectedAnswer),
        (200, b"[]", UnexpectedAnswer),
        (200, b'{"gpus": [], "cpus": [], "dataCenters": []}', UnexpectedAnswer),
        (200, b'{"gpus": [1], "cpus": [1], "dataCenters": [1]}', UnexpectedAnswer),
        (200, b'{"gpus": {}, "cpus": null, "dataCenters": "x"}', UnexpectedAnswer),
    ],
)
def test_with_a_key_a_failed_rest_answer_fails_the_cloud(
    status: int, body: bytes, error: type[FetchError], path: str
) -> None:
    recorded = two_sites()
    recorded[path].fail(status, body)
    with pytest.raises(error):
        recorded.fetch()
