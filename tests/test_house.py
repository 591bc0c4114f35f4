"""The rules of the house that a machine can check: sizes, directions of imports, nothing of one machine."""

from __future__ import annotations

import ast
import re
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "src" / "scgce").rglob("*.py"))
TEXTS = [
    path
    for pattern in ("src/**/*.py", "tests/**/*.py", "*.md", "*.toml", "*.txt", "Makefile", "docs/**/*.md")
    for path in sorted(ROOT.glob(pattern))
    if path != Path(__file__).resolve()
]

# What each part may import of the rest of scgce.
MAY_IMPORT = {
    "core": {"core"},
    "datasets": {"datasets", "_progress", "_docs"},
    "encoders": {"encoders", "embedding", "core", "_"},
    "embedding": {"embedding", "encoders", "core", "_"},
    "get": {"get", "core", "encoders", "_"},
    "pl": {"pl", "get", "core", "encoders", "_"},
}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_median_file_is_short() -> None:
    assert statistics.median(_lines(path) for path in SOURCES) <= 120


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_file_and_its_functions_are_short(path: Path) -> None:
    assert _lines(path) <= 400
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = node.body[-1].end_lineno - body[0].lineno + 1 if body else 0  # type: ignore[operator]
            assert length <= 50, f"{node.name} has {length} lines below its docstring"


def _imported(path: Path) -> set[str]:
    """First name below scgce of every import at the head of the file."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module == "scgce":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("scgce."):
            found.add(str(node.module).split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("scgce.")}
    return found


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_arrows_run_one_way(part: str) -> None:
    allowed = MAY_IMPORT[part]
    for path in (ROOT / "src" / "scgce" / part).rglob("*.py"):
        for name in _imported(path):
            assert name in allowed or (name.startswith("_") and "_" in allowed), f"{_name(path)} imports scgce.{name}"


@pytest.mark.parametrize("path", [path for path in SOURCES if "core" in path.parts], ids=_name)
def test_core_knows_neither_anndata_nor_pandas_nor_plots(path: Path) -> None:
    roots = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            roots |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            roots.add(str(node.module).partition(".")[0])
    assert not roots & {"anndata", "pandas", "matplotlib", "scanpy"}


@pytest.mark.parametrize("path", TEXTS, ids=_name)
def test_nothing_of_one_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(work|tmp|root|home|opt)/", text)
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", text)


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_no_seed_is_set_for_everyone(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"(np\.random|random|torch|cuda)\.(manual_)?seed(_all)?\(", text)
