"""Our own beside a library's, and default calls: ``python -m benchmarks.speed.libraries``.

Neighbours of a judge beside scikit-learn's, cells within ε beside scikit-learn's radius search; `tl.evidence` beside
`tl.tgt`, both by default, on the UMAPs of pbmc3k and the retina; and the default call of `tl.tgt` in a fresh process
beside its second, with kernels that an earlier process has cached and with none. The least of several repetitions,
processor seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

import scgce
from benchmarks._cells import logged, read, with_umap
from benchmarks._run import command
from scgce.core.score.judges import BalancedVote
from scgce.core.score.neighbours import GroupIndex

from .machine import publish

REPETITIONS = 5
CELLS = {False: (18, 200, 20_000), True: (4, 50, 500)}
"""Groups, training cells of each, and cells that are told."""
CALLS = """
import time
import scgce
adata = scgce.datasets.simulated_cells(2600, 13_000, 9, rng=1)
import scanpy as sc
sc.pp.pca(adata, n_comps=50)
import torch, sklearn.linear_model, numba
times = []
for _ in range(2):
    start = time.process_time()
    scgce.tl.tgt(adata, "group", use_rep="X_pca")
    times.append(time.process_time() - start)
print(*times)
"""


def _row(what: str, ours: str, theirs: str, seconds: Sequence[float]) -> dict[str, Any]:
    row = {"what": what, "this": ours, "beside": theirs, "s": seconds[0], "s_beside": seconds[1]}
    return row | {"ratio": seconds[0] / seconds[1]}


def _seconds(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def _least(*work: Callable[[], object]) -> list[float]:
    """Processor seconds of each, in turn; the first time compiles."""
    times = [[_seconds(run) for run in work] for _ in range(REPETITIONS + 1)]
    return np.min(times[1:], axis=0).tolist()


def groups_apart(quick: bool, apart: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Training cells in groups of spread 1, their codes, and cells between them."""
    n_groups, each, told = CELLS[quick]
    rng = np.random.default_rng(0)
    means = rng.normal(size=(n_groups, n_groups - 1)) * apart
    codes = np.repeat(np.arange(n_groups), each)
    points = (means[codes] + rng.normal(size=(len(codes), n_groups - 1))).astype(np.float32)
    queries = means[rng.integers(0, n_groups, told)] + 1.5 * rng.normal(size=(told, n_groups - 1))
    return points, codes, queries.astype(np.float32)


def votes(quick: bool, apart: float) -> tuple[Callable[[], torch.Tensor], Callable[[], np.ndarray]]:
    """The vote of 15 neighbours, ours and scikit-learn's."""
    points, codes, queries = groups_apart(quick, apart)
    ours, given = BalancedVote.fit(points, codes), torch.from_numpy(queries)
    theirs = KNeighborsClassifier(15, algorithm="brute").fit(points, codes)
    return lambda: ours(given), lambda: theirs.predict(queries)


def within(quick: bool, dims: int) -> tuple[Callable[[], object], Callable[[], object]]:
    """Whether cells have one of a group within ε, both ways, ours and by scikit-learn's nearest neighbours."""
    points, _, queries = groups_apart(quick, 2.0)
    points, queries = np.ascontiguousarray(points[:, :dims]), np.ascontiguousarray(queries[:2000, :dims])
    index, moved = GroupIndex([torch.from_numpy(points)]), torch.from_numpy(queries)[None]

    def searched() -> list[np.ndarray]:
        both = ((points, queries), (queries, points))
        return [NearestNeighbors(n_neighbors=1).fit(a).kneighbors(b)[0] for a, b in both]

    return lambda: index.shares(moved, [0], 0.2 * dims**0.5), searched


def ours_beside(quick: bool) -> list[dict[str, Any]]:
    """What is our own because it is faster, beside a library's, of the same work."""
    judges, neighbours = ("core.score.judges", "KNeighborsClassifier"), ("core.score.neighbours", "NearestNeighbors")
    return [
        _row("vote of neighbours, groups apart", *judges, _least(*votes(quick, 6.0))),
        _row("vote of neighbours, groups that overlap", *judges, _least(*votes(quick, 0.5))),
        _row("cells within ε, plane", *neighbours, _least(*within(quick, 2))),
        _row("cells within ε, 17 dimensions", *neighbours, _least(*within(quick, CELLS[quick][0] - 1))),
    ]


def defaults(name: str, quick: bool) -> dict[str, Any]:
    """`tl.evidence` beside `tl.tgt`, a student distilled in every call."""
    adata = with_umap(logged(read(name)))
    adata = adata[::3].copy() if quick else adata
    explain = partial(scgce.tl.tgt, adata, "cell_type", use_rep="X_umap")
    explain()  # what the evidence is of
    seconds = _least(partial(scgce.tl.evidence, adata), explain)
    return _row(f"default call, {name}", "tl.evidence", "tl.tgt", seconds)


def first_call(quick: bool) -> list[dict[str, Any]]:
    """The first default call of a process beside the second."""
    rows, run = [], [sys.executable, "-W", "ignore", "-c", CALLS]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        for name, repetitions in (("nothing cached", 1), ("kernels cached", 1 if quick else REPETITIONS)):
            said = [subprocess.check_output(run, env=environment, text=True) for _ in range(repetitions)]
            times = np.array([line.split()[-2:] for line in said], dtype=float).min(0)
            rows.append(_row(f"first call of a process, {name}", "tl.tgt", "second call", times))
    return rows


if __name__ == "__main__":
    quick = command(__doc__, "quick").parse_args().quick
    calls = [defaults(name, quick) for name in (("pbmc3k",) if quick else ("pbmc3k", "retina"))]
    publish(pd.DataFrame([*ours_beside(quick), *calls, *first_call(quick)]), "libraries", quick)
