"""Inputs that are almost right: real bytes and real JSON, damaged a little.

Noise dies at a parser's first line; what is read to its end and wrong in one place reaches the rest of it.
"""

from __future__ import annotations

import copy
import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.fetchers.recordings import exact_json
from tests.gpu_catalog.hostile import CHARACTERS, FRAGMENTS

MAX_BYTES = 256 * 1024
"""Of one input; the parsers' own limits have tests of their own."""

# Bytes ---------------------------------------------------------------------------------------------

TOKENS = (
    *(text.encode(errors="surrogatepass") for text in FRAGMENTS),
    b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f\x92\xb8", b"\r", b"\n\n", b'""', b'"\n"', b",,", b"0.0000005",
    b"9999999999999999999999999", b"1E+5", b"1.0000000000000000000000001", b"NA", b"'''", b"{}", b"[]",
)  # fmt: skip
_WORD = re.compile(rb"[\w.+-]+|\s+|[^\w\s]")
_HOW = ("insert", "token", "word", "cut", "repeat", "flip", "truncate", "splice", "lines", "blow up")


@st.composite
def damaged(draw: DrawFn, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds with up to four damages, or noise."""
    if draw(st.integers(0, 19)) == 19:
        return draw(st.binary(max_size=64))
    content = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 4))):
        content = _damaged_once(draw, content, seeds)[:MAX_BYTES]
    return content


def damaged_text(seeds: Sequence[str]) -> SearchStrategy[str]:
    """As `damaged`, for text; what is no UTF-8 becomes half surrogate pairs."""
    encoded = [seed.encode(errors="surrogatepass") for seed in seeds]
    return damaged(encoded).map(lambda content: content.decode("utf-8", "surrogateescape"))


def _damaged_once(draw: DrawFn, content: bytes, seeds: Sequence[bytes]) -> bytes:
    start = draw(st.integers(0, len(content)))
    end = draw(st.integers(start, min(len(content), start + 80)))
    before, piece, after = content[:start], content[start:end], content[end:]
    how = draw(st.sampled_from(_HOW))
    if how in {"token", "word"}:
        return _with_a_word_replaced(draw, content, from_itself=how == "word")
    if how == "lines":
        return _with_lines_moved(draw, content)
    if how == "flip":
        return before + bytes(byte ^ (1 << draw(st.integers(0, 7))) for byte in piece[:3]) + piece[3:] + after
    if how == "splice":
        other = draw(st.sampled_from(seeds))
        return before + other[draw(st.integers(0, len(other))) :]
    changed = {
        "insert": lambda: piece + draw(st.sampled_from(TOKENS)),
        "repeat": lambda: piece * draw(st.integers(2, 9)),
        "blow up": lambda: piece * draw(st.sampled_from([300, 3000])),
    }
    return before if how == "truncate" else before + changed.get(how, bytes)() + after


def _with_a_word_replaced(draw: DrawFn, content: bytes, *, from_itself: bool) -> bytes:
    words = list(_WORD.finditer(content[:8192]))
    if not words:
        return draw(st.sampled_from(TOKENS))
    word = draw(st.sampled_from(words))
    other = draw(st.sampled_from(words))[0] if from_itself else draw(st.sampled_from(TOKENS))
    return content[: word.start()] + other + content[word.end() :]


def _with_lines_moved(draw: DrawFn, content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    if not lines:
        return content
    moved = draw(st.sampled_from(lines))
    if draw(st.booleans()):
        lines.remove(moved)
    lines.insert(draw(st.integers(0, len(lines))), moved)
    return b"".join(lines)


# CSV -----------------------------------------------------------------------------------------------

CELLS = (
    *FRAGMENTS, "1.5", "8", "8.0", "-0.0", "1e3", "0.000001", "0.0000001", "999999999", "1.000000000000001", "A100",
    "us-east-1", " US", "US ", "US-KS-2", "N/A", "<NA>", "TPU", "x" * 201, "_", ".", "x86_64", "20250231",
    "{'Gpus': [{'Name': 'A100', 'Count': 1, 'MemoryInfo': {'SizeInMiB': 81920}}], 'TotalGpuMemoryInMiB': 81920}",
)  # fmt: skip


def damaged_csv(content: bytes) -> SearchStrategy[bytes]:
    """A CSV file with other cells, rows and columns, or damaged as bytes."""
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    values = (*CELLS, *sorted({cell for row in rows for cell in row}))

    @st.composite
    def changed(draw: DrawFn) -> bytes:
        table = [list(row) for row in rows]
        for _ in range(draw(st.integers(1, 4))):
            row, column = draw(st.sampled_from(table)), draw(st.integers(0, len(rows[0]) - 1))
            how = draw(st.sampled_from(("cell", "cell", "cell", "column", "left out", "put in", "again", "gone")))
            value = draw(st.sampled_from(values))
            if how == "column":
                table[1:] = [[*other[:column], value, *other[column + 1 :]] for other in table[1:]]
            elif how == "again":
                table.append(list(row))
            elif how == "gone" and len(table) > 1:
                table.remove(row)
            else:
                row[column : column + (how != "put in")] = [] if how == "left out" else [value]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n", escapechar="\\").writerows(table)
        return text.getvalue().encode(errors="surrogatepass")

    return changed() | damaged([content])


# JSON ----------------------------------------------------------------------------------------------

TEXTS = st.text(CHARACTERS, max_size=12)
WORDS = st.sampled_from(
    ["NVIDIA_A100_80G", "N/A", "H100 (80 GB)", "RTX 4090", "unknown", "us-east-2", "cpu_", "12", "SECURE", "None"]
)
NUMBERS = st.one_of(
    st.integers(-3, 70),
    st.sampled_from([10**9, -(10**40), 10**40, 2**63, 10**400]),
    st.decimals(-2, 1000, places=3),
    st.sampled_from([Decimal(text) for text in ("NaN", "Infinity", "-Infinity", "1E+999999", "1E-999999", "0.0")]),
)
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, WORDS, st.sampled_from(FRAGMENTS))
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)
Place = tuple[Any, ...]
"""Keys and indexes that lead to a value."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a JSON document; nothing where the document has no such place (any more)."""

    at: Place
    """Where; the empty place is the whole document."""

    how: str
    """`replace`, `remove`, `repeat`, `rename`, `copy`, `as text`, `in a list` or `scale`."""

    value: Any = None
    """What to put there; of `rename` the new key, of `copy` the place of the value to put there."""


_CHANGES = ("replace", "replace", "replace", "remove", "repeat", "rename", "copy", "as text", "in a list", "scale")


def edits(document: Any, most: int = 4) -> SearchStrategy[tuple[Edit, ...]]:
    """Changes of this document, at least one."""
    places = list(_places(document, ()))

    @st.composite
    def edit(draw: DrawFn) -> Edit:
        at, how = draw(st.sampled_from(places)), draw(st.sampled_from(_CHANGES))
        if how == "rename":
            return Edit(at, how, draw(TEXTS | WORDS))
        if how == "copy":
            return Edit(at, how, draw(st.sampled_from(places)))
        return Edit(at, how, draw(LEAVES | DOCUMENTS) if how == "replace" else None)

    return st.lists(edit(), min_size=1, max_size=most).map(tuple)


def edited(document: Any, changes: Sequence[Edit]) -> Any:
    """A copy of the document with these changes, one after the other."""
    holder = {"": copy.deepcopy(document)}
    for change in changes:
        *way, key = "", *change.at
        parent = _found(holder, way)
        if _has(parent, key):
            _edit(parent, key, change, holder)
    return holder.get("")


def damaged_json(*documents: Any) -> SearchStrategy[bytes]:
    """The text of one of these documents, with changes as JSON or as bytes."""
    changed = [_edited_json(document) for document in documents]
    return st.one_of(*changed, damaged([exact_json(document).encode() for document in documents]))


def _edited_json(document: Any) -> SearchStrategy[bytes]:
    return edits(document).map(lambda changes: exact_json(edited(document, changes)).encode())


def damaged_lines(content: bytes) -> SearchStrategy[bytes]:
    """As `damaged_json`, for a file of JSON lines."""
    lines = [json.loads(line, parse_float=Decimal) for line in content.splitlines()]
    changed = edits(lines).map(lambda changes: lines_of(edited(lines, changes)))
    return changed | damaged([content])


def lines_of(documents: Any) -> bytes:
    """A file of JSON lines; of what is no list, one line."""
    lines = documents if isinstance(documents, list) else [documents]
    return "".join(f"{exact_json(line)}\n" for line in lines).encode()


def _edit(parent: Any, key: Any, change: Edit, holder: Any) -> None:
    value = parent[key]
    if change.how == "remove":
        del parent[key]
    elif change.how in {"repeat", "rename"} and isinstance(parent, list):
        parent.append(copy.deepcopy(value))
    elif change.how in {"repeat", "rename"}:
        parent[f"{key}2" if change.how == "repeat" else change.value] = copy.deepcopy(value)
        if change.how == "rename" and key not in (change.value, ""):
            del parent[key]
    else:
        parent[key] = _instead(value, change, holder)


def _instead(value: Any, change: Edit, holder: Any) -> Any:
    if change.how == "replace":
        return copy.deepcopy(change.value)
    if change.how == "copy":
        return copy.deepcopy(_found(holder, ("", *change.value)))
    if change.how == "in a list":
        return [value]
    if change.how == "as text":
        return exact_json(value)[:2000]
    if isinstance(value, Decimal):
        return -value
    return -value * 1000 if isinstance(value, int) and not isinstance(value, bool) else [value, value]


def _places(value: Any, way: Place) -> Iterator[Place]:
    """Every place in a document; of a list only the first two items, since one is like the other."""
    yield way
    keys = list(value) if isinstance(value, dict) else range(min(2, len(value))) if isinstance(value, list) else ()
    for key in keys:
        yield from _places(value[key], (*way, key))


def _has(parent: Any, key: Any) -> bool:
    return key in parent if isinstance(parent, dict) else isinstance(parent, list) and key in range(len(parent))


def _found(document: Any, way: Sequence[Any]) -> Any:
    for key in way:
        if not _has(document, key):
            return None
        document = document[key]
    return document
