"""Lines and branches that the tests run: ``python -m benchmarks.promises.coverage`` writes ``results/coverage.csv``.

Only the tests of the part that is measured count, so that a line run by accident in some figure is not called tested.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).parent / "results" / "coverage.csv"
BORDER = ("adata", "arrays", "cluster", "constraints", "device_read", "groups", "keys", "layout", "results", "split")
CONTRACT = ("tests/contract/test_contract.py", "tests/contract/test_files.py")
OPTIONS = ("-q", "-p", "no:cacheprovider", "-m", "not long")

# Part → its sources, below src/scgce, and the tests that are run for it.
PARTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "core": (("core/",), ("tests/core",)),
    "encoders": (("encoders/",), ("tests/encoders",)),
    "border": (tuple(f"_{name}.py" for name in BORDER), (*(f"tests/test_{name}.py" for name in BORDER), *CONTRACT)),
}
# What numba compiles leaves no trace: these tests are run once more without it.
INTERPRETED = {"core": ("tests/core/test_isotonic.py",)}


def measure(part: str) -> pd.DataFrame:
    """Run the tests of one part; what they ran of each of its files."""
    sources, tests = PARTS[part]
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        _run(data, sources, tests)
        if part in INTERPRETED:
            _run(data, sources, INTERPRETED[part], "--append", NUMBA_DISABLE_JIT="1")
        report = Path(folder) / "report.json"
        _coverage("json", f"--data-file={data}", f"--rcfile={os.devnull}", "-q", "-o", str(report))
        files = json.loads(report.read_text(encoding="utf-8"))["files"]
    return pd.DataFrame([_row(part, name, found) for name, found in sorted(files.items())])


def _run(data: Path, sources: tuple[str, ...], tests: tuple[str, ...], *options: str, **env: str) -> None:
    patterns = [f"src/scgce/{source}{'*' if source.endswith('/') else ''}" for source in sources]
    measured = (f"--data-file={data}", f"--rcfile={os.devnull}", "--branch", f"--include={','.join(patterns)}")
    _coverage("run", *measured, *options, "-m", "pytest", *OPTIONS, *tests, **env)


def _coverage(*arguments: str, **env: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "coverage", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **env},
        check=True,
    )


def _row(part: str, name: str, found: dict[str, dict[str, int]]) -> dict[str, object]:
    summary = found["summary"]
    if found["missing_lines"] or found["missing_branches"]:
        print(name, "not run:", found["missing_lines"], "not taken:", found["missing_branches"])
    return {
        "part": part,
        "file": str(Path(name).relative_to("src/scgce").as_posix()),
        "lines": summary["num_statements"],
        "lines_run": summary["covered_lines"],
        "branches": summary["num_branches"],
        "branches_taken": summary["covered_branches"],
    }


def shares(found: pd.DataFrame) -> pd.DataFrame:
    """Sums over the files of each part, and percentages."""
    table = found.groupby("part", sort=False)[["lines", "lines_run", "branches", "branches_taken"]].sum()
    table["percent of lines"] = (100 * table["lines_run"] / table["lines"]).round(1)
    table["percent of branches"] = (100 * table["branches_taken"] / table["branches"]).round(1)
    return table.reset_index()


def main(*parts: str) -> None:
    found = pd.concat([measure(part) for part in parts or PARTS])
    if RESULTS.exists():
        stored = pd.read_csv(RESULTS)
        found = pd.concat([stored[~stored["part"].isin(found["part"])], found])
    RESULTS.parent.mkdir(exist_ok=True)
    found.to_csv(RESULTS, index=False)
    print(shares(found).to_string(index=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
