"""A cloud that SkyPilot has no module for: what its generic catalog functions say of the FluffyCloud example."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from gpu_catalog import Offering
from gpu_catalog.reading import read_vms_csv
from publisher.adding import AddRequest, add
from tests.contract.questions import Question, question

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "fluffycloud" / "by_hand"
CLOUD = "nimbus"
"""Not `fluffycloud`: who has that package installed fetches it."""


def publish(folder: Path) -> None:
    """Bring the hand-written files of the example into a folder of catalogs."""
    request = AddRequest(
        cloud=CLOUD, vms=EXAMPLE / "vms.csv", images=EXAMPLE / "images.csv", output=folder, as_of=date(2026, 11, 20)
    )
    added = add(request)
    assert added.entry is not None, added.reports[0].to_text()


def differences(ask: Callable[[Sequence[Question]], Sequence[Any]], place: Path) -> tuple[int, list[str]]:
    """How many questions were asked, and every answer that is not what the files in `place` say."""
    offerings = read_vms_csv(place / "vms.csv", CLOUD)
    asked = [*_about_rows(offerings), *_about_accelerators(offerings), *_about_images(place / "images.csv")]
    answers = ask([one for one, _ in asked])
    pairs = zip(asked, answers, strict=True)
    return len(asked), [f"{one}: {given!r}, not {wanted!r}" for (one, wanted), given in pairs if given != wanted]


def _generic(function: str, file: str = "vms.csv", **arguments: Any) -> Question:
    return question("generic", name=f"{function}_impl", file=f"{CLOUD}/{file}", **arguments)


def _about_rows(offerings: Sequence[Offering]) -> Iterator[tuple[Question, Any]]:
    for one in offerings:
        at: dict[str, Any] = {"instance_type": one.instance_type, "region": one.region, "zone": None}
        yield _generic("get_hourly_cost", use_spot=False, **at), float(one.price_usd_per_hour)
        if one.spot_price_usd_per_hour is not None:
            yield _generic("get_hourly_cost", use_spot=True, **at), float(one.spot_price_usd_per_hour)
        named = {"instance_type": one.instance_type}
        yield _generic("instance_type_exists", **named), True
        yield _generic("get_vcpus_mem_from_instance_type", **named), [one.vcpus, one.memory_gib]
        gpus = {one.accelerator_name: int(one.accelerator_count)} if one.accelerator_count else None
        yield _generic("get_accelerators_from_instance_type", **named), gpus
        spelled = one.region.upper()
        yield _generic("validate_region_zone", cloud_name=CLOUD, region=spelled, zone=None), [one.region, None]
    yield _generic("instance_type_exists", instance_type="no-such-type"), False


def _about_accelerators(offerings: Sequence[Offering]) -> Iterator[tuple[Question, Any]]:
    for name, count in sorted({(one.accelerator_name or "", one.accelerator_count or 0) for one in offerings}):
        if not name:
            continue
        fitting = [one for one in offerings if (one.accelerator_name, one.accelerator_count) == (name, count)]
        best = min(fitting, key=lambda one: one.price_usd_per_hour)
        found = [[best.instance_type], []]
        yield _generic("get_instance_type_for_accelerator", acc_name=name, acc_count=count), found
        listing = _generic(
            "list_accelerators", cloud=CLOUD, gpus_only=True, name_filter=f"^{name}$", region_filter=None,
            quantity_filter=int(count),
        )  # fmt: skip
        spot = best.spot_price_usd_per_hour
        yield listing, {
            name: [[
                CLOUD, best.instance_type, name, int(count), best.vcpus, (best.gpu_memory_mib or 0) / 1024,
                best.memory_gib, float(best.price_usd_per_hour), None if spot is None else float(spot), best.region,
            ]]
        }  # fmt: skip


def _about_images(file: Path) -> Iterator[tuple[Question, Any]]:
    with file.open(encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            at = {"file": "images.csv", "tag": row["Tag"], "region": row["Region"]}
            yield _generic("get_image_id_from_tag", **at), row["ImageId"]
            yield _generic("is_image_tag_valid", **at), True
