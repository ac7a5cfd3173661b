"""Which clouds can be fetched: the entry points of the group `gpu_catalog.fetchers`, ours like anybody's.

A package that registers what cannot be used harms only itself: it is named, with the reason, and the others go on.
Nothing is imported before a cloud is asked for.
"""

from __future__ import annotations

import importlib.metadata
import math
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from fetchers.answers import shown
from fetchers.base import Fetcher
from fetchers.credentials import Credentials
from fetchers.errors import BadFetcher
from gpu_catalog.cloud_names import DISPLAY_NAME, known_clouds, other_cloud_called, why_no_new_cloud

GROUP = "gpu_catalog.fetchers"
"""Group of the entry points: name of the cloud = module:class."""

_OURS = "gpu-catalog"
_LONGEST_MESSAGE = 300
_LONGEST_INTERVAL_SECONDS = 60.0
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Registration:
    """One entry point of the group."""

    cloud: str
    """Its name: what the cloud is called, foreign text as long as it is not accepted."""

    package: str
    """Distribution that brings it, with its version, e.g. `fluffycloud-catalog 1.0`."""

    entry_point: importlib.metadata.EntryPoint
    """Where the class is."""

    @property
    def is_ours(self) -> bool:
        """Whether it comes with gpu-catalog: its package says so, and the code is in our own."""
        named = self.package.partition(" ")[0].lower().replace("_", "-") == _OURS
        return named and self.entry_point.value.startswith("fetchers.")


@dataclass(frozen=True, slots=True)
class Registry:
    """What is registered."""

    accepted: Mapping[str, Registration]
    """Registration by cloud: ours first, in the order of `clouds.csv`, then by name."""

    refused: tuple[str, ...]
    """What cannot be used, one line each: who registers what, and why it is left out."""


@lru_cache(maxsize=1)
def registry() -> Registry:
    """The clouds that this environment can fetch. Reads the metadata of installed packages once; imports none."""
    by_name: dict[str, list[Registration]] = defaultdict(list)
    found, refused = _registrations()
    for one in found:
        by_name[one.cloud].append(one)
    accepted = {}
    for name, claims in by_name.items():
        ours = [claim for claim in claims if claim.is_ours]
        if problem := why_no_new_cloud(name):
            refused += [_refusal(claim, problem) for claim in claims]
        elif len(claims) == 1 or ours:
            accepted[name] = (ours or claims)[0]
            refused += [_refusal(claim, "is taken") for claim in claims if claim is not accepted[name]]
        else:
            others = ", ".join(claim.package for claim in claims)
            refused += [_refusal(claim, f"is registered more than once ({others})") for claim in claims]
    order = {name: place for place, name in enumerate(known_clouds())}
    names = sorted(accepted, key=lambda name: (order.get(name, len(order)), name))
    return Registry({name: accepted[name] for name in names}, tuple(sorted(refused)))


def load_fetcher(cloud: str) -> Fetcher:
    """The fetcher of a cloud, imported and held against the interface.

    Importing runs the package's code: call it where the run may wait and fail for this cloud alone.

    Raises:
        BadFetcher: none is registered, or what is registered cannot be imported or is no fetcher.
    """
    registration = registry().accepted.get(cloud)
    if registration is None:
        raise BadFetcher(f"no fetcher of {shown(cloud)} is installed", "install the package that brings it")
    next_step = f"tell the authors of {registration.package}, or uninstall it"
    try:
        found = registration.entry_point.load()
        fetcher = found() if isinstance(found, type) else found
        problem = why_no_fetcher(fetcher, cloud)
    except (Exception, SystemExit) as exc:
        text = f": {exc}" if isinstance(exc, ImportError) else ""
        what = f"the fetcher of {registration.package} cannot be loaded: {type(exc).__name__}{text}"
        raise BadFetcher(shown(what, _LONGEST_MESSAGE), next_step) from exc
    if problem:
        what = f"the fetcher of {registration.package} is none: {problem}"
        raise BadFetcher(shown(what, _LONGEST_MESSAGE), next_step)
    return cast("Fetcher", fetcher)


def why_no_fetcher(candidate: Any, cloud: str) -> str | None:
    """What an object lacks to be the `Fetcher` of a cloud; None when it lacks nothing."""
    for attribute, (fits, wanted) in _INTERFACE.items():
        if not hasattr(candidate, attribute):
            return f"it has no `{attribute}`"
        if not fits(getattr(candidate, attribute)):
            return f"its `{attribute}` is not {wanted}"
    if candidate.name != cloud:
        return f"its `name` is {candidate.name!r}, and it is registered as {cloud!r}"
    other = other_cloud_called(candidate.display_name, cloud)
    return f"its `display_name` is that of {other}" if other else None


def _is_interval(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and 0 <= value <= _LONGEST_INTERVAL_SECONDS


def _is_pattern(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(re.compile(value))
    except re.error:
        return False


def _are_base_urls(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and _VARIABLE.fullmatch(name) and isinstance(url, str) for name, url in value.items()
    )


_INTERFACE: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "name": (lambda value: type(value) is str, "text"),
    "display_name": (
        lambda value: type(value) is str and DISPLAY_NAME.fullmatch(value),
        "1 to 40 letters, digits, blanks, dots, hyphens and underscores",
    ),
    "base_urls": (_are_base_urls, "a mapping of environment variables to URLs"),
    "credentials": (lambda value: value is None or isinstance(value, Credentials), "a Credentials or None"),
    "min_interval_seconds": (_is_interval, f"a number from 0 to {_LONGEST_INTERVAL_SECONDS:g}"),
    "has_zones": (lambda value: isinstance(value, bool), "True or False"),
    "has_spot": (lambda value: isinstance(value, bool), "True or False"),
    "instance_type_pattern": (_is_pattern, "a regular expression"),
    "recorded": (lambda value: value is None or isinstance(value, Path), "a Path or None"),
    "fetch": (callable, "a method"),
}
"""What each member of `Fetcher` must be, in words for its author."""


def _registrations() -> tuple[list[Registration], list[str]]:
    """Every entry point of the group, and the packages whose metadata cannot be read, one line each."""
    found: dict[tuple[str, str, str], Registration] = {}
    refused = []
    for distribution in importlib.metadata.distributions():
        try:
            points = [point for point in distribution.entry_points if point.group == GROUP]
            if not points:
                continue  # Most packages: their names would be the slow part.
            named = distribution.metadata["Name"] or "a package without a name"
            package = shown(f"{named} {distribution.metadata['Version'] or ''}")
        except Exception as exc:  # noqa: BLE001 - whatever is wrong in the metadata of one package
            refused.append(f"the metadata of a package cannot be read ({type(exc).__name__}): left out")
            continue
        for point in points:  # An environment on two paths can have the same metadata twice.
            found.setdefault((package, point.name, point.value), Registration(point.name, package, point))
    return list(found.values()), refused


def _refusal(claim: Registration, problem: str) -> str:
    return f"{claim.package} registers {shown(claim.cloud)!r}, which {problem}: left out"
