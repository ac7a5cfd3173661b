"""`latest.json`: which publication readers are to read, and what was found out about it since it was published."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gpu_catalog import json_values
from gpu_catalog.errors import BadCatalogFile

POINTER_NAME = "latest.json"
PUBLICATIONS = "publications"

MAX_POINTER_BYTES = 1024 * 1024

_PUBLICATION_ID = re.compile(r"[A-Za-z0-9-][A-Za-z0-9._-]{0,99}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """`latest.json`, the only file of a publication place that is ever replaced and that readers need."""

    id: str
    """Id of the publication that readers are to read."""

    sha256: str
    """Hex digest of its manifest."""

    checked_at: str
    """When a publisher last looked whether it is current, UTC."""

    confirmed: Mapping[str, str] = field(default_factory=dict)
    """By cloud, when its prices were last seen to be these, UTC: later than `observed_at` while nothing moves."""

    held_back: Mapping[str, str] = field(default_factory=dict)
    """By cloud, `<observed_at> <digests>` of a change that the drift gate held back: the same in a later fetch is
    accepted."""

    def to_json(self) -> bytes:
        """The bytes of the file; every time the same for the same pointer."""
        fields: dict[str, object] = {"id": self.id, "sha256": self.sha256, "checked_at": self.checked_at}
        for name, by_cloud in (("confirmed", self.confirmed), ("held_back", self.held_back)):
            if by_cloud:
                fields[name] = dict(sorted(by_cloud.items()))
        return (json.dumps(fields, indent=1) + "\n").encode()


def parse_pointer(content: bytes, where: str = POINTER_NAME) -> Pointer:
    """Read a `latest.json`; `where` names it in messages. What it says beyond our fields is ignored.

    Raises:
        BadCatalogFile: id, sha256 or checked_at is missing, the id is none, or it is too large.
    """
    if len(content) > MAX_POINTER_BYTES:
        raise BadCatalogFile(f"{where}: larger than {MAX_POINTER_BYTES} bytes")
    try:
        data = json_values.loads(content.decode())
        known = {key: json_values.text(data, key) for key in ("id", "sha256", "checked_at")}
        confirmed, held_back = (_texts(data.get(key)) for key in ("confirmed", "held_back"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise BadCatalogFile(f"{where}: no pointer with id, sha256 and checked_at ({exc})") from exc
    if not _PUBLICATION_ID.fullmatch(known["id"]):
        raise BadCatalogFile(f"{where}: id {known['id'][:80]!r} is no publication id")
    return Pointer(
        id=known["id"], sha256=known["sha256"], checked_at=known["checked_at"],
        confirmed={cloud: moment for cloud, moment in confirmed.items() if _MOMENT.fullmatch(moment)},
        held_back=held_back,
    )  # fmt: skip


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {key: text for key, text in value.items() if isinstance(text, str)}
