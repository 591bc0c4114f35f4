"""Panels of every marker tool, judged on other cells: ``python -m benchmarks.markers [--quick] [--jobs N] [--keep]``.

COSG, NS-Forest and scGeneFit take part where they are installed; those that are not are named: ``pip install cosg``,
and without their dependencies, which ask for a package that is no more, ``pip install --no-deps nsforest plotly
narwhals scGeneFit``. The tables grow with every job; ``--keep`` goes on where a run was interrupted. ``--sets`` and
``--tools`` take a part of it; rows of the others stay.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import scgce
from benchmarks._run import command, grown
from benchmarks.speed.machine import describe

from . import curated, data, tables, tools
from .jobs import SIZES, Curated, jobs, listed, rows

HERE = Path(__file__).parent / "results"


def main() -> None:
    parser = command(__doc__, "quick", "jobs", "keep")
    parser.add_argument("--splits", type=int, default=5, help="random halves of every set")
    parser.add_argument("--sets", nargs="+", default=data.available(), choices=data.SETS, metavar="SET")
    parser.add_argument("--tools", nargs="+", default=tools.available(), choices=tools.TOOLS, metavar="TOOL")
    parser.add_argument("--results", type=Path, default=HERE, help="folder of the tables")
    given, sizes = parser.parse_args(), SIZES
    if given.quick:
        given.results, given.sets = Path(tempfile.mkdtemp()), ["pbmc68k"]
        given.splits, sizes = 1, SIZES[:2]
    missing = [*sorted(set(data.SETS) - set(data.available())), *sorted(set(tools.TOOLS) - set(tools.available()))]
    print(f"not here: {', '.join(missing) or 'nothing'}; {describe()}", flush=True)
    scgce.tl.panel(
        scgce.datasets.simulated_cells(120, 20, 3, rng=0), "group", 3
    )  # compiles, so that no job pays for it
    how = {"most": given.jobs, "keep": given.keep}
    todo = jobs(given.sets, given.splits, given.tools)
    done = {"panels": grown(partial(rows, sizes=sizes), todo, given.results / "panels.csv", **how)}
    lists = [Curated(tool) for tool in curated.LISTS if tool not in tools.TOOLS or tool in given.tools]
    if curated.SET in given.sets and lists:
        done["curated"] = grown(listed, lists, given.results / "curated.csv", **how)
    tables.save(done, given.results)


if __name__ == "__main__":
    main()
