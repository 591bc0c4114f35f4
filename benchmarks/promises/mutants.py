"""Plant faults in the numerical heart, one at a time, and see whether its tests notice.

``python -m benchmarks.promises.mutants [--per-file N] [--only FILE] [--again]`` writes ``results/mutants.csv``. Every
mutant runs in a process of its own, forked after torch and scanpy are loaded (which cost ten times what most tests do)
and before scgce is, on a copy of the sources that holds the fault. Needs an operating system that can fork.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from .mutate import Mutant, sample

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "src" / "scgce" / "core"
RESULTS = Path(__file__).parent / "results" / "mutants.csv"
JUSTIFIED = Path(__file__).parent / "justified.csv"
SITE = ["file", "function", "mutation"]
COLUMNS = ["file", "function", "line", "mutation", "outcome"]
PRELOADED = ["pytest", "torch", "scanpy", "numba", "sklearn.linear_model", "scipy.optimize", "cvxpy"]
OPTIONS = ["-x", "-q", "-p", "no:cacheprovider", "-m", "not slow and not long"]
OPTIONS += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of what is loaded before
PASSED, FAILED, BROKEN = 0, 1, 2  # pytest's: all passed, some failed, could not be imported


def tests_of(path: Path) -> list[list[str]]:
    """Test files of a module of the core, to be run in turn: its own, those that import it; all where there is none."""
    files = sorted((ROOT / "tests" / "core").glob("test_*.py"))
    family = path.parent if path.parent != CORE else path
    named = re.compile(rf"\bscgce\.core(\.{family.stem}\b| import [^\n]*\b{family.stem}\b)")
    own = [file for file in files if file.stem in (f"test_{path.stem.lstrip('_')}", f"test_{path.parent.name}")]
    importing = [file for file in files if file not in own and named.search(file.read_text(encoding="utf-8"))]
    stages = [own, importing] if own or importing else [files]
    return [[str(file) for file in stage] for stage in stages if stage]


def _run(sources: Path, stages: list[list[str]]) -> None:
    """In a process of its own: the tests on a copy of the sources, silently; its exit code says how they ended."""
    sys.dont_write_bytecode = True  # two mutants of one size within a second would share it
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    os.environ["PYTHONPATH"] = str(sources)
    sys.path.insert(0, str(sources))
    import pytest

    for files in stages:
        code = int(pytest.main([*OPTIONS, *files]))
        if code != PASSED:
            os._exit(code)
    import scgce

    os._exit(PASSED if Path(scgce.__file__).is_relative_to(sources) else 99)


class Bench:
    """A copy of the sources and processes that test it."""

    def __init__(self, folder: Path) -> None:
        self.sources = folder / "src"
        shutil.copytree(ROOT / "src", self.sources, ignore=shutil.ignore_patterns("__pycache__"))
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(PRELOADED)

    def test(self, stages: list[list[str]], limit: float) -> int | None:
        """Exit code of the tests; None if they took longer than the limit."""
        process = self.context.Process(target=_run, args=(self.sources, stages))
        process.start()
        process.join(limit)
        if process.is_alive():
            process.kill()
            process.join()
            return None
        return process.exitcode

    def outcome(self, path: Path, mutant: Mutant, stages: list[list[str]], limit: float) -> str:
        planted = self.sources / path.relative_to(ROOT / "src")
        planted.write_text(mutant.source, encoding="utf-8")
        code = self.test(stages, limit)
        shutil.copy2(path, planted)
        if code is None:
            return "timeout"
        if code == PASSED:
            return "survived"
        if code in (FAILED, BROKEN) or code < 0:  # below 0: ended by a signal
            return "killed"
        raise RuntimeError(f"pytest ended with {code} on {path.name}: {mutant.mutation}")


def study(bench: Bench, path: Path, count: int, settled: dict[tuple[str, ...], str]) -> pd.DataFrame:
    """Outcomes of a sample of one file's mutants; those of the mutants in ``settled`` are not tried again."""
    name = path.relative_to(CORE).as_posix()
    stages, begun, limit = tests_of(path), time.monotonic(), 0.0
    rows = []
    for mutant in sample(path.read_text(encoding="utf-8"), name, count):
        outcome = settled.get((name, mutant.function, mutant.mutation))
        if outcome is None:
            limit = limit or _limit(bench, stages, name)
            outcome = bench.outcome(path, mutant, stages, limit)
        rows.append((name, mutant.function, mutant.line, mutant.mutation, outcome))
        if outcome != "killed":
            print(*rows[-1], sep="  ", flush=True)
    noticed = sum(row[-1] != "survived" for row in rows)
    print(f"{name}: {noticed} of {len(rows)} in {time.monotonic() - begun:.0f} s", flush=True)
    return pd.DataFrame(rows, columns=COLUMNS)


def _limit(bench: Bench, stages: list[list[str]], name: str) -> float:
    """Seconds after which a mutant counts as never ending, from what the tests take without a fault."""
    begun = time.monotonic()
    if (code := bench.test(stages, 600)) != PASSED:
        raise RuntimeError(f"the tests of {name} do not pass without a fault: {code}")
    return 10 + 2 * (time.monotonic() - begun)


def settled_before() -> dict[tuple[str, ...], str]:
    """Mutants that were killed last time, or are known to be no faults."""
    if not RESULTS.exists():
        return {}
    stored = pd.read_csv(RESULTS, keep_default_na=False)
    excused = pd.read_csv(JUSTIFIED, keep_default_na=False)
    reasons = set(excused[SITE].itertuples(index=False, name=None))
    found: dict[tuple[str, ...], set[str]] = {}
    for *site, outcome in stored[[*SITE, "outcome"]].itertuples(index=False, name=None):
        found.setdefault(tuple(site), set()).add(outcome)
    # The same words may stand for several mutants of a function: they must all have ended alike.
    alike = {site: outcomes.pop() for site, outcomes in found.items() if len(outcomes) == 1}
    return {site: outcome for site, outcome in alike.items() if outcome != "survived" or site in reasons}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-file", type=int, default=14, help="mutants of each file")
    parser.add_argument("--only", action="append", help="a file below src/scgce/core; may be given more than once")
    parser.add_argument("--again", action="store_true", help="only mutants that are new or survived without a reason")
    options = parser.parse_args()
    paths = [CORE / name for name in options.only or []] or sorted(
        set(CORE.rglob("*.py")) - set(CORE.rglob("__init__.py"))
    )
    settled = settled_before() if options.again else {}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for path in paths:
            keep(study(bench, path, options.per_file, settled), RESULTS)


def keep(found: pd.DataFrame, path: Path) -> None:
    """Replace what is stored of a file by what was found now."""
    if path.exists():
        stored = pd.read_csv(path, keep_default_na=False)
        found = pd.concat([stored[~stored["file"].isin(found["file"])], found])
    path.parent.mkdir(exist_ok=True)
    found.sort_values(["file", "line", "mutation"], kind="stable").to_csv(path, index=False)


if __name__ == "__main__":
    main()
