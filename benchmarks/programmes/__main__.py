"""Gene programmes beside single genes: what each reaches on cells that took no part, in the map and before judges.

``python -m benchmarks.programmes`` writes, for every data set, map and depth, k programmes a pair (mean over pairs) at
real amounts beside k genes at the default, the difference of means cut to k genes at real amounts and at the best
single factor up to 3, random programmes of the same sizes among the same genes, and programmes of other kinds. Half of
the cells fit and select (the student of the UMAP, too, is trained on them, and the PCA of the whole matrix is the
user's), the other half is scored, with ε its own.

Every part of every case is a job of one thread, ``--jobs`` at a time. The table grows with each that ends; ``--keep``
does what a run that was interrupted left undone. ``--only`` and ``--parts`` take a part of it; rows of the others stay.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks._run import MEMORY, command, grown, write

from . import data, methods, tables

RESULTS = Path(__file__).parent / "results"

if __name__ == "__main__":
    parser = command(__doc__, "jobs", "keep")
    parser.add_argument("--only", nargs="+", default=list(data.SETS), choices=list(data.SETS), metavar="SET")
    parser.add_argument("--parts", nargs="+", default=methods.USUAL, choices=list(methods.PARTS), metavar="PART")
    asked = parser.parse_args()
    if not asked.keep:
        MEMORY.clear(warn=False)
    jobs, file = methods.todo(asked.only, asked.parts), RESULTS / "programmes.csv"
    found = methods.ordered(grown(methods.rows, jobs, file, most=asked.jobs, keep=asked.keep, form=".3f"))
    write(found, file, ".3f")
    tables.save(found, RESULTS)
