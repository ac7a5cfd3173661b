"""What the emulator answers from: plain JSON structures, loaded from recorded sets, that a test may change."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BUNDLED = Path(__file__).resolve().parents[2] / "fetchers" / "recorded"

_INDEX = "index.json"


@dataclass(slots=True, kw_only=True)
class Data:
    """One emulator's figures. Fields may be assigned anything that `json.dumps` takes, right or wrong."""

    yotta_types: Any
    """`data` of `/v2/vms/types`."""

    yotta_gpus: Any
    """`data` of `/openapi/v1/gpus/list`; None: it answers 404, as in the bundled set."""

    lambda_types: Any
    """`data` of `/instance-types`: an object by type name."""

    lambda_regions: Any
    """`data` of `/regions`."""

    lambda_images: Any
    """`data` of `/images`: by default one placeholder image for each region."""

    runpod_gpus: Any
    """`gpus` of `/v2/catalog/gpus`, with `availability` and `dataCenters` if they are to be had at all."""

    runpod_cpus: Any
    """`cpus` of `/v2/catalog/cpus`."""

    runpod_data_centers: Any
    """`dataCenters` of `/v2/catalog/datacenters`."""

    graphql_gpu_types: Any
    """`gpuTypes` of GraphQL; `c1` to `c12` of an entry are its `lowestPrice` for that many GPUs on secure cloud."""

    graphql_data_centers: Any
    """`dataCenters` of GraphQL; `g1` and so on of an entry are its `gpuAvailability` for that many GPUs."""

    graphql_cpu_flavors: Any
    """`cpuFlavors` of GraphQL; `s2` and so on of an entry are its `specifics` for that many vCPUs."""

    graphql_cpu_types: Any = field(default_factory=list)
    """`cpuTypes` of GraphQL; none are recorded."""

    graphql_country_codes: Any = field(default_factory=list)
    """`countryCodes` of GraphQL; none are recorded."""

    graphql_same_everywhere: bool = False
    """Whether `lowestPrice` is the recorded one at every site, on either cloud and under any further condition.

    Nothing is recorded of that; it lets clients run which ask site by site."""

    graphql_errors: dict[str, str] = field(default_factory=dict)
    """Messages of resolver errors by field, `lowestPrice` or `GpuType.lowestPrice`: HTTP 200 with `errors`."""


def load(recorded: Path | None = None) -> Data:
    """Read the recorded sets below a folder; of a cloud that has none there, the bundled one.

    Raises:
        OSError, ValueError, KeyError: a set that cannot be read.
    """
    yotta, lambda_, runpod = (_Recorded.find(recorded, cloud) for cloud in ("yotta", "lambda", "runpod"))
    regions = lambda_.body("/regions")["data"]
    images = lambda_.body_or_none("/images")
    gpus = yotta.body_or_none("/gpus/list")
    graphql = runpod.body("/graphql")["data"]
    return Data(
        yotta_types=yotta.body("/vms/types")["data"],
        yotta_gpus=gpus["data"] if gpus else None,
        lambda_types=lambda_.body("/instance-types")["data"],
        lambda_regions=regions,
        lambda_images=images["data"] if images else [_placeholder_image(region) for region in regions],
        runpod_gpus=runpod.body("/catalog/gpus")["gpus"],
        runpod_cpus=runpod.body("/catalog/cpus")["cpus"],
        runpod_data_centers=runpod.body("/catalog/datacenters")["dataCenters"],
        graphql_gpu_types=graphql["gpuTypes"],
        graphql_data_centers=graphql["dataCenters"],
        graphql_cpu_flavors=_flavors_with_sizes(graphql),
    )


def by_id(items: Iterable[Any], wanted: str) -> Any:
    """The entry with that id, to be changed in place.

    Raises:
        KeyError: there is none.
    """
    for item in items:
        if isinstance(item, dict) and item.get("id") == wanted:
            return item
    raise KeyError(wanted)


@dataclass(frozen=True, slots=True)
class _Recorded:
    """One cloud's recorded set."""

    folder: Path
    answers: list[dict[str, Any]]

    @classmethod
    def find(cls, recorded: Path | None, cloud: str) -> _Recorded:
        """The cloud's set in `recorded/<cloud>` or in `recorded` itself, else the bundled one."""
        places = [BUNDLED / cloud] if recorded is None else [recorded / cloud, recorded, BUNDLED / cloud]
        for folder in places:
            if (folder / _INDEX).is_file():
                index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
                if index["cloud"] == cloud:
                    return cls(folder, index["answers"])
        raise FileNotFoundError(f"no recorded set of {cloud}")

    def body_or_none(self, ending: str) -> Any:
        """The last good answer of the path with that ending, parsed; None if there is none."""
        for entry in reversed(self.answers):
            if entry["path"].endswith(ending) and entry["status"] == 200:
                return json.loads((self.folder / entry["body"]).read_text(encoding="utf-8"))
        return None

    def body(self, ending: str) -> Any:
        """As `body_or_none`.

        Raises:
            KeyError: there is none.
        """
        body = self.body_or_none(ending)
        if body is None:
            raise KeyError(f"{self.folder} holds no good answer of {ending}")
        return body


def _flavors_with_sizes(graphql: dict[str, Any]) -> list[Any]:
    """The flavors, each with the sizes that the recorded document asked for under the flavor's id as alias."""
    return [{**flavor, **(graphql.get(flavor["id"]) or [{}])[0]} for flavor in graphql["cpuFlavors"]]


def _placeholder_image(region: dict[str, str]) -> dict[str, Any]:
    """An image in the documented shape; everything but the region is a placeholder."""
    return {
        "id": f"image-{region['name']}",
        "created_time": "2025-11-22T00:00:00Z",
        "updated_time": "2025-11-22T00:00:00Z",
        "name": "placeholder",
        "description": "placeholder",
        "family": "placeholder",
        "version": "1.0.0",
        "architecture": "x86_64",
        "region": dict(region),
    }
