"""Gene programmes beside single genes: what each reaches on cells that took no part, in the map and before judges.

``python -m benchmarks.programmes`` writes, for every data set, map and depth, k programmes a pair (mean over pairs) at
real amounts beside k genes at the default, the difference of means cut to k genes at real amounts and at the best
single factor up to 3, random programmes of the same sizes among the same genes, and programmes of other kinds. Half of
the cells fit and select (the student of the UMAP, too, is trained on them, and the PCA of the whole matrix is the
user's), the other half is scored, with ε its own.

The work is split into jobs of one process and one thread each, ``--jobs`` at a time; each writes its rows to a file of
its own in ``jobs/`` beside the tables when it is done, and the tables are made of those files. ``--keep`` does what a
run that was interrupted left undone, ``--merge`` makes the tables of what is there. ``--only``, ``--maps``,
``--depths`` and ``--parts`` take a part of it. The data sets lie in ``../shared/data`` beside the checkout, or where
``SCGCE_BENCHMARK_DATA`` says.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks._run import write

from . import data, jobs, methods, tables

RESULTS = Path(__file__).parent / "results"


def cases(asked: argparse.Namespace) -> list[data.Case]:
    """Data set, map and depth; every data set in the first map first. pbmc68k_reduced has no counts, so one depth."""
    return [
        data.Case(name, kind, depth)
        for kind in asked.maps
        for depth in asked.depths
        for name in asked.only
        if data.SETS[name][0] or depth == "10,000"
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", default=list(data.SETS), choices=list(data.SETS), metavar="SET")
    parser.add_argument("--maps", nargs="+", default=list(data.MAPS), choices=list(data.MAPS))
    parser.add_argument("--depths", nargs="+", default=list(data.DEPTHS), choices=list(data.DEPTHS))
    parser.add_argument("--parts", nargs="+", default=methods.USUAL, choices=list(methods.PARTS), metavar="PART")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time, each with one thread")
    parser.add_argument("--keep", action="store_true", help="leave out the jobs whose rows are there")
    parser.add_argument("--merge", action="store_true", help="make the tables of the rows that are there, no more")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the tables")
    asked = parser.parse_args()
    failed: list[jobs.Job] = []
    if not asked.merge:
        if not asked.keep:
            data.forget()
        failed = jobs.run(jobs.todo(cases(asked), asked.parts, asked.results, asked.keep), asked.results, asked.jobs)
    rows = jobs.merged(asked.results)
    write(rows, asked.results / "programmes.csv", ".3f")
    tables.save(rows, asked.results)
    if failed:
        raise SystemExit(f"{len(failed)} jobs failed")


if __name__ == "__main__":
    main()
