"""How time and memory of ``tl.tgt`` grow with cells, genes and groups: ``python -m benchmarks.speed.scaling``.

Slopes are of the processor's seconds, which other work on the machine changes less than the clock's. The encoder is
given; six sparsities, metrics and judges are included.
"""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.ticker import EngFormatter, FixedLocator

import scgce
from benchmarks._run import command, grown, write

from .cells import encoded
from .machine import RESULTS, SWEEP, publish, size_of, spent

LOOKS = {"path": {"marker": "o", "color": "C0"}, "refine": {"marker": "s", "color": "C1"}}
AXES = {
    "cells": [(n, 2000, 20) for n in (10_000, 30_000, 100_000, 300_000, 1_000_000)],
    "genes": [(20_000, d, 20) for d in (2_000, 5_000, 10_000, 20_000, 40_000)],
    "groups": [(20_000, 5_000, l) for l in (5, 10, 20, 60, 200)],
    "bipolar": [(27_499, 13_166, 18)],
}
QUICK = {"cells": [(2_000, 300, 4), (4_000, 300, 4)]}


class Point(NamedTuple):
    """A process of its own."""

    axis: str
    cells: int
    genes: int
    groups: int
    method: str


def measure(point: Point) -> pd.DataFrame:
    """Seconds and peak memory of one call."""
    adata, encoder = encoded(*point[1:4])
    size, options = size_of(adata), {"sparsity": SWEEP, "method": point.method, "device": "cpu"}
    _, took = spent(lambda: scgce.tl.tgt(adata, "group", encoder=encoder, **options))
    correctness = scgce.get.sweep(adata).set_index("sparsity")["correctness"]
    row = {**point._asdict(), "density": adata.X.nnz / adata.n_obs / adata.n_vars, "method": point.method}
    row |= {"seconds": took.seconds, "processor_seconds": took.processor, "size_of_X_GB": size}
    row |= {"memory_beyond_X_GB": took.peak_GB - size, "grown_by_GB": took.more_GB}
    return pd.DataFrame([row | {"correctness_at_20": float(correctness[20])}])


def slopes(table: pd.DataFrame) -> pd.DataFrame:
    """Log-log slope of the processor's seconds along each axis: over all points, the last two, and the steepest."""
    rows = []
    for (axis, method), part in table[table["axis"] != "bipolar"].groupby(["axis", "method"]):
        seconds = part["processor_seconds"].fillna(part["seconds"])  # not in what was run before
        x, y = np.log(part[axis].to_numpy(float)), np.log(seconds.to_numpy(float))
        steps = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(zip(x, y, strict=True))]
        row = {"axis": axis, "method": method, "slope": np.polyfit(x, y, 1)[0]}
        rows.append(row | {"last_step": steps[-1], "steepest_step": max(steps)})
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame, path: Path) -> None:
    """Seconds along each axis, log-log."""
    matplotlib.use("agg")
    axes_of = [axis for axis in table["axis"].unique() if axis != "bipolar"]
    figure, axes = plt.subplots(1, len(axes_of), figsize=(3.4 * len(axes_of), 3.2), layout="constrained", squeeze=False)
    for ax, axis in zip(axes[0], axes_of, strict=True):
        for method, part in table[table["axis"] == axis].groupby("method"):
            ax.loglog(part[axis], part["seconds"], **LOOKS[method], label=method)
            first = part.iloc[0]
            ax.loglog(part[axis], first["seconds"] * part[axis] / first[axis], color="0.7", ls=":", zorder=0)
        ax.xaxis.set_major_locator(FixedLocator(part[axis].tolist()))
        ax.xaxis.set_major_formatter(EngFormatter(sep=""))
        ax.minorticks_off()
        ax.set_xlabel(axis)
        ax.set_ylabel("seconds of tl.tgt")
        ax.legend(frameon=False, title="dotted: proportional", fontsize=8, title_fontsize=8)
    figure.savefig(path, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    parser = command(__doc__, "quick", "keep")
    parser.add_argument("--axes", nargs="+", choices=AXES, default=list(AXES), help="the figures of the others stay")
    parser.add_argument("--methods", nargs="+", default=["path", "refine"], choices=("path", "refine"))
    asked = parser.parse_args()
    axes = QUICK if asked.quick else {axis: AXES[axis] for axis in asked.axes}
    points = [Point(axis, *size, method) for axis in axes for size in axes[axis] for method in asked.methods]
    results = Path(tempfile.mkdtemp()) if asked.quick else RESULTS
    table = grown(measure, points, results / "scaling.csv", keep=asked.keep, form=".5g")
    print(slopes(table).round(2).to_string(index=False))
    publish(table, "scaling", asked.quick)
    if not asked.quick:
        write(slopes(table), RESULTS / "slopes.csv", ".3g")
        draw(table, RESULTS / "scaling.png")
