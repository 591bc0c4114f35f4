"""A small panel of genes for the explanations of all pairs."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from scgce._api.constraints import checked
from scgce.store.result import Result


@checked()
def panel(adata: AnnData, n_genes: int = 50, *, sparsity: int | None = None, key: str = "tgt") -> pd.DataFrame:
    """Choose a short list of genes that serves the explanations of all pairs.

    Greedy choice: the next gene is the one that most raises the sum over pairs of the square root of the share of
    the pair's explanation (absolute amounts) that the panel holds. The root makes a pair that is still badly served
    count for more; the sum is monotone and submodular, so greedy reaches at least 1 − 1/e of the best panel's value.

    Parameters
    ----------
    adata
        Annotated data with a result of :func:`scgce.tl.tgt` (or another tool of scgce).
    n_genes
        Length of the panel; it ends earlier when every explanation is held completely.
    sparsity
        Genes per pair, one of those computed; the selected number if not given.
    key
        Where in ``adata.uns`` the result is.

    Returns
    -------
    One row per gene in the order of choice: ``rank`` (from 1), ``gene``, ``n_pairs`` (unordered pairs whose
    explanation uses it), ``share`` (mean over pairs of the share held so far), ``worst_share``, ``worst_source``
    and ``worst_target`` (the pair served worst so far).

    Raises
    ------
    KeyError
        If there is no result under ``key``.
    ValueError
        If ``n_genes`` is below 1 or the sparsity is unknown.
    """
    if n_genes < 1:
        raise ValueError(f"n_genes={n_genes!r}: expected a number of at least 1")
    result = Result.read(adata, key)
    k = result.check_sparsity(sparsity)
    basis = result.basis(k)
    first, second = np.triu_indices(len(result.groups), 1)
    active = np.flatnonzero((basis != basis[0]).any(axis=0))
    cuts = result.pair_cuts(k)
    amounts = np.stack([cuts.dense(i, j).abs().numpy()[active] for i, j in combinations(range(len(basis)), 2)])
    total = amounts.sum(axis=1, dtype=np.float64)
    shares = amounts[total > 0] / total[total > 0, None]
    first, second = first[total > 0], second[total > 0]
    chosen, held = _greedy(shares, n_genes)
    if not len(chosen):
        return pd.DataFrame(columns=["rank", "gene", "n_pairs", "share", "worst_share", "worst_source", "worst_target"])
    worst = held.argmin(axis=1)
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(chosen) + 1),
            "gene": result.genes[active[chosen]],
            "n_pairs": (shares[:, chosen] > 0).sum(axis=0),
            "share": held.mean(axis=1),
            "worst_share": held.min(axis=1),
            "worst_source": result.groups[first[worst]],
            "worst_target": result.groups[second[worst]],
        }
    )


def _greedy(shares: NDArray[np.float64], length: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Columns of ``shares`` (pairs, genes) in the order of choice, and the share of each pair held after each."""
    left = shares.copy()
    held = np.zeros(len(shares))
    chosen: list[int] = []
    history: list[NDArray[np.float64]] = []
    while len(chosen) < length and left.any():
        gain = (np.sqrt(held[:, None] + left) - np.sqrt(held)[:, None]).sum(axis=0)
        best = int(np.argmax(gain))
        held = np.minimum(held + left[:, best], 1.0)
        left[:, best] = 0.0
        chosen.append(best)
        history.append(held)
    return np.array(chosen, dtype=np.int64), np.array(history).reshape(len(chosen), len(shares))
