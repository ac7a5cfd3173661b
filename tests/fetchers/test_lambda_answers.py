"""Lambda: odd entries, and where the regions come from."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fetchers import CredentialsRejected, Fetched, RateLimited, Unavailable, UnexpectedAnswer
from tests.fetchers.recordings import Change, Recorded, RecordedSet, bundled, leaving_out, setting

TYPES, REGIONS, IMAGES = "/instance-types", "/regions", "/api/v1/images"
PRICE, GPUS, DESCRIPTION = "price_cents_per_hour", "specs.gpus", "gpu_description"


def changed(*changes: Change, name: str = "gpu_1x_a10") -> RecordedSet:
    """The bundled set after changes to one type's `instance_type`."""
    recorded = bundled("lambda")
    for change in changes:
        change(recorded[TYPES].body["data"][name]["instance_type"])
    return recorded


def rows_of(fetched: Fetched, name: str = "gpu_1x_a10") -> list[Any]:
    return [offering for offering in fetched.offerings if offering.instance_type == name]


@pytest.mark.parametrize("price", [129, "129", Decimal("129.0")], ids=repr)
def test_whole_cents_may_come_as_text(price: object) -> None:
    fetched = changed(setting(PRICE, price)).fetch()
    assert {offering.price_usd_per_hour for offering in rows_of(fetched)} == {Decimal("1.29")}


BAD_CENTS: list[Any] = [
    None, 0, -129, "", "abc", "1,29", True, [], {}, Decimal("129.5"), Decimal("NaN"), Decimal("Infinity"), 10**40,
]  # fmt: skip

BAD_ENTRIES: list[tuple[str, Change, str, str]] = [
    ("price missing", leaving_out(PRICE), "no-price", "missing"),
    *[(f"price {price}", setting(PRICE, price), "no-price", "price_cents_per_hour")
      for price in BAD_CENTS],
    ("name missing", leaving_out("name"), "no-name", "name"),
    ("name blank", setting("name", "  "), "no-name", "name"),
    ("name no text", setting("name", 7), "no-name", "name"),
    ("name with a control character", setting("name", "gpu_1x\n_a10"), "no-name", "name"),
    ("name of half a surrogate pair", setting("name", "gpu_\ud800"), "no-name", "name"),
    ("specs missing", leaving_out("specs"), "no-size", "vcpus"),
    ("specs no object", setting("specs", [1]), "no-size", "vcpus"),
    ("vCPUs 0", setting("specs.vcpus", 0), "no-size", "vcpus"),
    ("memory negative", setting("specs.memory_gib", -1), "no-size", "memory_gib"),
    ("memory missing", leaving_out("specs.memory_gib"), "no-size", "memory_gib"),
    ("GPUs missing", leaving_out(GPUS), "no-count", "missing"),
    ("GPUs null", setting(GPUS, None), "no-count", "missing"),
    ("GPUs a fraction", setting(GPUS, Decimal("0.5")), "no-count", "whole"),
    ("GPUs false", setting(GPUS, False), "no-count", "specs.gpus"),
    ("GPUs 0 of a named model", setting(GPUS, 0), "no-count", "specs.gpus"),
    ("description missing", leaving_out(DESCRIPTION), "no-model", "gpu_description"),
    ("description N/A with GPUs", setting(DESCRIPTION, "N/A"), "no-model", "N/A"),
    ("description without memory", setting(DESCRIPTION, "A10 (PCIe)"), "no-model", "A10"),
    ("memory of 0 GB", setting(DESCRIPTION, "A10 (0 GB)"), "no-model", "A10"),
    ("a known model of another size", setting(DESCRIPTION, "A100 (60 GB SXM4)"), "name-taken", "A100"),
    ("a model of signs", setting(DESCRIPTION, "!!! (60 GB)"), "no-name", "!!!"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "rule", "said"), [pytest.param(*entry[1:], id=entry[0]) for entry in BAD_ENTRIES]
)
def test_a_bad_entry_costs_its_rows_and_says_why(change: Change, rule: str, said: str) -> None:
    fetched = changed(change).fetch()
    (skip,) = fetched.skipped
    assert (skip.listing, skip.rule, skip.broken, skip.rows) == ("gpu_1x_a10", rule, True, 17)
    assert said in skip.reason
    assert skip.reason.isprintable()
    assert len(fetched.offerings) == 24 * 17


