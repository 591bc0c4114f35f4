"""How time and memory of ``tl.tgt`` grow with cells, genes and groups: ``python -m benchmarks.speed.scaling``.

Slopes are of the processor's seconds, which other work on the machine changes less than the clock's.

Every point is a process of its own, the encoder given, six sparsities, metrics and judges included.
"""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.ticker import EngFormatter, FixedLocator

import scgce
from benchmarks._run import in_order, write

from .cells import encoder_of, many_cells, some_cells
from .machine import RESULTS, SWEEP, command, peak_memory, publish, size_of, timed

Point = tuple[str, tuple[int, int, int], str]
#: axis → points (n, d, l)
AXES = {
    "cells": [(n, 2000, 20) for n in (10_000, 30_000, 100_000, 300_000, 1_000_000)],
    "genes": [(20_000, d, 20) for d in (2_000, 5_000, 10_000, 20_000, 40_000)],
    "groups": [(20_000, 5_000, l) for l in (5, 10, 20, 60, 200)],
    "bipolar": [(27_499, 13_166, 18)],
}
LOOKS = {"path": {"marker": "o", "color": "C0"}, "refine": {"marker": "s", "color": "C1"}}
QUICK = {"cells": [(2_000, 300, 4), (4_000, 300, 4)]}


def measure(point: Point) -> dict[str, float | str]:
    """Seconds and peak memory of one call, in a process of its own."""
    axis, (n_cells, n_genes, n_groups), method = point
    some = some_cells(n_genes, n_groups, min(n_cells, 10_000))
    encoder = encoder_of(some)
    small = some[:: max(1, min(8, len(some) // (40 * n_groups)))].copy()
    scgce.tl.tgt(small, "group", encoder=encoder, sparsity=5, min_cells=1, device="cpu")  # compiles
    adata = many_cells(some, n_cells)
    del some, small
    size = size_of(adata)
    before = time.process_time()
    with peak_memory() as memory:
        _, seconds = timed(
            lambda: scgce.tl.tgt(adata, "group", encoder=encoder, sparsity=SWEEP, method=method, device="cpu")
        )
    processor = time.process_time() - before
    correctness = scgce.get.sweep(adata).set_index("sparsity")["correctness"]
    row = {
        "axis": axis,
        "cells": n_cells,
        "genes": n_genes,
        "groups": n_groups,
        "density": adata.X.nnz / n_cells / n_genes,
        "method": method,
        "seconds": seconds,
        "processor_seconds": processor,
        "size_of_X_GB": size,
        "memory_beyond_X_GB": memory["peak"] / 1e9 - size,
        "grown_by_GB": memory["more_GB"],
        "correctness_at_20": float(correctness[20]),
    }
    print("  ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items()), flush=True)
    return row


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


def main() -> None:
    """Run and print."""
    parser = command(__doc__)
    parser.add_argument(
        "--axes", nargs="+", choices=AXES, default=list(AXES), help="the figures of the others are kept as they are"
    )
    parser.add_argument("--methods", nargs="+", default=["path", "refine"], choices=("path", "refine"))
    arguments = parser.parse_args()
    axes = QUICK if arguments.quick else {axis: AXES[axis] for axis in arguments.axes}
    points = [(axis, size, method) for axis, sizes in axes.items() for size in sizes for method in arguments.methods]
    table = pd.DataFrame(in_order(measure, points))
    before = RESULTS / "scaling.csv"
    if not arguments.quick and set(axes) != set(AXES) and before.exists():
        kept = pd.read_csv(before)
        table = pd.concat([table, kept[~kept["axis"].isin(axes)]], ignore_index=True)
        table = table.sort_values("axis", key=lambda names: names.map(list(AXES).index), kind="stable")
    print(slopes(table).round(2).to_string(index=False))
    publish(table, "scaling", arguments.quick)
    if not arguments.quick:
        write(slopes(table), RESULTS / "slopes.csv", ".3g")
        draw(table, RESULTS / "scaling.png")


if __name__ == "__main__":
    main()
