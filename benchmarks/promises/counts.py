"""How much is tried for each promise: cases that pytest collects, and entries of the tests' own tables."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).parent / "results"

# Promise → files or folders of tests that hold it.
PROMISES: dict[str, tuple[str, ...]] = {
    "Every public function has the documented signature, changes only what it documents, and stores the documented "
    "fields; a bad argument is refused by its name and changes nothing": ("tests/contract/test_contract.py",),
    "Every way to hold the matrix gives the same result, or is refused": (
        "tests/contract/test_containers.py",
        "tests/tl/test_tgt_matrix_kinds.py",
    ),
    "Odd cells, genes and groups are survived or refused in words": (
        "tests/contract/test_hazards.py",
        "tests/tl/test_tgt_errors.py",
    ),
    "An interruption, a dead worker, too little memory or a full disk loses nothing": (
        "tests/contract/test_faults.py",
        "tests/test_atomic.py",
    ),
    "Results survive files, also those of earlier releases; an edited file is read or refused; no file runs code": (
        "tests/contract/test_files.py",
        "tests/test_results.py",
    ),
    "The numbers are those of independent solvers, of brute force and of the authors": ("tests/core",),
    "The encoder is the representation, and says how nearly": ("tests/encoders", "tests/embedding"),
    "What is read from and written to the AnnData is checked": (
        "tests/test_adata.py",
        "tests/test_arrays.py",
        "tests/test_cluster.py",
        "tests/test_constraints.py",
        "tests/test_groups.py",
        "tests/test_keys.py",
        "tests/test_layout.py",
        "tests/test_split.py",
    ),
    "Order of cells, genes and groups, units and seeds change what they should and nothing else": (
        "tests/tl/test_tgt_invariance.py",
        "tests/test_threads.py",
        "tests/test_device.py",
    ),
    "Frames, figures and the report show what is stored; a name cannot inject code into the report": (
        "tests/get",
        "tests/pl",
        "tests/report",
    ),
    "The command line and the workflow do the same as the functions": ("tests/cli", "tests/workflow"),
    "The documentation names what there is; the rules of the house are kept": (
        "tests/test_api_pages.py",
        "tests/test_docs.py",
        "tests/test_house.py",
        "tests/test_packaging.py",
        "tests/test_tutorials.py",
    ),
}


def collected() -> Counter[str]:
    """Number of test cases of every test file, the slow and long ones included."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-m", ""]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    found = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return Counter(re.findall(r"^(tests/[\w/]+\.py)::", found.stdout, re.MULTILINE))


def by_promise(cases: Counter[str]) -> pd.DataFrame:
    """One row for each promise."""
    rows = []
    for promise, places in PROMISES.items():
        parts = [n for file, n in cases.items() if any(file == p or file.startswith(f"{p}/") for p in places)]
        rows.append((promise, " ".join(places), sum(parts)))
    return pd.DataFrame(rows, columns=["promise", "held by", "test cases"])


def of_tables() -> pd.DataFrame:
    """Entries of the tables that the contract's tests run through."""
    from tests.contract import _api, _bad, test_containers, test_faults, test_files, test_hazards

    bad = sum(
        len(_bad.cases(name, parameter))
        for name in _api.public()
        for parameter in inspect.signature(_api.function(name)).parameters
        if parameter not in _bad.FREE
    )
    survived = len(test_hazards.SURVIVED) * len(test_hazards.EXPLAINERS)
    refused = sum(len(refusal.tools) for refusal in test_hazards.REFUSED.values())
    kinds = len(test_containers.HELD) + len(test_containers.BACKED)
    rows = [
        ("public functions", len(_api.public())),
        ("bad arguments, each refused by name and without effect", bad),
        ("interruptions, in one phase of one tool each, after which nothing has changed", _phases(test_faults.PHASES)),
        ("ways to hold the matrix, each tried with every public function", kinds),
        ("hazards in the data × tools: survived", survived),
        ("hazards in the data × tools: refused in words", refused),
        ("edits of a stored entry, at every place, read or refused clearly", 1 + len(test_files.EDITS)),
    ]
    return pd.DataFrame(rows, columns=["tried", "count"])


def _phases(phases: dict[str, tuple[str, str, list[str]]]) -> int:
    return sum(len(tools) for _, _, tools in phases.values())


def main() -> None:
    cases = collected()
    RESULTS.mkdir(exist_ok=True)
    total = pd.DataFrame([("all test cases", sum(cases.values()))], columns=["tried", "count"])
    by_promise(cases).to_csv(RESULTS / "counts.csv", index=False)
    pd.concat([total, of_tables()]).to_csv(RESULTS / "tried.csv", index=False)


if __name__ == "__main__":
    main()
