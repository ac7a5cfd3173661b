"""RunPod GraphQL: documents run against the documented schema, answered from the recorded figures."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLResolveInfo,
    NoSchemaIntrospectionCustomRule,
    build_schema,
    execute_sync,
    parse,
    specified_rules,
    validate,
)

from tests.emulator.auth import accepts
from tests.emulator.data import Data
from tests.emulator.messages import Reply, Request, json_reply

SCHEMA = build_schema((Path(__file__).parent / "runpod.graphqls").read_text(encoding="utf-8"))

_RULES = (*specified_rules, NoSchemaIntrospectionCustomRule)


def errors(status: int, *messages: str) -> Reply:
    """An answer without data."""
    return json_reply(status, {"errors": [{"message": message} for message in messages]})


class _Refused(Exception):
    """A request that is not executed: unreadable, a syntax error, or not what the schema allows."""

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages)
        self.messages = messages


def answer(request: Request, data: Data) -> Reply:
    """Answer a request to `/runpod/graphql`. Catalog queries need no key, but a wrong one is refused."""
    if "authorization" in request.headers and not accepts(request, "runpod", "bearer"):
        return errors(401, "Unauthorized")
    if request.method != "POST":
        reply = errors(405, "GraphQL only supports POST requests.")
        reply.headers["Allow"] = "POST"
        return reply
    try:
        return _run(_asked(request), data)
    except _Refused as exc:
        return errors(400, *exc.messages)


def _asked(request: Request) -> dict[str, Any]:
    """The request's body: query, variables, operationName."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise _Refused("Content-Type must be application/json.")
    try:
        asked = request.json()
    except ValueError:
        raise _Refused("POST body is not JSON.") from None
    if not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
        raise _Refused("POST body has no `query`.")
    if not isinstance(asked.get("variables") or {}, dict):
        raise _Refused("`variables` is not an object.")
    return asked


def _run(asked: dict[str, Any], data: Data) -> Reply:
    """Execute a document; what goes wrong in a field is no failure of the request."""
    result = execute_sync(
        SCHEMA,
        _checked(asked["query"]),
        context_value=data,
        variable_values=asked.get("variables") or {},
        operation_name=asked.get("operationName"),
        field_resolver=_resolve,
    )
    found = result.errors or []
    if any(error.path is None for error in found):
        raise _Refused(*(error.message for error in found))
    failed = [{"message": error.message, "path": error.path} for error in found]
    return json_reply(200, ({"errors": failed} if failed else {}) | {"data": result.data})


@lru_cache(maxsize=64)
def _checked(query: str) -> DocumentNode:
    """The parsed, valid document; cached, since a client sends the same one again and again.

    Raises:
        _Refused: it is not one.
    """
    try:
        document = parse(query)
    except GraphQLError as exc:
        raise _Refused(exc.message) from exc
    if found := validate(SCHEMA, document, _RULES):
        raise _Refused(*(error.message for error in found))
    return document


# Fields -------------------------------------------------------------------------------------------


def _resolve(source: Any, info: GraphQLResolveInfo[Any], input: dict[str, Any] | None = None) -> Any:  # noqa: A002
    """Resolve any field: the special ones by their function, the others from the entry itself."""
    data: Data = info.context
    name = f"{info.parent_type.name}.{info.field_name}"
    message = data.graphql_errors.get(name) or data.graphql_errors.get(info.field_name)
    if message:
        raise GraphQLError(message)
    special = _SPECIAL.get(name)
    if special:
        return special(data, source, {key: value for key, value in (input or {}).items() if value is not None})
    return source.get(info.field_name) if isinstance(source, dict) else None


def _gpu_types(data: Data, source: None, given: dict[str, Any]) -> Any:
    ids = given.get("ids", [given["id"]] if "id" in given else None)
    return data.graphql_gpu_types if ids is None else _with_ids(data.graphql_gpu_types, ids)


def _cpu_flavors(data: Data, source: None, given: dict[str, Any]) -> Any:
    return _with_ids(data.graphql_cpu_flavors, [given["id"]]) if "id" in given else data.graphql_cpu_flavors


def _with_ids(entries: Any, ids: list[str]) -> list[Any]:
    return [entry for entry in entries if isinstance(entry, dict) and entry.get("id") in ids]


def _lowest_price(data: Data, gpu: dict[str, Any], given: dict[str, Any]) -> Any:
    if data.graphql_same_everywhere:
        given = {"gpuCount": given.get("gpuCount"), "secureCloud": True}
    return _for_gpu_count("c", gpu, given, nothing={})


def _gpu_availability(data: Data, site: dict[str, Any], given: dict[str, Any]) -> Any:
    return _for_gpu_count("g", site, given, nothing=[])


def _for_gpu_count(letter: str, source: dict[str, Any], given: dict[str, Any], nothing: Any) -> Any:
    """What is recorded of so many GPUs on secure cloud; nothing is recorded under any further condition."""
    if given.keys() - {"gpuCount", "secureCloud"} or given.get("secureCloud") is not True:
        return nothing
    return source.get(f"{letter}{given.get('gpuCount')}", nothing)


def _gpu_type_of(data: Data, availability: dict[str, Any], given: dict[str, Any]) -> Any:
    return next(iter(_with_ids(data.graphql_gpu_types, [availability["gpuTypeId"]])), None)


def _specifics(data: Data, flavor: dict[str, Any], given: dict[str, Any]) -> Any:
    """Figures of one size, the same at every site; without an instance id, of the smallest. All null of no size."""
    if "instanceId" not in given:
        return flavor.get(f"s{flavor.get('minVcpu')}", {})
    sizes = [key[1:] for key in flavor if key[0] == "s" and key[1:].isdecimal()]
    ram_per_vcpu = flavor.get("ramMultiplier") or 0
    names = {f"{flavor.get('id')}-{vcpus}-{int(vcpus) * ram_per_vcpu:g}": vcpus for vcpus in sizes}
    return flavor.get(f"s{names.get(given['instanceId'])}", {})


_SPECIAL: dict[str, Callable[[Data, Any, dict[str, Any]], Any]] = {
    "Query.gpuTypes": _gpu_types,
    "Query.dataCenters": lambda data, *_: data.graphql_data_centers,
    "Query.countryCodes": lambda data, *_: data.graphql_country_codes,
    "Query.cpuTypes": lambda data, *_: data.graphql_cpu_types,
    "Query.cpuFlavors": _cpu_flavors,
    "GpuType.lowestPrice": _lowest_price,
    "DataCenter.gpuAvailability": _gpu_availability,
    "GpuAvailability.gpuType": _gpu_type_of,
    "CpuFlavor.specifics": _specifics,
}
