"""Small defects that could be in a module: operators of mutmut, and our own.

Left out is what cannot matter: annotations and type aliases (never evaluated), docstrings, decorators (`frozen`,
`slots`, caches), `__all__`, `__repr__`, and the wording of messages: texts with a blank in them, and all texts in a
`raise`. So is what mypy refuses before any test runs: a required argument left out, a value that becomes None.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import (
    mutation_operators,
    operator_arg_removal,
    operator_assignment,
    operator_string,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change of one module."""

    module: str
    """Path of the module below the root, e.g. `gpu_catalog/numbers.py`."""

    lines: range
    """Lines of the changed expression or statement, from 1."""

    operator: str
    """Kind of change, e.g. `number`."""

    before: str
    """The changed lines as they are."""

    after: str
    """The same lines changed."""

    source: str
    """The whole module changed."""


def draw(root: Path, modules: Iterable[str], count: int | None, seed: int) -> list[Mutant]:
    """So many mutants of these modules, each as likely as any other; all of them for None."""
    possible = [change for module in modules for change in _changes(root, module)]
    random.Random(seed).shuffle(possible)
    made = (mutant for change in possible if (mutant := _mutant(*change)) is not None)
    drawn = itertools.islice(made, count)
    return sorted(drawn, key=lambda mutant: (mutant.module, mutant.lines.start, mutant.operator, mutant.after))


_Change = tuple[str, cst.Module, cst.CSTNode, cst.CSTNode, range, str]
"""Path and tree of a module, the node, its replacement, the lines of the node, the operator."""


def _changes(root: Path, module: str) -> list[_Change]:
    """What `_mutant` can make mutants of."""
    wrapper = MetadataWrapper(cst.parse_module((root / module).read_text("utf-8")))
    collector = _Collector()
    wrapper.visit(collector)
    return [(module, wrapper.module, *found) for found in collector.found]


def _mutant(
    module: str, tree: cst.Module, old: cst.CSTNode, new: cst.CSTNode, lines: range, operator: str
) -> Mutant | None:
    source = cst.ensure_type(tree.deep_replace(old, new), cst.Module).code
    if source == tree.code or not _compiles(source):
        return None
    before, after = _changed_lines(tree.code, source)
    return Mutant(module=module, lines=lines, operator=operator, before=before, after=after, source=source)


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _changed_lines(text: str, source: str) -> tuple[str, str]:
    old, new = text.splitlines(), source.splitlines()
    least = min(len(old), len(new))
    start = next((n for n in range(least) if old[n] != new[n]), least)
    end = next((n for n in range(least - start) if old[-1 - n] != new[-1 - n]), least - start)
    before, after = ("\n".join(lines[start : len(lines) - end]).strip() for lines in (old, new))
    return before, after


class _Collector(cst.CSTVisitor):
    """Collects (node, its replacement, its lines, name of the operator)."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[cst.CSTNode, cst.CSTNode, range, str]] = []
        self._raises = 0

    def on_visit(self, node: cst.CSTNode) -> bool:
        if _cannot_matter(node) or (self._raises and isinstance(node, cst.BaseString)):
            return False
        position = self.get_metadata(PositionProvider, node, None)
        if position is not None:
            lines = range(position.start.line, position.end.line + 1)
            for kind, operator in _OPERATORS:
                if isinstance(node, kind):
                    name = operator.__name__.removeprefix("operator_")
                    self.found += ((node, new, lines, name) for new in operator(node))
        self._raises += isinstance(node, cst.Raise)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        self._raises -= isinstance(original_node, cst.Raise)


def _cannot_matter(node: cst.CSTNode) -> bool:
    match node:
        case cst.Annotation() | cst.Decorator():
            return True
        case (
            cst.FunctionDef(name=cst.Name("__repr__")) | cst.Assign(targets=[cst.AssignTarget(cst.Name("__all__"))])
        ):
            return True
        case cst.Assign(value=cst.Subscript(value=cst.Name("tuple" | "dict" | "Callable" | "Literal"))):
            return True
        case cst.SimpleString(value=text):
            return " " in text
        case _:
            return False


def removed_raise(_: cst.Raise) -> Iterator[cst.CSTNode]:
    """`raise Refusal(...)` to `pass`."""
    yield cst.Pass()


def removed_call(node: cst.Expr) -> Iterator[cst.CSTNode]:
    """`notes.append(note)` to `pass`."""
    if isinstance(node.value, cst.Call):
        yield cst.Pass()


def no_result(node: cst.Return) -> Iterator[cst.CSTNode]:
    """`return found` to `return None`."""
    if node.value is not None:
        yield node.with_changes(value=cst.Name("None"))


def negated(node: cst.If | cst.While | cst.CompIf) -> Iterator[cst.CSTNode]:
    """`if found` to `if not (found)`; comparisons and `not` have operators of their own."""
    if not isinstance(node.test, (cst.Comparison, cst.UnaryOperation)):
        test = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        yield node.with_changes(test=cst.UnaryOperation(cst.Not(), test))


def dropped_keyword(node: cst.Call) -> Iterator[cst.CSTNode]:
    """`min(found, key=rank)` to `min(found)`; a positional argument mostly has no default."""
    for n, argument in enumerate(node.args):
        if argument.keyword is not None:
            yield node.with_changes(args=[*node.args[:n], *node.args[n + 1 :]])


def other_text(node: cst.SimpleString) -> Iterator[cst.CSTNode]:
    """`"spot"` to `"XXspotXX"`, without mutmut's two further forms of the same."""
    yield from itertools.islice(operator_string(node), 1)


_NOT_OF_MUTMUT = (operator_arg_removal, operator_assignment, operator_string)
_OPERATORS: list[tuple[Any, Callable[[Any], Iterable[cst.CSTNode]]]] = [
    *(entry for entry in mutation_operators if entry[1] not in _NOT_OF_MUTMUT),
    (cst.SimpleString, other_text),
    (cst.Raise, removed_raise),
    (cst.Expr, removed_call),
    (cst.Return, no_result),
    ((cst.If, cst.While, cst.CompIf), negated),
    (cst.Call, dropped_keyword),
]