@pytest.mark.parametrize("entry", [None, 7, "text", [], {}, {"instance_type": None}], ids=repr)
def test_an_entry_that_is_no_object_is_skipped(entry: object) -> None:
    recorded = bundled("lambda")
    recorded[TYPES].body["data"]["gpu_1x_a10"] = entry
    assert [skip.rule for skip in recorded.fetch().skipped] == ["not-an-object"]


def test_a_skipped_entry_is_named_in_one_printable_line() -> None:
    recorded = bundled("lambda")
    recorded[TYPES].body["data"]["two\nlines \ud800" + "x" * 500] = None
    (skip,) = recorded.fetch().skipped
    assert skip.listing.startswith("two lines x")
    assert len(skip.listing) <= 80


def test_a_skipped_entry_without_a_name_is_named_so() -> None:
    recorded = bundled("lambda")
    recorded[TYPES].body["data"]["\n"] = None
    assert [skip.listing for skip in recorded.fetch().skipped] == ["(no name)"]


def test_a_missing_count_of_a_gpu_type_is_no_cpu_type_even_without_a_description() -> None:
    fetched = changed(leaving_out(GPUS), setting(DESCRIPTION, "N/A")).fetch()
    assert [skip.rule for skip in fetched.skipped] == ["no-count"]


@pytest.mark.parametrize("change", [leaving_out(GPUS), setting(DESCRIPTION, None), setting(GPUS, Decimal("0.0"))])
def test_a_cpu_type_needs_neither_count_nor_description(change: Change) -> None:
    fetched = changed(change, name="cpu_4x_general").fetch()
    assert fetched.skipped == ()
    assert {row.accelerator_name for row in rows_of(fetched, "cpu_4x_general")} == {None}


@pytest.mark.parametrize(
    ("name", "description", "rules"),
    [
        ("cpu_4x_general", None, []),
        ("vm_4x_general", "N/A", []),
        ("vm_4x_general", None, ["no-count"]),
        ("gpu_4x_general", "N/A", ["no-count"]),
    ],
)
def test_without_a_count_a_cpu_type_is_one_by_its_name_or_its_description(
    name: str, description: str | None, rules: list[str]
) -> None:
    changes = (leaving_out(GPUS), setting(DESCRIPTION, description), setting("name", name))
    fetched = changed(*changes, name="cpu_4x_general").fetch()
    assert [skip.rule for skip in fetched.skipped] == rules
    assert {row.accelerator_name for row in rows_of(fetched, name)} == (set() if rules else {None})


NEW_MODELS = [
    # Description, name, GB, marks, warned of
    ("H300 (300 GB SXM7)", "H300", 300, ("new-accelerator",)),
    ("RTX PRO 6000 (96 GB)", "RTXPRO6000", 96, ("inferred",)),
    ("Tesla T4 (16 GB)", "T4", 16, ("inferred",)),
    ("Tesla T9 (32 GB)", "T9", 32, ("new-accelerator",)),
    ("NVIDIA B400 (288 GB)", "B400", 288, ("new-accelerator",)),
    ("H200 (141 GB SXM5)", "H200", 141, ("inferred",)),
    ("RTX 9000 Blackwell_Max (96 GB)", "RTX9000-Blackwell-Max", 96, ("new-accelerator",)),
]


@pytest.mark.parametrize(("description", "name", "memory_gb", "marks"), NEW_MODELS)
def test_a_model_that_the_table_does_not_list_for_lambda_is_a_row_and_a_warning(
    description: str, name: str, memory_gb: int, marks: tuple[str, ...]
) -> None:
    fetched = changed(setting(DESCRIPTION, description)).fetch()
    row = rows_of(fetched)[0]
    assert (row.accelerator_name, row.gpu_memory_mib, row.marks) == (name, memory_gb * 1024, marks)
    assert fetched.warnings == (f"the GPU of gpu_1x_a10 is not in accelerators.csv; published as {name}",)


@pytest.mark.parametrize(("stated", "arch"), [("arm64", "arm64"), ("riscv", None), (7, None), (None, "x86_64")])
def test_an_unknown_architecture_is_unknown(stated: object, arch: str | None) -> None:
    fetched = changed(setting("architecture", stated)).fetch()
    assert {row.arch for row in rows_of(fetched)} == {arch}


