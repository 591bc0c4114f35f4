"""The explanations of all pairs at every sparsity, packed so that the page works them out by itself."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import torch

from scgce.core.truncate import PairCuts
from scgce.get._result import Result

from ._encode import packed

MOST_GENES = 300
"""Genes of a pair that the page can show; of a richer explanation the largest amounts."""

SCORES = ("correctness", "coverage", "percent_explained")


def levels(result: Result) -> dict[str, Any]:
    """
    Pack the basis translations on the genes that occur in the explanation of some pair.

    The page subtracts two rows and cuts the difference, as `scgce.get.explanation` does: l rows instead of l² pairs.

    Returns
    -------
    ``genes``, the u names that occur at some sparsity; ``means`` (l, u); ``levels``, one for each sparsity: ``k``,
    ``cut``, ``genes`` (positions in ``genes``), ``basis``, ``n_genes`` and ``scores`` (l, l).
    """
    sparsities = sorted({result.selected, *result.sparsities.tolist()})
    used = {k: _used(result, k) for k in sparsities}
    union = np.unique(np.concatenate(list(used.values())))
    place = np.full(len(result.genes), -1)
    place[union] = np.arange(len(union))
    return {
        "genes": [str(name) for name in result.genes[union]],
        "means": packed(result.means[:, union], "f4"),
        "levels": [_level(result, k, used[k], place[used[k]]) for k in sparsities],
    }


def _cut(result: Result, k: int) -> int:
    return min(k, MOST_GENES) if result.pair_cut else MOST_GENES


def _used(result: Result, k: int) -> np.ndarray:
    """Genes among the largest of at least one pair, ascending."""
    cuts = PairCuts(torch.from_numpy(result.basis(k)), _cut(result, k))
    parts = [cuts(i, j).genes.numpy() for i, j in combinations(range(len(result.groups)), 2)]
    return np.unique(np.concatenate(parts)).astype(np.int64)


def _level(result: Result, k: int, genes: np.ndarray, places: np.ndarray) -> dict[str, Any]:
    matrices = {name: result.scores(name, k) for name in (*SCORES, *result.judges)}
    return {
        "k": k,
        "cut": _cut(result, k),
        "all": k >= len(result.genes),
        "genes": packed(places, "i4"),
        "basis": packed(result.basis(k)[:, genes], "f4"),
        "n_genes": packed(result.n_genes(k), "i4"),
        "scores": {name: packed(matrix, "f4") for name, matrix in matrices.items() if np.isfinite(matrix).any()},
    }
