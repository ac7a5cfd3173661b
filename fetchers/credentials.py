"""Finding API keys: environment first, then the file that the cloud's own tools write.

Keys have no command-line flag, since a process list shows flags, and never appear in a message.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fetchers.errors import CredentialsMissing

MAX_KEY_FILE_BYTES = 64 * 1024

_SECTION = re.compile(r"\[\s*([^\]]*?)\s*\]")
_ASSIGNMENT = re.compile(r"([\w.-]+)\s*[=:]\s*(.*)")
_QUOTED = re.compile(r"""(["'])(.*?)\1""")
_KEY = re.compile(r"[!-~]{1,512}")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where one cloud's key may lie, and how a request carries it."""

    variable: str
    """Environment variable, which wins."""

    file: str
    """Path below the home directory."""

    names: tuple[str, ...]
    """What the key is called in that file, compared without case."""

    header: tuple[str, str] = ("Authorization", "Bearer {key}")
    """Header that carries the key, and its value with `{key}` in it."""

    required: bool = True
    """False where a catalog can be had without a key."""

    bare_key_allowed: bool = False
    """Whether a file with nothing but the key is understood too."""


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """A key that was found. Its `repr` does not show it."""

    text: str
    """The key itself."""

    found_in: str
    """The variable or file it came from, for messages."""

    warning: str | None = None
    """What is wrong with the way it is kept, if anything."""

    def __repr__(self) -> str:
        return f"Key(found_in={self.found_in!r})"


def find_key(source: Credentials, environ: Mapping[str, str] | None = None, home: Path | None = None) -> Key | None:
    """The key of a cloud, or None when neither variable nor file has one.

    Raises:
        CredentialsMissing: there is a file, but it cannot be read or has no key in it; or what is there is no key.
    """
    environ = os.environ if environ is None else environ
    value = _unquoted(environ.get(source.variable, ""))
    if value:
        return Key(_checked(value, source.variable), source.variable)
    try:
        path = (Path.home() if home is None else home) / source.file
        mode = path.stat().st_mode
        if path.stat().st_size > MAX_KEY_FILE_BYTES:
            raise CredentialsMissing(f"~/{source.file} is too large for a key file", f"set {source.variable}")
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError, RuntimeError):  # RuntimeError: the user has no home directory.
        return None
    except (OSError, UnicodeDecodeError) as exc:
        raise CredentialsMissing(f"~/{source.file} cannot be read", f"mend it or set {source.variable}") from exc
    value = _value_in(text, source)
    if not value:
        raise CredentialsMissing(
            f"~/{source.file} has no line `{source.names[0]} = KEY`", f"mend it or set {source.variable}"
        )
    exposed = os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO)
    warning = f"others can read ~/{source.file}; run: chmod 600 ~/{source.file}" if exposed else None
    return Key(_checked(value, f"~/{source.file}"), f"~/{source.file}", warning)


def _value_in(text: str, source: Credentials) -> str:
    """The first assignment to one of the names, at the top or in a `[default]` section; else the bare key."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and line[0] not in "#;"]
    section = "default"
    for line in lines:
        if match := _SECTION.match(line):
            section = match[1].lower()
        elif (match := _ASSIGNMENT.match(line)) and section == "default" and match[1].lower() in source.names:
            return _unquoted(match[2])
    if source.bare_key_allowed and len(lines) == 1 and not _ASSIGNMENT.match(lines[0]):
        return _unquoted(lines[0])
    return ""


def _unquoted(value: str) -> str:
    """Without surrounding space, quotes and a trailing comment."""
    value = value.strip()
    if match := _QUOTED.match(value):
        return match[2].strip()
    return re.split(r"\s[#;]", value, maxsplit=1)[0].strip() if not value.startswith("#") else ""


def _checked(value: str, where: str) -> str:
    # A control character would reach an HTTP header, and requests quotes the whole header in its error.
    if not _KEY.fullmatch(value):
        raise CredentialsMissing(f"what {where} holds is no API key", "copy the key again, on one line")
    return value
