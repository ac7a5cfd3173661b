"""Yotta: the public rows, what is listed without a Pod price, and the required list (a)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fetchers import CredentialsRejected, FetchError, RateLimited, Unavailable, UnexpectedAnswer
from gpu_catalog.yotta import YottaInstanceType, YottaInstanceTypeV7, parse_instance_type
from tests.fetchers.recordings import RecordedSet, bundled

TYPES, LISTING = "/v2/vms/types", "/openapi/v1/gpus/list"

# v8 name, v7 name, region, USD per hour, vCPUs, GB: all rows of skypilot-catalog v8 yotta/vms.csv @1f69048.
PUBLIC_ROWS = [
    ("1x14v119g_NVIDIA_GeForce_RTX_5090_32G_SECURE", "1x_RTX5090_SECURE", "us-east-2", "0.65", 14, 119),
    ("2x28v238g_NVIDIA_GeForce_RTX_5090_32G_SECURE", "2x_RTX5090_SECURE", "us-east-2", "1.30", 28, 238),
    ("4x56v476g_NVIDIA_GeForce_RTX_5090_32G_SECURE", "4x_RTX5090_SECURE", "us-east-2", "2.60", 56, 476),
    ("8x112v952g_NVIDIA_GeForce_RTX_5090_32G_SECURE", "8x_RTX5090_SECURE", "us-east-2", "5.20", 112, 952),
    ("1x30v115g_NVIDIA_GeForce_RTX_5090_32G_SECURE", "1x_RTX5090_SECURE", "us-central-2", "0.65", 30, 115),
    ("2x60v230g_NVIDIA_GeForce_RTX_5090_32G_SECURE", "2x_RTX5090_SECURE", "us-central-2", "1.30", 60, 230),
    ("4x120v460g_NVIDIA_GeForce_RTX_5090_32G_SECURE", "4x_RTX5090_SECURE", "us-central-2", "2.60", 120, 460),
    ("8x240v920g_NVIDIA_GeForce_RTX_5090_32G_SECURE", "8x_RTX5090_SECURE", "us-central-2", "5.20", 240, 920),
]  # fmt: skip


def with_types(data: Any) -> RecordedSet:
    recorded = bundled("yotta")
    recorded[TYPES].body = {"message": "success", "code": 10000, "data": data}
    return recorded


def test_the_eight_public_rows_come_out_to_the_letter() -> None:
    fetched = bundled("yotta", kind="sample").fetch()
    assert {
        (row.instance_type, row.instance_type_v7, row.region, str(row.price_usd_per_hour), row.vcpus,
         row.memory_gib) for row in fetched.offerings
    } == set(PUBLIC_ROWS)  # fmt: skip
    for row in fetched.offerings:
        assert (row.accelerator_name, row.accelerator_vendor, row.gpu_memory_mib) == ("RTX5090", "NVIDIA", 32768)
        assert (row.zone, row.spot_price_usd_per_hour, row.arch, row.in_stock) == (None,) * 4
        assert row.source
        assert row.source.startswith("rate card: skypilot-org/skypilot-catalog catalogs/v8/yotta/vms.csv")
        assert row.observed_at == "2026-03-27T00:00:00Z"
        assert row.marks == ("stale",)
        name = parse_instance_type(row.instance_type)
        assert isinstance(name, YottaInstanceType)
        assert (name.gpu_count, name.vcpus, name.memory_gb) == (row.accelerator_count, row.vcpus, row.memory_gib)
        assert isinstance(parse_instance_type(row.instance_type_v7 or ""), YottaInstanceTypeV7)


def test_what_has_no_pod_price_is_skipped_with_the_reason_and_is_no_defect() -> None:
    fetched = bundled("yotta", kind="sample").fetch()
    rules: dict[str, set[str]] = {}
    for skip in fetched.skipped:
        rules.setdefault(skip.rule, set()).add(skip.listing)
        assert (skip.broken, skip.rows) == (False, 0)
    assert rules == {
        "no-price": {"NVIDIA_GeForce_RTX_5090_32G us-east-3"},
        "not-a-pod-price": {
            "NVIDIA_A100_80G vm", "NVIDIA_A10_24G vm", "NVIDIA_GeForce_RTX_4090_24G vm",
            "NVIDIA_GeForce_RTX_4090_24G us-east-1 serverless", "NVIDIA_GeForce_RTX_5090_32G serverless",
            "NVIDIA_H100_80GB_HBM3_80G vm", "NVIDIA_H200_141G vm", "T4 vm", "x86 vm",
        },
        "no-pod-price": {
            "NVIDIA_H100_80G", "NVIDIA_H200_141G", "NVIDIA_RTX_4090_24G", "NVIDIA_RTX_6000_Ada_48G",
            "NVIDIA_RTX_A6000_48G", "NVIDIA_RTX_PRO_6000_96G",
        },
    }  # fmt: skip
    (warning, stale) = fetched.warnings
    assert warning.startswith(f"prices and sizes are those of the rate card: {LISTING} answered HTTP 404")
    assert stale == "rates of 2026-03-27 are older than 90 days; check yotta_rate_card.csv"
    assert fetched.requests_made == 2


def test_a_price_is_that_of_one_gpu_in_one_region() -> None:
    region = {"available": True, "region": "us-east-2"}
    recorded = with_types([{"gpuType": "NVIDIA_RTX_5090_32G", "regions": [region]},
                           {"gpuType": "NVIDIA_L4_24G", "regions": [region, {"region": "eu-1"}]},
                           {"gpuType": "NVIDIA_RTX_5090_32G", "regions": ["eu-1"]}])  # fmt: skip
    without = {skip.listing: skip.reason for skip in recorded.fetch().skipped if skip.rule == "no-pod-price"}
    assert without == {
        "NVIDIA_L4_24G": "listed in eu-1, us-east-2; no source has a Pod price for it",
        "NVIDIA_RTX_5090_32G": "listed in eu-1; no source has a Pod price for it",
    }


@pytest.mark.parametrize(
    ("as_of", "stale"),
    [("2026-03-27T00:00:00Z", False), ("2026-06-25T00:00:00Z", False), ("2026-06-26T00:00:00Z", True),
     ("2026-06-25T23:59:59+00:00", False), ("2025-01-01T00:00:00Z", False)],
)  # fmt: skip
def test_a_rate_is_stale_after_ninety_days(as_of: str, stale: bool) -> None:
    recorded = bundled("yotta")
    recorded.as_of = as_of
    fetched = recorded.fetch()
    assert {row.marks for row in fetched.offerings} == {("stale",) if stale else ()}
    assert len(fetched.warnings) == 1 + stale
    assert len(fetched.offerings) == 8


def availability(code: str, **regions: object) -> list[dict[str, Any]]:
    return [{"gpuType": code, "regions": [
        {"region": name.replace("_", "-"), "regionName": name, "available": available, "vmTypeId": 1}
        for name, available in regions.items()
    ]}]  # fmt: skip


@pytest.mark.parametrize(
    "code",
    ["NVIDIA_RTX_5090_32G", "NVIDIA_GeForce_RTX_5090_32G", "nvidia_geforce_rtx_5090_32g", "RTX_5090_32G"],
)
def test_availability_is_stock_whatever_the_spelling_of_the_code(code: str) -> None:
    fetched = with_types(availability(code, us_east_2=True, us_central_2=False)).fetch()
    assert {(row.region, row.in_stock) for row in fetched.offerings} == {
        ("us-east-2", True), ("us-central-2", False),
    }  # fmt: skip
    assert len(fetched.offerings) == 8
    assert "no-pod-price" not in {skip.rule for skip in fetched.skipped}


def test_any_available_machine_in_the_region_is_stock() -> None:
    code = "NVIDIA_RTX_5090_32G"
    data = availability(code, us_east_2=False) + availability(code, us_east_2=True, us_central_2="maybe")
    fetched = with_types(data).fetch()
    assert {(row.region, row.in_stock) for row in fetched.offerings} == {
        ("us-east-2", True), ("us-central-2", None),
    }  # fmt: skip


def test_regions_may_be_plain_names() -> None:
    fetched = with_types([{"gpuType": "RTX_4090_24G", "regions": ["us-east-1", "us-west-1", 7, None]}]).fetch()
    assert len(fetched.offerings) == 8
    assert [(skip.listing, skip.reason) for skip in fetched.skipped if skip.rule == "no-pod-price"] == [
        ("RTX_4090_24G", "listed in us-east-1, us-west-1; no source has a Pod price for it")
    ]


@pytest.mark.parametrize("regions", [[], None, "us-east-1", {}, 7])
def test_a_gpu_without_regions_is_listed_in_none(regions: object) -> None:
    fetched = with_types([{"gpuType": "NVIDIA_B300_262G", "regions": regions}]).fetch()
    assert [skip.reason for skip in fetched.skipped if skip.rule == "no-pod-price"] == [
        "listed in no region; no source has a Pod price for it"
    ]
    assert len(fetched.offerings) == 8


def test_odd_items_beside_a_good_one_do_not_end_the_run() -> None:
    data = [None, 7, {}, {"gpuType": None}, {"gpuType": "a\nb"}, *availability("NVIDIA_H100_80G", eu_2=True)]
    assert len(with_types(data).fetch().offerings) == 8


BAD_ANSWERS: list[tuple[int, Any, type[FetchError], str]] = [
    (200, {"message": "success", "code": 10000, "data": []}, UnexpectedAnswer, "is empty"),
    (200, {"message": "success", "code": 10000, "data": None}, UnexpectedAnswer, "not a list"),
    (200, {"message": "success", "code": 10000, "data": {}}, UnexpectedAnswer, "not a list"),
    (200, {"message": "success", "code": 10000, "data": [1]}, UnexpectedAnswer, "no objects"),
    (200, {"message": "success", "code": 10000, "data": [{}]}, UnexpectedAnswer, "names no GPU"),
    (200, {"message": "success", "code": 10000}, UnexpectedAnswer, "has no `data`"),
    (200, {"message": "x"}, UnexpectedAnswer, "has no `code`"),
    (200, {"message": "bad\nid", "code": 10001, "data": None}, UnexpectedAnswer, r"code 10001 \(bad id\)"),
    (200, {"message": "oops", "code": 10002, "data": None}, Unavailable, "code 10002"),
    (200, {"code": "x" * 99}, UnexpectedAnswer, r"code x{20} \(\)"),
    (200, [], UnexpectedAnswer, "has no `code`"),
    (200, b"", UnexpectedAnswer, "empty body"),
    (200, b"<html>", UnexpectedAnswer, "HTML"),
    (200, b'{"code": 10000, ', UnexpectedAnswer, "not whole"),
    (400, {"code": 40001, "message": "Invalid API key"}, UnexpectedAnswer, "40001 Invalid API key"),
    (401, {"message": "Unauthorized"}, CredentialsRejected, "Unauthorized"),
    (403, b"", CredentialsRejected, "key rejected"),
    (404, b"", UnexpectedAnswer, "HTTP 404"),
    (429, b"", RateLimited, "HTTP 429"),
    (500, {"code": 10002, "message": "System error"}, Unavailable, "System error"),
]


@pytest.mark.parametrize(("status", "body", "error", "said"), BAD_ANSWERS)
def test_the_list_of_types_is_required(status: int, body: Any, error: type[FetchError], said: str) -> None:
    recorded = bundled("yotta")
    recorded[TYPES].fail(status, body)
    with pytest.raises(error, match=said) as caught:
        recorded.fetch()
    assert str(caught.value).isprintable()


def test_prices_are_exact() -> None:
    assert {row.price_usd_per_gpu_hour for row in bundled("yotta").fetch().offerings} == {Decimal("0.65")}
