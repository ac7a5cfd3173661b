"""The keys the emulator accepts, and how requests present them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tests.emulator import routes
from tests.emulator.messages import Request

Cloud = Literal["yotta", "lambda", "runpod"]
Form = Literal["x-api-key", "bearer", "basic", "other"]

KEYS: dict[Cloud, str] = {
    "yotta": "emulated-yotta-key-5f1c",
    "lambda": "secret_emulated_2b9e.77d0",
    "runpod": "rpa_EMULATED8C41",
}
"""The one key that each cloud accepts."""

VARIABLES: dict[Cloud, str] = {"yotta": "YOTTA_API_KEY", "lambda": "LAMBDA_API_KEY", "runpod": "RUNPOD_API_KEY"}

_QUERY_NAMES = ("api_key", "api-key", "apikey", "x-api-key", "key", "token", "access_token")


@dataclass(frozen=True, slots=True)
class Credential:
    """A key in a header."""

    form: Form
    """How it was presented."""

    text: str
    """The key; of Basic, what was encoded, without its closing colon."""


def credentials(headers: Mapping[str, str]) -> list[Credential]:
    """All keys in the headers; names in `headers` are lower case."""
    found = [Credential("x-api-key", headers["x-api-key"])] if "x-api-key" in headers else []
    scheme, _, text = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        found.append(Credential("bearer", text.strip()))
    elif scheme.lower() == "basic":
        found.append(Credential("basic", _basic(text.strip())))
    elif scheme:
        found.append(Credential("other", text.strip() or scheme))
    return found


def _basic(text: str) -> str:
    """`KEY` of base64 of `KEY:`; Lambda also accepts the bare key."""
    try:
        decoded = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return text
    return decoded.removesuffix(":") if ":" in decoded else text


def accepts(request: Request, cloud: Cloud, *forms: Form) -> bool:
    """Whether the request presents the cloud's key in one of the forms that the cloud reads."""
    return any(item.form in forms and item.text == KEYS[cloud] for item in credentials(request.headers))


def whose_key(headers: Mapping[str, str]) -> str | None:
    """The cloud whose key is in the headers, `unknown` for any other key, None without."""
    texts = [item.text for item in credentials(headers)]
    owners = [cloud for cloud, key in KEYS.items() if key in texts]
    return owners[0] if owners else ("unknown" if texts else None)


def key_in_url(target: str, query: Mapping[str, object]) -> bool:
    """Whether a key, ours or what looks like one by its name, is in the request's URL."""
    return any(key in target for key in KEYS.values()) or any(name.lower() in _QUERY_NAMES for name in query)


def cloud_of(path: str) -> Cloud | None:
    """The cloud that a path belongs to."""
    prefixes: dict[str, Cloud] = {routes.YOTTA: "yotta", routes.LAMBDA: "lambda", routes.RUNPOD: "runpod"}
    return next((cloud for prefix, cloud in prefixes.items() if path.startswith(prefix + "/")), None)
