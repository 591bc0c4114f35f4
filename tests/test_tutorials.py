"""The tutorials as they are committed; `make tutorials` runs them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "tutorials").glob("*.ipynb"))
LARGEST = 1_000_000
MACHINE_PATH = re.compile(r"(?:^|[\s\"'(])(?:/(?:home|work|tmp|root|Users|usr|opt)/|[A-Z]:\\\\)")


def _cells(path: Path, kind: str) -> list[dict[str, Any]]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def _texts(outputs: list[dict[str, Any]]) -> list[str]:
    """What a reader sees, pictures left out."""
    texts = ["".join(output.get("text", "")) for output in outputs]
    data = [output.get("data", {}) for output in outputs]
    return texts + ["".join(value) for item in data for kind, value in item.items() if kind.startswith("text/")]


def test_there_are_tutorials() -> None:
    assert {"pbmc3k", "own_encoder", "panel", "uci", "out_of_core", "snakemake"} <= {path.stem for path in NOTEBOOKS}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_after_one_run_from_top_to_bottom(path: Path) -> None:
    code = _cells(path, "code")
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    kinds = [output["output_type"] for cell in code for output in cell["outputs"]]
    assert "error" not in kinds
    assert "display_data" in kinds or "execute_result" in kinds


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_small_and_free_of_paths_of_a_machine(path: Path) -> None:
    assert path.stat().st_size < LARGEST
    code = _cells(path, "code")
    shown = ["".join(cell["source"]) for cell in code] + [t for cell in code for t in _texts(cell["outputs"])]
    assert [text for text in shown if MACHINE_PATH.search(text)] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_says_what_to_conclude_and_what_not(path: Path) -> None:
    text = "".join("".join(cell["source"]) for cell in _cells(path, "markdown"))
    assert "What to conclude, and what not" in text
    assert "Do not" in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_is_listed_in_the_documentation(path: Path) -> None:
    page = (ROOT / "docs" / "tutorials.md").read_text(encoding="utf-8")
    assert f"(tutorials/{path.stem}.ipynb)" in page
    assert f"\ntutorials/{path.stem}\n" in page


def test_the_first_tutorial_shows_progress_and_the_versions_it_was_run_with() -> None:
    shown = "".join(t for cell in _cells(ROOT / "tutorials" / "pbmc3k.ipynb", "code") for t in _texts(cell["outputs"]))
    assert "100%|" in shown
    assert re.search(r"^scgce\t\d", shown, re.MULTILINE)
