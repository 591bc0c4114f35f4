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
from collections.abc import Callable
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


def _row(what: str, ours: str, theirs: str, found: tuple[float, ...]) -> dict[str, Any]:
    row = {"what": what, "this": ours, "beside": theirs, "s": found[0], "s_beside": found[1]}
    return row | {"ratio": found[0] / found[1]}


def _least(*work: Callable[[], object]) -> tuple[float, ...]:
    """Processor seconds of each, in turn."""
    for run in work:
        run()  # compiles
    times: list[list[float]] = [[] for _ in work]
    for _ in range(REPETITIONS):
        for own, run in zip(times, work, strict=True):
            start = time.process_time()
            run()
            own.append(time.process_time() - start)
    return tuple(min(own) for own in times)


def groups_apart(quick: bool, apart: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Training cells in groups of spread 1, their codes, and cells between them."""
    n_groups, each, told = CELLS[quick]
    rng = np.random.default_rng(0)
    means = rng.normal(size=(n_groups, n_groups - 1)) * apart
    codes = np.repeat(np.arange(n_groups), each)
    points = (means[codes] + rng.normal(size=(len(codes), n_groups - 1))).astype(np.float32)
    queries = means[rng.integers(0, n_groups, told)] + 1.5 * rng.normal(size=(told, n_groups - 1))
    return points, codes, queries.astype(np.float32)


def neighbours(quick: bool) -> list[dict[str, Any]]:
    """The vote of 15 neighbours, of groups that lie apart and that do not."""
    rows = []
    for name, apart in (("groups apart", 6.0), ("groups that overlap", 0.5)):
        points, codes, queries = groups_apart(quick, apart)
        ours = BalancedVote.fit(points, codes)
        theirs = KNeighborsClassifier(15, algorithm="brute").fit(points, codes)
        found = _least(lambda o=ours, q=queries: o(torch.from_numpy(q)), lambda t=theirs, q=queries: t.predict(q))
        rows.append(_row(f"vote of neighbours, {name}", "core.score.judges", "KNeighborsClassifier", found))
    return rows


def within(quick: bool) -> list[dict[str, Any]]:
    """Whether cells have one of a group within ε, both ways, on a plane and in 17 dimensions."""
    rows = []
    for name, dims in (("plane", 2), ("17 dimensions", CELLS[quick][0] - 1)):
        points, _, queries = groups_apart(quick, 2.0)
        points, queries = np.ascontiguousarray(points[:, :dims]), np.ascontiguousarray(queries[:2000, :dims])
        epsilon = 0.2 * dims**0.5
        index, moved = GroupIndex([torch.from_numpy(points)]), torch.from_numpy(queries)[None]

        def searched(points: np.ndarray = points, queries: np.ndarray = queries) -> list[np.ndarray]:
            both = ((points, queries), (queries, points))
            return [NearestNeighbors(n_neighbors=1).fit(a).kneighbors(b)[0] for a, b in both]

        found = _least(lambda i=index, m=moved, e=epsilon: i.shares(m, [0], e), searched)
        rows.append(_row(f"cells within ε, {name}", "core.score.neighbours", "NearestNeighbors", found))
    return rows


def defaults(quick: bool) -> list[dict[str, Any]]:
    """`tl.evidence` beside `tl.tgt`, a student distilled in every call."""
    rows = []
    for name in ("pbmc3k",) if quick else ("pbmc3k", "retina"):
        adata = with_umap(logged(read(name)))
        adata = adata[::3].copy() if quick else adata
        calls = (lambda a=adata: scgce.tl.evidence(a), lambda a=adata: scgce.tl.tgt(a, "cell_type", use_rep="X_umap"))
        calls[1]()  # what the evidence is of
        rows.append(_row(f"default call, {name}", "tl.evidence", "tl.tgt", _least(*calls)))
    return rows


def first_call(quick: bool) -> list[dict[str, Any]]:
    """The first default call of a process beside the second."""
    rows, run = [], [sys.executable, "-W", "ignore", "-c", CALLS]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        for name, repetitions in (("nothing cached", 1), ("kernels cached", 1 if quick else REPETITIONS)):
            said = [subprocess.check_output(run, env=environment, text=True) for _ in range(repetitions)]
            times = np.array([line.split()[-2:] for line in said], dtype=float).min(0)
            rows.append(_row(f"first call of a process, {name}", "tl.tgt", "second call", tuple(times)))
    return rows


if __name__ == "__main__":
    quick = command(__doc__, "quick").parse_args().quick
    publish(
        pd.DataFrame([*neighbours(quick), *within(quick), *defaults(quick), *first_call(quick)]), "libraries", quick
    )