@pytest.mark.parametrize("listed", [None, "us-east-1", {}], ids=repr)
def test_a_capacity_list_that_cannot_be_read_means_unknown_stock(listed: object) -> None:
    recorded = bundled("lambda")
    recorded[TYPES].body["data"]["gpu_1x_a10"]["regions_with_capacity_available"] = listed
    assert {row.in_stock for row in rows_of(recorded.fetch())} == {None}


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{", b"[]", b"null", b"{}", b'{"data": null}', b'{"data": []}', b'{"data": "x"}',
             b'{"data": {}}', b'{"data": {"a": 1, "a": 2}}', b'{"error": {"code": "x"}}', b"[" * 900 + b"]" * 900],
)  # fmt: skip
def test_a_body_that_is_no_catalog_is_refused(body: bytes) -> None:
    recorded = bundled("lambda")
    recorded[TYPES].body = body
    with pytest.raises(UnexpectedAnswer):
        recorded.fetch()


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        (401, b'{"error":{"code":"global/invalid-api-key","message":"API key was invalid"}}', CredentialsRejected,
         "global/invalid-api-key API key was invalid"),
        (403, b'{"error":{"code":"global/account-inactive","suggestion":"Contact Support"}}', CredentialsRejected,
         "global/account-inactive Contact Support"),
        (404, b'{"error":{"code":"global/not-found"}}', UnexpectedAnswer, "global/not-found"),
        (429, b"error code: 1015", RateLimited, "HTTP 429"),
        (502, b"<html>", Unavailable, "HTTP 502"),
    ],
)  # fmt: skip
def test_an_error_is_told_in_the_vendors_words(status: int, body: bytes, error: type[Exception], said: str) -> None:
    recorded = bundled("lambda")
    recorded[TYPES].fail(status, body)
    with pytest.raises(error, match=said):
        recorded.fetch()


# Regions ------------------------------------------------------------------------------------------


def test_regions_are_those_the_api_lists_sorted_without_test_regions() -> None:
    recorded = bundled("lambda")
    names = ["us-new-9", "test-east-1", "us-east-1", None, " ", 7, "us-east-1", "a\tb"]
    recorded[REGIONS].body = {"data": [*({"name": name} for name in names), "odd", None]}
    fetched = recorded.fetch()
    assert [row.region for row in rows_of(fetched)] == ["us-east-1", "us-new-9"]
    (warning,) = fetched.warnings
    assert warning.startswith("regions with capacity that /regions does not list, left out: asia-northeast-1, ")


def images(*regions: object) -> Recorded:
    return Recorded(path=IMAGES, body={"data": [{"id": "1", "region": region} for region in regions]})


FAILED_REGIONS: list[tuple[int, bytes]] = [
    (403, b'{"error":{"code":"global/forbidden"}}'),
    (404, b"{}"),
    (500, b"oops"),
    (429, b"error code: 1015"),
    (200, b""),
    (200, b"<html>"),
    (200, b"{}"),
    (200, b"[]"),
    (200, b"null"),
    (200, b'"data"'),
    (200, b'{"data": []}'),
    (200, b'{"data": {}}'),
    (200, b'{"data": [1, 2]}'),
    (200, b'{"data": [{"name": ""}]}'),
    (200, b'{"data": [{"name": "test-west-1"}]}'),
]


@pytest.mark.parametrize(("status", "body"), FAILED_REGIONS)
def test_regions_come_from_images_then_from_the_table(status: int, body: bytes) -> None:
    recorded = bundled("lambda")
    recorded[REGIONS].fail(status, body)
    fetched = recorded.fetch()
    assert len(rows_of(fetched)) == 17
    (warning,) = fetched.warnings
    assert warning.startswith("regions are the bundled table of 17, since /regions and /images failed: ")

    recorded.answers.append(images({"name": "us-west-3"}, {"name": "eu-1"}, {"name": "eu-1"}, None, {}, "odd"))
    fetched = recorded.fetch()
    assert [row.region for row in rows_of(fetched)] == ["eu-1", "us-west-3"]
    (warning,) = fetched.warnings
    assert warning.startswith("regions are those of /images, since /regions failed: ")


@pytest.mark.parametrize("body", [{"data": []}, {"data": [{"region": None}]}, [], {"data": 7}], ids=repr)
def test_images_without_regions_fall_back_to_the_table(body: object) -> None:
    recorded = bundled("lambda").without(REGIONS)
    recorded.answers.append(Recorded(path=IMAGES, body=body))
    fetched = recorded.fetch()
    assert len(rows_of(fetched)) == 17
    assert "europe-south-1" not in {row.region for row in fetched.offerings}
    assert "bundled table" in fetched.warnings[0]
