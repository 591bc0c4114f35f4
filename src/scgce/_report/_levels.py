"""The explanations of all pairs at every sparsity, packed so that the page works them out by itself."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scgce.store.cuts import Cuts, Support
from scgce.store.result import Result

from ._encode import packed

MOST_GENES = 300
"""Genes of a pair that the page can show; of a richer explanation the largest amounts."""

SCORES = ("correctness", "coverage", "percent_explained")


def levels(result: Result, labels: NDArray[np.object_] | None = None) -> dict[str, Any]:
    """
    Pack the basis translations on the genes that occur in the explanation of some pair; ``labels`` (d,) name them.

    The page subtracts two rows and cuts the difference, as `scgce.get.explanation` does: l rows instead of l² pairs.
    Where every pair was explained on its own there are no such rows, and the page gets the l² pairs.

    Returns
    -------
    ``genes``, the u names that occur at some sparsity; ``means`` (l, u), and ``reported`` (l, u) of the reported cells;
    ``bounded``, whether cells are bounded, so that amounts are not what happens to them; ``levels``, one for each
    sparsity: ``k``, ``cut``, ``genes`` (positions in ``genes``), ``basis`` or ``pairs``, ``changes`` of bounded cells,
    ``n_genes``, ``scores`` and, for the sparsity of which `tl.evidence` was run, ``plausibility`` (l, l).
    """
    sparsities = result.swept
    used = {k: _used(result, k) for k in sparsities}
    union = np.unique(np.concatenate(list(used.values())))
    place = np.full(len(result.genes), -1)
    place[union] = np.arange(len(union))
    return {
        "genes": [str(name) for name in (result.genes if labels is None else labels)[union]],
        "means": packed(result.means[:, union], "f4"),
        "bounded": result.clip != "none",
        **_reported(result, union),
        "levels": [_level(result, k, used[k], place) for k in sparsities],
    }


def _reported(result: Result, genes: np.ndarray) -> dict[str, str]:
    if "reported_means" not in result.raw:
        return {}
    return {"reported": packed(np.asarray(result.raw["reported_means"])[:, genes], "f4")}


def _cut(result: Result, k: int) -> int:
    return min(k, MOST_GENES) if result.pair_cut else MOST_GENES


def _used(result: Result, k: int) -> np.ndarray:
    """Genes among the largest of at least one pair, ascending."""
    if result.pair_by_pair:
        parts = [delta.genes for delta in _pairs(result, k).values()]
    else:
        cuts = Cuts.of_basis(result.basis(k), _cut(result, k))
        parts = [cuts(i, j).genes for i, j in result.ordered_pairs if i < j]
    return np.unique(np.concatenate(parts)).astype(np.int64)


def _pairs(result: Result, k: int) -> dict[tuple[int, int], Support]:
    """The stored explanation of every ordered pair, its largest amounts."""
    cuts = result.pair_cuts(k)
    found = {}
    for pair in permutations(range(len(result.groups)), 2):
        genes, values = cuts(*pair)
        order = np.argsort(-np.abs(values), kind="stable")[:MOST_GENES]
        found[pair] = Support(genes[order], values[order])
    return found


def _packed_pairs(result: Result, k: int, place: np.ndarray) -> dict[str, Any]:
    """Row i·l + j for i → j: where it ends, the positions of its genes, its amounts."""
    size, pairs = len(result.groups), _pairs(result, k)
    counts = [len(pairs[i, j].genes) if i != j else 0 for i in range(size) for j in range(size)]
    genes = np.concatenate([delta.genes for delta in pairs.values()])
    values = np.concatenate([delta.values for delta in pairs.values()])
    ends = np.cumsum(counts)
    return {"ends": packed(ends, "i4"), "genes": packed(place[genes], "i4"), "deltas": packed(values, "f4")}


def _level(result: Result, k: int, genes: np.ndarray, place: np.ndarray) -> dict[str, Any]:
    """One sparsity; ``place`` is where each gene of the result stands among those of the page."""
    if result.pair_by_pair:
        amounts: dict[str, Any] = {"pairs": _packed_pairs(result, k, place)}
    else:
        amounts = {"basis": packed(result.basis(k)[:, genes], "f4")}
    matrices = {name: result.scores(name, k) for name in (*SCORES, *result.judges)}
    return {
        "k": k,
        "cut": _cut(result, k),
        "all": k >= len(result.genes),
        "genes": packed(place[genes], "i4"),
        **amounts,
        **_changes(result, k, place),
        "n_genes": packed(result.n_genes(k), "i4"),
        "scores": {name: packed(matrix, "f4") for name, matrix in matrices.items() if np.isfinite(matrix).any()},
        "plausibility": _plausibility(result, k),
    }


def _changes(result: Result, k: int, place: np.ndarray) -> dict[str, Any]:
    """Mean of t(x) − x of every ordered pair, packed as amounts are; nothing where it is the amount, or not known."""
    size = len(result.groups)
    if result.clip == "none" or "changes" not in result.raw.get("sweep", {}) or k not in result.sparsities:
        return {}
    start = result.block(k) * size**2
    rows = result.raw["sweep"]["changes"][start : start + size**2].tocsr()
    shown = place[rows.indices] >= 0  # not the genes beyond the largest
    ends = np.concatenate([[0], np.cumsum(shown)])[rows.indptr[1:]]
    genes, values = place[rows.indices[shown]], rows.data[shown]
    return {"changes": {"ends": packed(ends, "i4"), "genes": packed(genes, "i4"), "values": packed(values, "f4")}}


def _plausibility(result: Result, k: int) -> dict[str, Any]:
    """How far from real cells the translated ones are, and how many entries fall below zero, where that is known."""
    evidence = result.raw.get("evidence")
    if evidence is None or int(evidence["sparsity"]) != k:
        return {}
    return {name: packed(np.asarray(evidence[name]), "f4") for name in ("off_manifold", "below_zero")}
