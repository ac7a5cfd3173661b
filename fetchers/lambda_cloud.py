"""Lambda Cloud: two requests, every type in every region.

Source of every rule here: Lambda's OpenAPI 1.10.0 and recordings of its answers in public test data. No endpoint
says which regions a type can run in, so each type is written for each region: a superset of the truth.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fetchers.answers import Answer
from fetchers.base import ANY_INSTANCE_TYPE, Unusable, is_site_name, list_of_objects, member, shown, text_or_none
from fetchers.credentials import Credentials
from fetchers.errors import FetchError, UnexpectedAnswer
from fetchers.naming import ResolvedAccelerator, resolve_accelerator
from fetchers.replay import BUNDLED
from fetchers.session import Session
from fetchers.tables import data_rows
from gpu_catalog.errors import BadQuantity
from gpu_catalog.numbers import parse_quantity, parse_whole
from gpu_catalog.offering import Offering, Skipped

_MODEL = re.compile(r"\s*(.+?)\s*\(([1-9]\d{0,3}) GB")
_ARCHITECTURES = ("x86_64", "arm64")
# INFERRED: the field `architecture` was added to the API in 2026; GH200 is the only Arm host known.
_ARM_MODELS = ("GH200",)


@dataclass(frozen=True, slots=True)
class _Gpus:
    """The GPUs of one instance type."""

    accelerator: ResolvedAccelerator
    count: int
    memory_mib: int


class LambdaCloud:
    """Fetcher of Lambda Cloud."""

    name = "lambda"
    display_name = "Lambda"
    base_urls: Mapping[str, str] = {"LAMBDA_BASE_URL": "https://cloud.lambda.ai"}
    credentials = Credentials("LAMBDA_API_KEY", ".lambda_cloud/lambda_keys", ("api_key",), bare_key_allowed=True)
    min_interval_seconds = 1.0
    has_zones = False
    has_spot = False
    instance_type_pattern = ANY_INSTANCE_TYPE  # The API's own names, whatever they are.
    recorded = BUNDLED / "lambda"

    def fetch(self, session: Session) -> Iterator[Offering | Skipped]:
        """Yield one Offering per type and region, in the order of the answer."""
        base = session.base_url("LAMBDA_BASE_URL") + "/api/v1"
        answer = session.get(f"{base}/instance-types")
        types = member(answer.data, "data", "the answer of /instance-types")
        if not isinstance(types, dict):
            raise UnexpectedAnswer(
                "`data` of /instance-types is not an object", "the API may have changed; report this"
            )
        if not types:
            raise UnexpectedAnswer(
                "/instance-types lists no types",
                "Lambda answers so at times; nothing is published, try again later",
            )
        regions = self._regions(session, base, _regions_with_capacity(types))
        for key, entry in types.items():
            try:
                yield from self._offerings(session, answer, entry, regions)
            except Unusable as exc:
                yield Skipped(
                    cloud=self.name,
                    listing=shown(key) or "(no name)",
                    rule=exc.rule,
                    reason=str(exc),
                    broken=True,
                    rows=len(regions),
                )

    def _regions(self, session: Session, base: str, with_capacity: set[str]) -> list[str]:
        """All regions: from /regions, else from /images, else the bundled table; says which when not the first."""
        try:
            answer = session.get(f"{base}/regions", has_substitute=True)
            regions = _region_names(session, list_of_objects(answer.data["data"], "/regions"))
            if unlisted := with_capacity - set(regions):
                names = ", ".join(sorted(unlisted))
                session.warn(f"regions with capacity that /regions does not list, left out: {names}")
            return regions
        except (FetchError, TypeError, KeyError) as exc:
            why = exc.what if isinstance(exc, FetchError) else "no `data`"
        try:
            answer = session.get(f"{base}/images", has_substitute=True)
            images = list_of_objects(answer.data["data"], "/images")
            regions = _region_names(session, [image.get("region") for image in images])
            session.warn(f"regions are those of /images, since /regions failed: {why}")
        except (FetchError, TypeError, KeyError):
            regions = [row["name"] for row in data_rows("lambda_regions")]
            session.warn(
                f"regions are the bundled table of {len(regions)}, since /regions and /images failed: {why}"
            )
        return regions

    def _offerings(self, session: Session, answer: Answer, entry: Any, regions: list[str]) -> Iterable[Offering]:
        """The Offerings of one type.

        Raises:
            Unusable: name, model, size or price cannot be read.
        """
        details = entry.get("instance_type") if isinstance(entry, dict) else None
        if not isinstance(details, dict):
            raise Unusable("not-an-object", "the entry has no `instance_type` object")
        stated = details.get("specs")
        specs = stated if isinstance(stated, dict) else {}
        name = text_or_none(details.get("name"))
        if name is None:
            raise Unusable("no-name", "`name` is missing")
        price = _price(details.get("price_cents_per_hour"))
        try:
            vcpus = parse_quantity(specs.get("vcpus"), "vcpus")
            memory_gib = parse_quantity(specs.get("memory_gib"), "memory_gib")
        except BadQuantity as exc:
            raise Unusable("no-size", str(exc)) from exc
        gpus = self._gpus(name, text_or_none(details.get("gpu_description")), specs)
        if gpus and not gpus.accelerator.listed:
            session.warn(f"the GPU of {name} is not in accelerators.csv; published as {gpus.accelerator.name}")
        with_capacity = _capacity(entry.get("regions_with_capacity_available"))
        return [
            Offering(
                cloud=self.name,
                instance_type=name,
                region=region,
                vcpus=vcpus,
                memory_gib=memory_gib,
                price_usd_per_hour=price,
                accelerator_name=gpus.accelerator.name if gpus else None,
                accelerator_count=float(gpus.count) if gpus else None,
                accelerator_vendor=gpus.accelerator.vendor if gpus else None,
                gpu_memory_mib=gpus.memory_mib if gpus else None,
                arch=_architecture(details.get("architecture"), gpus),
                in_stock=None if with_capacity is None else region in with_capacity,
                listing=name,
                source=answer.source,
                observed_at=answer.observed_at,
                marks=tuple(gpus.accelerator.marks) if gpus else (),
            )
            for region in regions
        ]

    def _gpus(self, name: str, description: str | None, specs: dict[str, Any]) -> _Gpus | None:
        """The GPUs of a type, None for a CPU type. Model and memory come from the description, never the name."""
        gpus = specs.get("gpus")
        match = _MODEL.match(description or "")
        says_cpu = name.startswith("cpu_") or (description == "N/A" and not name.startswith("gpu_"))
        if match is None and ((gpus is None and says_cpu) or (gpus == 0 and not isinstance(gpus, bool))):
            return None
        # From here on it has GPUs, or contradicts itself: then it is no row, and never one without its GPUs.
        try:
            count = parse_whole(gpus, "specs.gpus")
        except BadQuantity as exc:
            raise Unusable("no-count", str(exc)) from exc
        if match is None:
            raise Unusable("no-model", f"gpu_description {str(description)[:60]!r} does not name model and memory")
        model, memory_gb = match[1], int(match[2])
        accelerator = resolve_accelerator(self.name, f"{model} {memory_gb}GB", model)
        return _Gpus(accelerator, count, memory_gb * 1024)


def _price(cents: Any) -> Decimal:
    """USD per hour of the whole instance, from whole US cents (a number, or digits as text)."""
    try:
        return Decimal(parse_whole(cents, "price_cents_per_hour")) / 100
    except BadQuantity as exc:
        raise Unusable("no-price", str(exc)) from exc


def _architecture(stated: Any, gpus: _Gpus | None) -> str | None:
    if stated is None:
        return "arm64" if gpus and gpus.accelerator.name in _ARM_MODELS else "x86_64"
    return stated if stated in _ARCHITECTURES else None


def _capacity(regions: Any) -> set[str] | None:
    """Names of the regions with capacity now; None when the list cannot be read."""
    if not isinstance(regions, list):
        return None
    return {str(region.get("name")) for region in regions if isinstance(region, dict)}


def _regions_with_capacity(types: dict[str, Any]) -> set[str]:
    """The regions in which any type can be had now, but test regions and those that no catalog can hold."""
    entries = [entry.get("regions_with_capacity_available") for entry in types.values() if isinstance(entry, dict)]
    names = {name for entry in entries for name in _capacity(entry) or ()}
    return {name for name in names if is_site_name(name) and not _is_test_region(name)}


def _is_test_region(name: str) -> bool:
    # INFERRED: some SDK generations carry test-east-1 and test-west-1.
    return name.startswith("test-")


def _region_names(session: Session, entries: list[Any]) -> list[str]:
    """Distinct names, sorted, without test regions and without those that no catalog can hold.

    Raises:
        UnexpectedAnswer: none is left.
    """
    names = {text_or_none(entry.get("name")) for entry in entries if isinstance(entry, dict)}
    regions = sorted(name for name in names if name and not _is_test_region(name))
    # One of these would spoil a row of every type; the region is at fault, not the types.
    unusable = [name for name in regions if not is_site_name(name)]
    if unusable:
        session.warn(f"regions whose names no catalog can hold, left out: {', '.join(unusable)}")
    regions = [name for name in regions if name not in unusable]
    if not regions:
        raise UnexpectedAnswer("no region has a name", "the API may have changed; report this")
    return regions
