"""The rules of the house that a machine can check: directions of imports, no circles, sizes, nothing of one machine."""

from __future__ import annotations

import ast
import re
import statistics
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "scgce"
MODULES = {
    ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
}
TEXTS = [
    path
    for pattern in ("src/**/*.py", "tests/**/*.py", "*.md", "*.toml", "*.txt", "Makefile", "docs/**/*.md")
    for path in sorted(ROOT.glob(pattern))
    if path != Path(__file__).resolve()
]

BASE = {"_api", "matrix"}
NUMBERS = {"core"}
MODELS = {"encoders", "embedding"}
JOB = {"explain", "programs"}
# What each room may import of the rest of scgce; the doors (tl, pl, get, cli, _report) may import all but cli.
MAY_IMPORT = {
    "core": NUMBERS,
    "matrix": {"matrix"},
    "_api": BASE,
    "store": {"store"} | NUMBERS | BASE,
    "datasets": {"datasets", "_api"},
    "embedding": MODELS | NUMBERS | BASE,
    "encoders": {"encoders"} | NUMBERS | BASE,
    "programs": {"programs", "store"} | NUMBERS | BASE,
    "explain": JOB | MODELS | NUMBERS | BASE | {"store"},
    "get": JOB | MODELS | NUMBERS | BASE | {"store", "get"},
}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def _trees() -> dict[str, ast.Module]:
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


def _imported(name: str, tree: ast.Module) -> set[str]:
    """Every module of scgce that a module imports: relative imports and those inside functions too."""
    package = name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in MODULES}
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            above = parts[: len(parts) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{module}.{alias.name}"
                target = full if full in MODULES else module
                if target in MODULES and target not in (name, "scgce"):
                    found.add(target)
    return found


def _room(module: str) -> str:
    return (module.split(".") + [""])[1]


def test_arrows_run_one_way() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, tree in _trees().items()
        if _room(name) in MAY_IMPORT
        for target in sorted(_imported(name, tree))
        if _room(target) not in MAY_IMPORT[_room(name)]
    ]
    assert not wrong, "\n".join(wrong)


def test_there_are_no_circles() -> None:
    depends = {name: sorted(_imported(name, tree)) for name, tree in _trees().items()}
    for name in depends:  # a package that gathers its own files is no circle with them
        if MODULES[name].name == "__init__.py":
            depends[name] = [target for target in depends[name] if not target.startswith(f"{name}.")]
    done: set[str] = set()

    def walk(name: str, trail: list[str]) -> None:
        assert name not in trail, " → ".join([*trail[trail.index(name) :], name])
        if name not in done:
            for target in depends[name]:
                walk(target, [*trail, name])
            done.add(name)

    for name in depends:
        walk(name, [])


def test_core_knows_neither_anndata_nor_pandas_nor_plots() -> None:
    for name, tree in _trees().items():
        if _room(name) != "core":
            continue
        roots = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                roots |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                roots.add(str(node.module).partition(".")[0])
        assert not roots & {"anndata", "pandas", "matplotlib", "scanpy"}, name


def test_files_and_functions_are_short() -> None:
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in MODULES.items()}
    assert statistics.median(lines.values()) <= 120
    assert {name: n for name, n in lines.items() if n > 400} == {}
    long = {}
    for name, tree in _trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                length = node.body[-1].end_lineno - body[0].lineno + 1 if body else 0  # type: ignore[operator]
                if length > 50:
                    long[f"{name}.{node.name}"] = length
    assert long == {}


def test_nothing_of_one_machine_and_nothing_unfinished() -> None:
    for path in TEXTS:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?<![\w.])/(work|tmp|root|home|opt)/", text), _name(path)
        assert not re.search(r"\b(TODO|FIXME|XXX)\b", text), _name(path)


def test_no_seed_is_set_for_everyone() -> None:
    for name, path in MODULES.items():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(np\.random|random|torch|cuda)\.(manual_)?seed(_all)?\(", text), name
