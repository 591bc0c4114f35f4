"""Panels of every marker tool, judged on other cells: ``python -m benchmarks.markers [--quick] [--jobs N] [--keep]``.

COSG, NS-Forest and scGeneFit take part where they are installed; those that are not are named: ``pip install cosg``,
and without their dependencies, which ask for a package that is no more, ``pip install --no-deps nsforest plotly
narwhals scGeneFit``. Rows are written as they come, so that what was interrupted goes on with ``--keep``.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path

import pandas as pd

import scgce
from benchmarks._run import quiet, side_by_side, write
from benchmarks.speed.machine import describe

from . import data, tables, tools
from .jobs import CURATED, Job, jobs, rows

HERE = Path(__file__).parent / "results"
SIZES = (5, 10, 20, 30, 50, 100)


def warm() -> None:
    """Compile what is compiled on first use, so that no job pays for it."""
    adata = scgce.datasets.simulated_cells(120, 20, 3, rng=0)
    scgce.tl.panel(adata, "group", 3)


def read(results: Path, redo: list[str]) -> dict[str, pd.DataFrame]:
    """What was run before, but for the tools to run once more."""
    files = {name: results / f"{name}.csv" for name in ("panels", CURATED)}
    found = {name: pd.read_csv(file, dtype={"split": str}) for name, file in files.items() if file.exists()}
    return {name: table[~table["tool"].isin(redo)] for name, table in found.items()}


def asked() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one split of the smallest set, into a scratch folder")
    parser.add_argument("--splits", type=int, default=5, help="random halves of every set")
    parser.add_argument("--keep", action="store_true", help="go on where the run before was interrupted")
    parser.add_argument("--jobs", type=int, default=1, help="how many to run side by side, one thread each")
    parser.add_argument(
        "--minutes", type=float, default=24 * 60, help="stop then, and make the tables of what there is"
    )
    parser.add_argument("--sets", nargs="+", default=data.available(), choices=data.SETS, metavar="SET")
    parser.add_argument("--tools", nargs="+", default=tools.available(), choices=tools.TOOLS, metavar="TOOL")
    parser.add_argument("--redo", nargs="+", default=[], metavar="TOOL", help="with --keep: tools to run once more")
    parser.add_argument("--results", type=Path, default=HERE, help="folder of the tables")
    found = parser.parse_args()
    if found.quick:
        found.results = Path(tempfile.gettempdir()) / "scgce-markers-quick"
        found.sets, found.splits = ["pbmc68k"], 1
    return found


def main() -> None:
    given = asked()
    sizes = SIZES[:2] if given.quick else SIZES
    quiet()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that the jobs stop too
    missing = [*sorted(set(data.SETS) - set(data.available())), *sorted(set(tools.TOOLS) - set(tools.available()))]
    print(f"not here: {', '.join(missing) or 'nothing'}; {describe()}", flush=True)
    done = read(given.results, given.redo) if given.keep else {}
    known = done.get("panels", pd.DataFrame(columns=["set", "split", "tool"]))[["set", "split", "tool"]]
    ready = {Job(*row) for row in known.itertuples(index=False)}
    todo = [job for job in jobs(given.sets, given.splits, given.tools) if job not in ready]
    if CURATED in done:
        todo = [job for job in todo if job.split != CURATED or job.tool not in set(done[CURATED]["tool"])]
    warm()
    failed = []
    for job, found in side_by_side(partial(rows, sizes=sizes), todo, given.jobs, 60 * given.minutes):
        if found is None:
            failed.append(job)
            continue
        name = CURATED if job.split == CURATED else "panels"
        done[name] = tables.sorted_rows(pd.concat([done.get(name, pd.DataFrame()), found], ignore_index=True))
        write(done[name], given.results / f"{name}.csv", ".4f")
        print(f"{job.set} {job.split} {job.tool}", flush=True)
    tables.save(done, given.results)
    if failed:
        raise SystemExit("without a result: " + "; ".join(f"{job.set} {job.split} {job.tool}" for job in failed))


if __name__ == "__main__":
    main()
