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

from . import curated, data, judges, tables, tools

HERE = Path(__file__).parent / "results"


def main() -> None:
    parser = command(__doc__, "quick", "jobs", "keep")
    parser.add_argument("--sets", nargs="+", default=data.available(), choices=data.SETS, metavar="SET")
    parser.add_argument("--tools", nargs="+", default=tools.available(), choices=tools.TOOLS, metavar="TOOL")
    given = parser.parse_args()
    results, sets, splits, sizes = HERE, given.sets, judges.SPLITS, judges.SIZES
    if given.quick:
        results, sets, splits, sizes = Path(tempfile.mkdtemp()), ["pbmc68k"], 1, sizes[:2]
    missing = [*sorted(set(data.SETS) - set(data.available())), *sorted(set(tools.TOOLS) - set(tools.available()))]
    print(f"not here: {', '.join(missing) or 'nothing'}; {describe()}", flush=True)
    few = scgce.datasets.simulated_cells(120, 20, 3, rng=0)
    scgce.tl.panel(few, "group", 3)  # compiles, so that no job pays for it
    how = {"most": given.jobs, "keep": given.keep}
    todo = judges.jobs(sets, splits, given.tools)
    done = {"panels": grown(partial(judges.rows, sizes=sizes), todo, results / "panels.csv", **how)}
    lists = [curated.Job(tool) for tool in curated.LISTS if tool not in tools.TOOLS or tool in given.tools]
    if curated.SET in sets and lists:
        done["curated"] = grown(curated.row, lists, results / "curated.csv", **how)
    tables.save(done, results)


if __name__ == "__main__":
    main()
