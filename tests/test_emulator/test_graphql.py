"""RunPod GraphQL as documented."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.emulator import KEYS, Emulator, by_id
from tests.emulator.routes import RUNPOD_GRAPHQL
from tests.test_emulator.client import graphql, send

FULL_CATALOG = (Path(__file__).parents[1] / "fixtures" / "runpod_full_catalog.graphql").read_text(encoding="utf-8")
B300 = "NVIDIA B300 SXM6 AC"
IDS = {"query": "{ gpuTypes { id } }"}


def data_of(answer: requests.Response) -> Any:
    assert answer.status_code == 200
    body = answer.json()
    assert body.keys() == {"data"}
    return body["data"]


def messages_of(answer: requests.Response, status: int = 400) -> str:
    body = answer.json()
    assert answer.status_code == status
    assert body["errors"]
    return "\n".join(error["message"] for error in body["errors"])


def test_the_full_catalog(emulator: Emulator) -> None:
    data = data_of(graphql(emulator, FULL_CATALOG))
    assert data["gpuTypes"][-1]["id"] == "unknown"
    assert len(data["dataCenters"]) == 48
    assert [flavor["id"] for flavor in data["cpuFlavors"]] == ["cpu3c", "cpu3g", "cpu3m", "cpu5c", "cpu5g", "cpu5m"]
    b300 = by_id(data["gpuTypes"], B300)
    assert [b300[f"c{count}"]["minVcpu"] for count in range(1, 13)] == [43, 86] + [None] * 10
    assert data["cpu5g"][0]["s32"]["securePrice"] == 1.472
    assert data["dataCenters"][0]["g1"] == []


def test_every_recorded_figure_comes_back(emulator: Emulator) -> None:
    recorded = emulator.data.graphql_gpu_types
    answered = data_of(graphql(emulator, FULL_CATALOG))["gpuTypes"]
    for gpu, answer in zip(recorded, answered, strict=True):
        for name, value in gpu.items():
            figures = value.items() if isinstance(value, dict) else [(name, value)]
            for field, figure in figures:
                assert (answer[name] if field == name else answer[name][field]) == figure


def test_lowest_price_knows_only_what_is_recorded(emulator: Emulator) -> None:
    query = """query One($id: String, $input: GpuLowestPriceInput) {
        gpuTypes(input: {id: $id}) { id lowestPrice(input: $input) { minVcpu minMemory } }
    }"""

    def asked(**condition: object) -> Any:
        variables = {"id": B300, "input": condition}
        return data_of(graphql(emulator, query, variables=variables))["gpuTypes"][0]["lowestPrice"]

    unknown = {"minVcpu": None, "minMemory": None}
    assert asked(gpuCount=2, secureCloud=True)["minVcpu"] == 86
    assert asked(gpuCount=3, secureCloud=True) == unknown
    assert asked(gpuCount=2, secureCloud=False) == unknown
    assert asked(gpuCount=2) == unknown
    assert asked(gpuCount=2, secureCloud=True, dataCenterId="US-KS-2") == unknown
    emulator.data.graphql_same_everywhere = True
    assert asked(gpuCount=2, secureCloud=True, dataCenterId="US-KS-2")["minVcpu"] == 86
    assert asked(gpuCount=2)["minVcpu"] == 86
    assert asked(gpuCount=3) == unknown


def test_filters_by_id(emulator: Emulator) -> None:
    query = '{ gpuTypes(input: {ids: [%s]}) { id } cpuFlavors(input: {id: "cpu5m"}) { id ramMultiplier } }'
    data = data_of(graphql(emulator, query % '"NVIDIA A40", "nothing"'))
    assert data == {"gpuTypes": [{"id": "NVIDIA A40"}], "cpuFlavors": [{"id": "cpu5m", "ramMultiplier": 8}]}


def test_specifics(emulator: Emulator) -> None:
    query = """{ cpuFlavors(input: {id: "cpu3g"}) {
        smallest: specifics { securePrice }
        there: specifics(input: {instanceId: "cpu3g-4-16", dataCenterId: "EU-RO-1"}) { securePrice }
        other: specifics(input: {instanceId: "cpu3g-4-17"}) { securePrice }
    } }"""
    prices = {
        name: figures["securePrice"] for name, figures in data_of(graphql(emulator, query))["cpuFlavors"][0].items()
    }
    assert prices == {"smallest": 0.08, "there": 0.16, "other": None}


def test_stock_of_a_site(emulator: Emulator) -> None:
    site = by_id(emulator.data.graphql_data_centers, "EU-RO-1")
    site["g2"] = [{"gpuTypeId": "NVIDIA A40", "available": True, "stockStatus": "Low"}]
    query = """{ dataCenters { id gpuAvailability(input: {gpuCount: 2, secureCloud: true}) {
        stockStatus gpuType { memoryInGb } } } }"""
    answered = by_id(data_of(graphql(emulator, query))["dataCenters"], "EU-RO-1")
    assert answered["gpuAvailability"] == [{"stockStatus": "Low", "gpuType": {"memoryInGb": 48}}]


def test_lists_without_recorded_entries(emulator: Emulator) -> None:
    query = "{ countryCodes cpuTypes { id displayName manufacturer cores threadsPerCore groupId } }"
    assert data_of(graphql(emulator, query)) == {"countryCodes": [], "cpuTypes": []}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ gpuTypes { id price } }", "Cannot query field 'price'"),
        ("{ gpuTypes { id lowestPrice(input: {gpus: 1}) { minVcpu } } }", "'gpus'"),
        ("{ gpuTypes(filter: {}) { id } }", "Unknown argument 'filter'"),
        ("{ dataCenters { storage { pw } } }", "Cannot query field 'storage'"),
        ("{ myself { id } }", "Cannot query field 'myself'"),
        ("{ gpuTypes }", "must have a selection"),
        ("{ gpuTypes { id }", "Syntax Error"),
        ("", "Syntax Error"),
        ("{ __schema { types { name } } }", "introspection has been disabled"),
        ("query A { countryCodes } query B { countryCodes }", "Must provide operation name"),
        ("query A($id: String!) { gpuTypes(input: {id: $id}) { id } }", "Variable '$id'"),
    ],
)
def test_wrong_documents(emulator: Emulator, query: str, message: str) -> None:
    answer = graphql(emulator, query)
    assert message in messages_of(answer)
    assert "data" not in answer.json()


def test_wrong_variables(emulator: Emulator) -> None:
    query = "query A($input: GpuTypeFilter) { gpuTypes(input: $input) { id } }"
    assert "'$input'" in messages_of(graphql(emulator, query, variables={"input": {"name": "A40"}}))
    assert "not an object" in messages_of(graphql(emulator, query, variables=[1]))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"query": 1}'])
def test_wrong_bodies(emulator: Emulator, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    messages_of(requests.post(emulator.url(RUNPOD_GRAPHQL), data=body, headers=headers, timeout=5))


def test_wrong_media_type_and_method(emulator: Emulator) -> None:
    url = emulator.url(RUNPOD_GRAPHQL)
    messages_of(requests.post(url, data=json.dumps(IDS), timeout=5))
    messages_of(requests.get(url, timeout=5), 405)


@pytest.mark.parametrize("field", ["lowestPrice", "GpuType.lowestPrice"])
def test_resolver_error_is_a_200_with_errors_and_data(emulator: Emulator, field: str) -> None:
    emulator.data.graphql_errors[field] = "Something went wrong"
    query = '{ gpuTypes(input: {id: "NVIDIA A40"}) { id lowestPrice(input: {gpuCount: 1}) { minVcpu } } }'
    answer = graphql(emulator, query)
    assert messages_of(answer, 200) == "Something went wrong"
    assert answer.json()["data"] == {"gpuTypes": [{"id": "NVIDIA A40", "lowestPrice": None}]}


def test_key_is_optional_but_must_be_right(emulator: Emulator) -> None:
    assert data_of(send(emulator, RUNPOD_GRAPHQL, headers={}, body=IDS))
    assert data_of(send(emulator, RUNPOD_GRAPHQL, body=IDS))
    wrong = send(emulator, RUNPOD_GRAPHQL, headers={"Authorization": "Bearer wrong"}, body=IDS)
    assert messages_of(wrong, 401) == "Unauthorized"
    in_url = send(emulator, RUNPOD_GRAPHQL, query=f"?api_key={KEYS['runpod']}", headers={}, body=IDS)
    assert "URL" in messages_of(in_url)
