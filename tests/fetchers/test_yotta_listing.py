"""Yotta: the undocumented gpus/list (b), read with tolerance, and the rate card behind it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fetchers import CredentialsRejected, Fetched
from gpu_catalog import Offering
from tests.fetchers.recordings import RecordedSet, bundled

LISTING = "/openapi/v1/gpus/list"
URL = "https://api.yottalabs.ai/openapi/v1/gpus/list"
CARD_WARNING = "prices and sizes are those of the rate card: "
NEW = {"gpuType": "NVIDIA_L4_24G", "region": "eu-1", "cloudType": "SECURE", "singleCardPrice": "0.35",
       "singleCardVcpu": 8, "singleCardRamInGb": 32, "singleCardVramInGb": 24}  # fmt: skip
KNOWN = {"gpuType": "NVIDIA_RTX_5090_32G", "region": "us-east-2", "singleCardPrice": Decimal("0.71")}


def answered(data: Any, status: int = 200) -> RecordedSet:
    recorded = bundled("yotta")
    recorded[LISTING].status = status
    recorded[LISTING].body = {"message": "success", "code": 10000, "data": data}
    return recorded


def listed(*items: Any) -> Fetched:
    return answered(list(items)).fetch()


def row(fetched: Fetched, region: str, count: int = 1) -> Offering:
    (found,) = (row for row in fetched.offerings if row.region == region and row.accelerator_count == count)
    return found


def skipped(fetched: Fetched) -> list[tuple[str, str]]:
    """(listing, rule) without what the rate card itself and the list of types bring."""
    always = ("not-a-pod-price", "no-pod-price")
    return [(skip.listing, skip.rule) for skip in fetched.skipped
            if skip.rule not in always and "us-east-3" not in skip.listing]  # fmt: skip


@pytest.mark.parametrize("price", ["0.35", Decimal("0.35"), Decimal("0.350000"), Decimal("0.35000000000000003")])
def test_a_listed_gpu_is_four_rows_whatever_the_form_of_its_price(price: object) -> None:
    fetched = listed({**NEW, "singleCardPrice": price})
    rows = [row(fetched, "eu-1", count) for count in (1, 2, 4, 8)]
    assert [offering.instance_type for offering in rows] == [
        "1x8v32g_NVIDIA_L4_24G_SECURE", "2x16v64g_NVIDIA_L4_24G_SECURE",
        "4x32v128g_NVIDIA_L4_24G_SECURE", "8x64v256g_NVIDIA_L4_24G_SECURE",
    ]  # fmt: skip
    assert [offering.price_usd_per_hour for offering in rows] == [
        Decimal("0.35"), Decimal("0.70"), Decimal("1.40"), Decimal("2.80"),
    ]  # fmt: skip
    assert {(r.accelerator_name, r.gpu_memory_mib, r.source, r.observed_at, r.marks) for r in rows} == {
        ("L4", 24 * 1024, URL, "2026-03-27T00:00:00Z", ())
    }
    assert len(fetched.offerings) == 12
    assert skipped(fetched) == []


def test_what_an_item_lacks_comes_from_the_rate_card_and_so_does_the_launchable_code() -> None:
    offering = row(listed(KNOWN), "us-east-2", 2)
    assert offering.instance_type == "2x28v238g_NVIDIA_GeForce_RTX_5090_32G_SECURE"
    assert (offering.price_usd_per_hour, offering.source, offering.marks) == (Decimal("1.42"), URL, ())


def test_a_price_from_the_list_completes_a_card_row_without_one() -> None:
    fetched = listed({**KNOWN, "region": "us-east-3"})
    assert row(fetched, "us-east-3").instance_type == "1x14v88g_NVIDIA_GeForce_RTX_5090_32G_SECURE"
    assert len(fetched.offerings) == 12


def test_sizes_of_the_list_beat_the_rate_card() -> None:
    fetched = listed({**KNOWN, "singleCardVcpu": "16", "singleCardRamInGb": 128})
    assert row(fetched, "us-east-2").instance_type == "1x16v128g_NVIDIA_GeForce_RTX_5090_32G_SECURE"
    half_sized = listed({**KNOWN, "singleCardVcpu": 16})
    assert row(half_sized, "us-east-2").instance_type == "1x14v119g_NVIDIA_GeForce_RTX_5090_32G_SECURE"


def test_an_item_without_a_price_leaves_the_rate_cards_price_and_its_age() -> None:
    offering = row(listed({**KNOWN, "singleCardPrice": None, "singleCardVcpu": 16, "singleCardRamInGb": 64}),
                   "us-east-2")  # fmt: skip
    assert (offering.price_usd_per_hour, offering.vcpus, offering.marks) == (Decimal("0.65"), 16, ("stale",))
    assert offering.source
    assert offering.source.startswith("rate card: ")


def test_memory_of_the_list_beats_the_suffix_of_the_code() -> None:
    assert row(listed({**NEW, "singleCardVramInGb": 23}), "eu-1").gpu_memory_mib == 23 * 1024
    assert row(listed({**NEW, "singleCardVramInGb": None}), "eu-1").gpu_memory_mib == 24 * 1024


def test_the_memory_of_the_list_stays_where_the_rate_card_gives_the_price() -> None:
    listing = {**KNOWN, "singleCardPrice": None, "singleCardVramInGb": 31}
    assert row(listed(listing), "us-east-2").gpu_memory_mib == 31 * 1024


def test_community_pods_are_offers_of_their_own() -> None:
    fetched = listed(NEW, {**NEW, "cloudType": "community", "singleCardPrice": "0.25"})
    names = {offering.instance_type_v7 for offering in fetched.offerings if offering.region == "eu-1"}
    assert {"1x_L4_SECURE", "1x_L4_COMMUNITY"} <= names
    assert skipped(fetched) == []


BAD_PRICES: list[Any] = [None, 0, -1, "", "cheap", True, [], {}, Decimal("NaN"), "0.12345678", 10**40]

UNUSABLE: list[tuple[dict[str, Any], str, str]] = [
    *[({"singleCardPrice": price}, "NVIDIA_L4_24G eu-1", "no-price")
      for price in BAD_PRICES],
    *[({"singleCardVcpu": vcpus}, "NVIDIA_L4_24G eu-1", "no-size") for vcpus in (None, 0, "many", Decimal("1.5"))],
    ({"singleCardRamInGb": None}, "NVIDIA_L4_24G eu-1", "no-size"),
    ({"gpuType": None}, "None eu-1", "no-name"),
    ({"gpuType": "a\nb"}, "a b eu-1", "no-name"),
    ({"gpuType": "\ud800"}, "eu-1", "no-name"),
    ({"region": ["eu-1"]}, "NVIDIA_L4_24G ['eu-1']", "no-name"),
    ({"region": "  "}, "NVIDIA_L4_24G", "no-name"),
    ({"cloudType": "PRIVATE"}, "NVIDIA_L4_24G eu-1", "no-name"),
    ({"cloudType": 1}, "NVIDIA_L4_24G eu-1", "no-name"),
    ({"gpuType": "NVIDIA_L4", "singleCardVramInGb": None}, "NVIDIA_L4 eu-1", "no-size"),
    ({"gpuType": "NVIDIA_!!_24G"}, "NVIDIA_!!_24G eu-1", "no-name"),
    ({"gpuType": "NVIDIA_A10_48G"}, "NVIDIA_A10_48G eu-1", "name-taken"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "listing", "rule"), UNUSABLE)
def test_an_item_that_cannot_be_priced_sized_or_named_is_skipped(
    change: dict[str, Any], listing: str, rule: str
) -> None:
    fetched = listed({**NEW, **change}, {**NEW, "region": "eu-2"})
    assert skipped(fetched) == [(listing, rule)]
    assert not any(skip.broken for skip in fetched.skipped)
    assert len(fetched.offerings) == 12
    assert all(skip.reason.isprintable() and skip.listing.isprintable() for skip in fetched.skipped)


def test_an_unknown_gpu_is_a_row_under_a_made_name_and_a_warning() -> None:
    fetched = listed({**NEW, "gpuType": "AMD_MI500X_512G", "singleCardVramInGb": None})
    offering = row(fetched, "eu-1", 8)
    assert offering.instance_type == "8x64v256g_AMD_MI500X_512G_SECURE"
    assert offering.instance_type_v7 == "8x_MI500X_SECURE"
    assert (offering.accelerator_vendor, offering.gpu_memory_mib) == ("AMD", 512 * 1024)
    assert offering.marks == ("new-accelerator",)
    assert "AMD_MI500X_512G is not in accelerators.csv; published as MI500X" in fetched.warnings


def test_a_gpu_known_under_its_display_name_only_is_marked_as_a_conclusion() -> None:
    fetched = listed({**NEW, "gpuType": "NVIDIA_L40S_48G", "singleCardVramInGb": 48})
    assert (row(fetched, "eu-1").accelerator_name, row(fetched, "eu-1").marks) == ("L40S", ("inferred",))
    assert "NVIDIA_L40S_48G is not in accelerators.csv; published as L40S" in fetched.warnings


def test_two_codes_of_one_v7_name_in_one_region_leave_one() -> None:
    fetched = listed({**NEW, "gpuType": "NVIDIA_A100_PCIe_80G"}, {**NEW, "gpuType": "NVIDIA_A100_80G"})
    names = {offering.instance_type_v7 for offering in fetched.offerings if offering.region == "eu-1"}
    assert len(names) == 4
    assert [rule for _, rule in skipped(fetched)] == ["name-taken"]


def test_a_code_is_read_whatever_its_case() -> None:
    fetched = listed({**NEW, "gpuType": "nvidia_geforce_rtx_9090_48g", "singleCardVramInGb": None})
    (new,) = (
        offering for offering in fetched.offerings if offering.region == "eu-1" and offering.accelerator_count == 1
    )
    assert (new.accelerator_vendor, new.gpu_memory_mib) == ("NVIDIA", 48 * 1024)
    assert (new.accelerator_name or "").lower() == "rtx-9090"


def test_the_same_pod_twice_counts_once() -> None:
    legacy = {**NEW, "gpuType": "nvidia_l4_24g"}
    fetched = listed(NEW, NEW, legacy)
    assert skipped(fetched) == [("NVIDIA_L4_24G eu-1", "duplicate"), ("nvidia_l4_24g eu-1", "duplicate")]
    assert len(fetched.offerings) == 12


def test_two_prices_for_one_pod_discredit_the_whole_list() -> None:
    fetched = listed(NEW, {**NEW, "singleCardPrice": "0.36"}, KNOWN)
    assert len(fetched.offerings) == 8
    assert fetched.warnings[0].startswith(CARD_WARNING + "gpus/list has two prices for NVIDIA_L4_24G eu-1")
    assert row(fetched, "us-east-2").price_usd_per_hour == Decimal("0.65")


@pytest.mark.parametrize("wrapper", ["records", "items"])
def test_a_page_wrapper_is_understood(wrapper: str) -> None:
    assert len(answered({wrapper: [NEW], "page": 1}).fetch().offerings) == 12


@pytest.mark.parametrize("items", [[None, 7, "x"], [{}], [{"gpuType": "NVIDIA_L4", "gpuCount": 24}]])
def test_a_list_without_offers_leaves_the_rate_card_and_a_warning(items: list[Any]) -> None:
    fetched = answered(items).fetch()
    assert len(fetched.offerings) == 8
    assert fetched.warnings[0].startswith(CARD_WARNING)


FAILURES: list[tuple[int, Any]] = [
    (200, {"message": "VM not found", "code": 11000, "data": None}),
    (200, {"message": "internal error", "code": 9999, "data": None}),
    (200, {"message": "System error", "code": 10002, "data": None}),
    (200, {"message": "success", "code": 10000, "data": []}),
    (200, {"message": "success", "code": 10000, "data": None}),
    (200, {"message": "success", "code": 10000, "data": {"records": None}}),
    (200, {"code": 10000}),
    (200, []),
    (200, b""),
    (200, b"<html>"),
    (200, b'{"code": 10000'),
    (200, b"[" * 5000),
    (400, {"message": "Invalid", "code": 10001}),
    (404, b""),
    (405, b""),
    (429, b"<html>"),
    (500, b"oops"),
    (503, {"message": "a\nb", "code": 10002}),
]


@pytest.mark.parametrize(("status", "body"), FAILURES)
def test_its_failure_leaves_the_rate_card_and_a_warning(status: int, body: Any) -> None:
    recorded = bundled("yotta")
    recorded[LISTING].fail(status, body)
    fetched = recorded.fetch()
    assert len(fetched.offerings) == 8
    assert {offering.price_usd_per_gpu_hour for offering in fetched.offerings} == {Decimal("0.65")}
    assert fetched.warnings[0].startswith(CARD_WARNING)
    assert all(warning.isprintable() for warning in fetched.warnings)


@pytest.mark.parametrize("status", [401, 403])
def test_a_rejected_key_fails_the_cloud(status: int) -> None:
    recorded = bundled("yotta")
    recorded[LISTING].fail(status, {"message": "Unauthorized"})
    with pytest.raises(CredentialsRejected, match="key rejected"):
        recorded.fetch()
