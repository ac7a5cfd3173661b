"""All targets, by name, each with its own regressions."""

from __future__ import annotations

from dataclasses import replace

from tests.fuzz import answers, catalog_files, questions, upstream
from tests.fuzz.regressions import FOUND

TARGETS = {
    target.name: replace(target, known=tuple(FOUND.get(target.name, {}).values()))
    for module in (answers, catalog_files, questions, upstream)
    for target in module.TARGETS
}
assert FOUND.keys() <= TARGETS.keys()
