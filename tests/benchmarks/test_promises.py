"""The measurements of the promises: that planted faults are faults, and that the page shows the committed results."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.promises import counts, coverage, mutants, page  # noqa: E402
from benchmarks.promises.mutate import mutants as mutants_of  # noqa: E402
from benchmarks.promises.mutate import sample  # noqa: E402

SOURCE = '''
"""Docstring with 1 number."""

LIMIT: int = 3


def kept(values: list[int], strict: bool = False) -> list[int] | None:
    """Keep some."""
    if not values:
        raise ValueError(f"{1 + 1} values")
    logger.info("kept %d", 2 * 2)
    return [v for v in values if v < LIMIT and strict]


class Contract(Protocol):
    def size(self, at: int = 4) -> int: ...
'''


def test_every_kind_of_fault_is_planted_and_messages_are_left_alone() -> None:
    assert {(m.function, m.mutation) for m in mutants_of(SOURCE)} == {
        ("", "3 → 4"),
        ("kept", "False → True"),
        ("kept", "not values → values"),
        ("kept", "return [v for v in values if v < LIMIT and strict] → return None"),
        ("kept", "v < LIMIT and strict → v < LIMIT or strict"),
        ("kept", "v < LIMIT → v <= LIMIT"),
        ("kept", "v < LIMIT → v >= LIMIT"),
    }


@pytest.mark.parametrize("path", sorted(mutants.CORE.rglob("*.py")), ids=lambda path: path.stem)
def test_a_mutant_differs_from_the_source_and_can_be_compiled(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    plain = ast.unparse(ast.parse(source))
    for mutant in sample(source, path.name, 10):
        assert mutant.source != plain
        compile(mutant.source, path.name, "exec")


def test_the_sample_of_a_function_does_not_depend_on_the_rest_of_the_file() -> None:
    everything = len(mutants_of(SOURCE))
    assert sample(SOURCE, "a.py", 99) == sorted(mutants_of(SOURCE), key=lambda m: m.line)
    longer = SOURCE + "\n\ndef other() -> int:\n    return 1\n"
    kept = {m.mutation for m in sample(SOURCE, "a.py", everything - 2)}
    again = {m.mutation for m in sample(longer, "a.py", everything) if m.function != "other"}
    assert kept <= again


def test_tests_of_a_module() -> None:
    names = [[Path(file).name for file in stage] for stage in mutants.tests_of(mutants.CORE / "epsilon.py")]
    assert names[0] == ["test_epsilon.py"]
    assert "test_reference_metrics.py" in names[1] and "test_epsilon.py" not in names[1]
    own = mutants.tests_of(mutants.CORE / "penalties" / "isotonic.py")[0]
    assert [Path(file).name for file in own] == ["test_isotonic.py", "test_penalties.py"]


def test_what_is_found_of_a_file_replaces_what_was_known_of_it(tmp_path: Path) -> None:
    path = tmp_path / "mutants.csv"
    columns = ["file", "function", "line", "mutation", "outcome"]
    mutants.keep(
        pd.DataFrame([("a.py", "f", 1, "x", "killed"), ("b.py", "", 1, "y", "survived")], columns=columns), path
    )
    mutants.keep(pd.DataFrame([("a.py", "f", 2, "z", "timeout")], columns=columns), path)
    assert pd.read_csv(path, keep_default_na=False).to_numpy().tolist() == [
        ["a.py", "f", 2, "z", "timeout"],
        ["b.py", "", 1, "y", "survived"],
    ]


def test_shares_are_of_sums() -> None:
    columns = ["part", "file", "lines", "lines_run", "branches", "branches_taken"]
    found = coverage.shares(pd.DataFrame([("a", "x", 10, 10, 4, 1), ("a", "y", 30, 20, 4, 1)], columns=columns))
    assert found.loc[0, ["percent of lines", "percent of branches"]].tolist() == [75.0, 25.0]


def test_cases_are_counted_once_for_each_promise() -> None:
    found = counts.by_promise(
        pd.Series({"tests/core/test_path.py": 3, "tests/core_more.py": 9, "tests/pl/test_x.py": 2})
    )
    assert found["test cases"].sum() == 5


@pytest.mark.parametrize("place", sorted({place for places in counts.PROMISES.values() for place in places}))
def test_what_holds_a_promise_exists(place: str) -> None:
    assert (ROOT / place).exists()


def test_every_reason_belongs_to_one_surviving_mutant() -> None:
    reasons = pd.read_csv(mutants.JUSTIFIED, keep_default_na=False)
    assert not reasons.duplicated(mutants.SITE).any()
    assert (reasons["reason"].str.len() > 10).all()
    found = page.judged(page.RESULTS)
    survived = found[found["outcome"] == "survived"]
    known = set(survived[mutants.SITE].itertuples(index=False, name=None))
    assert set(reasons[mutants.SITE].itertuples(index=False, name=None)) <= known


def test_the_page_shows_the_committed_results() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert sorted(match[2] for match in page.BLOCK.finditer(text)) == sorted(page.TABLES)
    assert page.filled(text) == text
