"""How time and memory of ``tl.tgt`` grow with cells, genes and groups: ``python -m benchmarks.speed.scaling``.

Slopes are of the processor's seconds, which other work on the machine changes less than the clock's. The encoder is
given; six sparsities, metrics and judges are included. In programmes these are learned from the cells, by profile.
"""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

import scgce
from benchmarks._run import command, grown, write

from .cells import encoded
from .machine import RESULTS, SWEEP, publish, size_of, spent


class Point(NamedTuple):
    """A process of its own."""

    axis: str
    cells: int
    genes: int
    groups: int
    method: str


POINTS = [
    *(Point("cells", n, 2000, 20, "path") for n in (10_000, 30_000, 100_000, 300_000, 1_000_000)),
    *(Point("genes", 20_000, d, 20, "path") for d in (2_000, 5_000, 10_000, 20_000, 40_000)),
    *(Point("groups", 20_000, 5_000, l, "refine") for l in (5, 10, 20, 60, 200)),
    Point("bipolar", 27_499, 13_166, 18, "path"),
    Point("programmes", 50_000, 5_000, 50, "programmes"),
    Point("programmes", 100_000, 20_000, 20, "programmes"),
]
QUICK = [*(Point("cells", n, 300, 4, "path") for n in (2_000, 4_000)), Point("programmes", 2_000, 300, 4, "programmes")]


def measure(point: Point) -> pd.DataFrame:
    """Seconds and peak memory of one call."""
    adata, encoder = encoded(point.cells, point.genes, point.groups)
    in_genes, in_programmes = {"sparsity": SWEEP, "method": point.method}, {"programs": "profile"}
    options = {"encoder": encoder, "device": "cpu", **(in_programmes if point.axis == "programmes" else in_genes)}
    size = size_of(adata)
    _, took = spent(lambda: scgce.tl.tgt(adata, "group", **options))
    correctness = scgce.get.sweep(adata).set_index("sparsity")["correctness"]
    row = {**point._asdict(), "density": adata.X.nnz / adata.n_obs / adata.n_vars, "method": point.method}
    row |= {"seconds": took.seconds, "processor_seconds": took.processor, "size_of_X_GB": size}
    row |= {"memory_beyond_X_GB": took.peak_GB - size, "grown_by_GB": took.more_GB}
    return pd.DataFrame([row | {"correctness_at_20": correctness.get(20)}])


def slopes(table: pd.DataFrame) -> pd.DataFrame:
    """Log-log slope of the processor's seconds along each axis: over all points, the last two, and the steepest."""
    rows = []
    for (axis, method), part in table[table["axis"].isin(Point._fields)].groupby(["axis", "method"]):
        seconds = part["processor_seconds"].fillna(part["seconds"])  # not in what was run before
        x, y = np.log(part[axis].to_numpy(float)), np.log(seconds.to_numpy(float))
        steps = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(zip(x, y, strict=True))]
        row = {"axis": axis, "method": method, "slope": np.polyfit(x, y, 1)[0]}
        rows.append(row | {"last_step": steps[-1], "steepest_step": max(steps)})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    axes = sorted({point.axis for point in POINTS})
    parser = command(__doc__, "quick", "keep")
    parser.add_argument("--axes", nargs="+", choices=axes, default=axes, help="the figures of the others stay")
    asked = parser.parse_args()
    points = [point for point in (QUICK if asked.quick else POINTS) if point.axis in asked.axes]
    results = Path(tempfile.mkdtemp()) if asked.quick else RESULTS
    table = grown(measure, points, results / "scaling.csv", keep=asked.keep, form=".5g")
    publish(table, "scaling", asked.quick)
    print(slopes(table).round(2).to_string(index=False))
    write(slopes(table), results / "slopes.csv", ".3g")
