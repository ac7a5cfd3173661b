"""A plain client for these tests: no retries, no redirects, the key where it belongs."""

from __future__ import annotations

from typing import Any

import requests

from tests.emulator import KEYS, Emulator
from tests.emulator.auth import cloud_of
from tests.emulator.routes import RUNPOD_GRAPHQL, Route

TIMEOUT_SECONDS = 5

KEY_HEADERS = {
    "yotta": {"X-Api-Key": KEYS["yotta"]},
    "lambda": {"Authorization": f"Bearer {KEYS['lambda']}"},
    "runpod": {"Authorization": f"Bearer {KEYS['runpod']}"},
}


def send(
    emulator: Emulator,
    route: Route,
    *,
    query: str = "",
    headers: dict[str, str] | None = None,
    body: object = None,
    timeout: float = TIMEOUT_SECONDS,
    stream: bool = False,
) -> requests.Response:
    """Send a request to a route; `headers` replace those with the key."""
    cloud = cloud_of(route[1])
    return requests.request(
        route[0],
        emulator.url(route) + query,
        headers=KEY_HEADERS[cloud] if headers is None and cloud else headers,
        json=body,
        timeout=timeout,
        allow_redirects=False,
        stream=stream,
    )


def graphql(emulator: Emulator, query: str, **more: Any) -> requests.Response:
    """POST a GraphQL document without a key."""
    return send(emulator, RUNPOD_GRAPHQL, headers={}, body={"query": query, **more})
