"""`tl.marker_tests`: the top genes of scanpy's tests between two groups, moved by the difference of their means."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import scanpy as sc
import torch
from anndata import AnnData
from scipy import sparse

from scgce._api.constraints import one_of
from scgce._api.threads import one_thread
from scgce.core.choose.truncate import SparseDelta
from scgce.core.pairs import listed
from scgce.explain.baseline import Setting, baseline
from scgce.explain.pairs import PairExplained
from scgce.explain.read import Prepared
from scgce.explain.split import FIT
from scgce.matrix import arrays

TESTS = ("t-test", "wilcoxon", "logreg")
MOST_TESTED = 500
"""Cells of each group that are tested."""


@baseline(amplitude=1.0, method=one_of(*TESTS))
def marker_tests(setting: Setting, method: Literal["t-test", "wilcoxon", "logreg"] = "t-test") -> list[PairExplained]:
    """Explain every pair by the k genes that scanpy's one-against-one test ranks first, moved by their mean difference.

    `scanpy.tl.rank_genes_groups` of the target against the source on the fitting cells (at most 500 of a group); genes
    are ranked by the absolute score, so that lowered genes count as raised ones do. There is no basis behind the
    pairs' explanations: they are in ``pair_deltas``, CSR (l·l, d) with row ``i·l + j`` for i → j, and ``deltas`` holds
    the basis nearest to them in the least squares, for reading by group.

    Parameters
    ----------
    method
        The test, as in `scanpy.tl.rank_genes_groups`.
    """
    order = ranked(setting.prepared, method, max(setting.sparsities))
    means = torch.from_numpy(setting.prepared.means)
    found = []
    for k in setting.sparsities:
        kept = {pair: genes[:k].sort().values for pair, genes in order.items()}
        found.append(setting.by_pair(k, {(i, j): _moved(means, i, j, g) for (i, j), g in kept.items()}))
    return found


def ranked(prepared: Prepared, method: str, most: int) -> dict[tuple[int, int], torch.Tensor]:
    """The genes of each pair i < j that is asked for, best first, at most ``most``."""
    rows = prepared.rows(FIT, MOST_TESTED)
    X, codes = sparse.csr_matrix(arrays.csr_rows(prepared.X, rows)), prepared.groups.codes[rows]
    order = {}
    for i, j in listed(prepared.groups.n, prepared.asked):
        if i > j:
            continue
        two = (codes == i) | (codes == j)
        labels = pd.Categorical.from_codes((codes[two] == j).astype(int), ["source", "target"])
        cells = AnnData(X[two], obs=pd.DataFrame({"group": labels}, index=[str(c) for c in range(two.sum())]))
        options = {"max_iter": 500} if method == "logreg" else {}
        # Fold changes, unused, of values below zero or too large to be logarithms; numba's pool sets torch's threads.
        with np.errstate(all="ignore"), one_thread():
            sc.tl.rank_genes_groups(
                cells, "group", groups=["target"], reference="source", method=method, rankby_abs=True, **options
            )
        scores = cells.uns["rank_genes_groups"]
        names = scores["names"][scores["names"].dtype.names[0]].astype(int)
        size = np.abs(scores["scores"][scores["scores"].dtype.names[0]].astype(float))
        order[i, j] = torch.from_numpy(names[np.lexsort([names, -size])][:most].copy())
    return order


def _moved(means: torch.Tensor, i: int, j: int, genes: torch.Tensor) -> SparseDelta:
    return SparseDelta(genes, means[j, genes] - means[i, genes])
