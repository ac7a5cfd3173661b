from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("mutmut", reason="part of the extra `dev`")

from tests.mutation.mutants import draw
from tests.mutation.trials import Baseline, Outcome, copy_of, measured, outcome

MODULE = '''"""A docstring, never changed."""

from __future__ import annotations

Pair = tuple[int, int | None]
__all__ = ["capped"]


def capped(value: int | None, limit: int = 3) -> int:
    """Never changed either."""
    if value is None:
        raise ValueError("nothing there", "key")
    return min(value, limit)
'''
TESTS = """from gpu_catalog.capping import capped


def test_below(): assert capped(2) == 2
def test_above(): assert capped(9) == 3
def test_of_something_else(): pass
"""


TEST_IDS = [f"tests/test_capping.py::test_{name}" for name in ("below", "above", "of_something_else")]
_DEFINITION = "def capped(value: int | None, limit: int = 3) -> int:"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    for name, text in {"gpu_catalog/capping.py": MODULE, "tests/test_capping.py": TESTS}.items():
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text(text)
    for package in ("gpu_catalog", "tests"):
        (root / package / "__init__.py").touch()
    (root / "tests/conftest.py").write_text(
        "import hypothesis\nhypothesis.settings.register_profile('tests', deadline=None)\n"
    )
    return root


def test_every_change_is_one_that_could_matter(tree: Path) -> None:
    changes = {(mutant.before, mutant.after) for mutant in draw(tree, ["gpu_catalog/capping.py"], None, 1)}
    assert changes == {
        ("if value is None:", "if value is not None:"),
        (
            "def capped(value: int | None, limit: int = 3) -> int:",
            "def capped(value: int | None, limit: int = 4) -> int:",
        ),
        ('raise ValueError("nothing there", "key")', "pass"),
        ("return min(value, limit)", "return None"),
    }


def test_a_draw_is_repeatable_and_no_larger_than_asked(tree: Path) -> None:
    drawn = [draw(tree, ["gpu_catalog/capping.py"], 2, seed) for seed in (5, 5, 6, 7, 8)]
    assert drawn[0] == drawn[1]
    assert [len(mutants) for mutants in drawn] == [2] * 5
    assert any(mutants != drawn[0] for mutants in drawn)


def test_the_tests_that_reach_a_line_are_known(tree: Path) -> None:
    baseline = measured(tree, ["tests"], 60)
    above, below, other = (
        f"tests/test_capping.py::test_{name}" for name in ("above", "below", "of_something_else")
    )
    assert baseline.seconds.keys() == {above, below, other}
    returns = MODULE.splitlines().index("    return min(value, limit)") + 1
    assert set(baseline.tests_of("gpu_catalog/capping.py", [returns])) == {above, below}
    imported = returns - 4
    assert set(baseline.tests_of("gpu_catalog/capping.py", [imported])) == {above, below}
    assert baseline.tests_of("gpu_catalog/other.py", [1]) == []


def test_tests_that_run_the_line_come_first_and_fast_ones_before_slow_ones() -> None:
    baseline = Baseline(
        seconds={"a": 3.0, "b": 2.0, "c": 1.0, "tests/p/test_m.py::d": 4.0, "e": 0.0},
        reached_by={"p/m.py": {1: frozenset({"a", "b", "failed"}), 2: frozenset({"", "c"})}},
    )
    assert baseline.tests_of("p/m.py", [1]) == ["b", "a", "c", "tests/p/test_m.py::d"]
    assert baseline.tests_of("p/m.py", [2]) == ["c", "b", "a", "tests/p/test_m.py::d"]


def test_a_defect_is_found_by_the_first_test_that_sees_it(tree: Path) -> None:
    tests = TEST_IDS
    module = tree / "gpu_catalog/capping.py"
    assert outcome(tree, tests, 60) == Outcome(result="passed", by="")
    module.write_text(MODULE.replace("limit: int = 3", "limit: int = 4"))
    assert outcome(tree, tests, 60) == Outcome(result="failed", by=tests[1])
    assert outcome(tree, tests[:1], 60) == Outcome(result="passed", by="")
    module.write_text(MODULE.replace("return min", "return mini"))
    assert outcome(tree, tests, 60) == Outcome(result="failed", by=tests[0])
    module.write_text("raise OSError")
    assert outcome(tree, tests, 60) == Outcome(result="failed", by="importing tests/test_capping.py")


def test_a_defect_that_never_ends_is_found(tree: Path) -> None:
    (tree / "gpu_catalog/capping.py").write_text("while True: pass")
    assert outcome(tree, ["tests/test_capping.py::test_below"], 3) == Outcome(result="timeout", by="")


def test_a_copy_has_the_checkout_and_goes_away() -> None:
    root = Path(__file__).parents[2]
    with copy_of(root) as tree:
        copied = tree / "gpu_catalog/numbers.py"
        assert copied.read_bytes() == (root / "gpu_catalog/numbers.py").read_bytes()
        copied.write_text("changed")
    assert not tree.exists()
    assert (root / "gpu_catalog/numbers.py").read_text("utf-8") != "changed"
