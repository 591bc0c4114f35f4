"""A null for the metrics of one pair: the labels of its two groups are exchanged at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .neighbours import as_points, distance

_PERMUTATIONS = 200
_MAX_CELLS = 500


@dataclass(frozen=True)
class LabelNull:
    """Metrics of one pair beside those under permuted labels.

    Attributes
    ----------
    correctness, coverage
        Observed, on the cells used.
    null_correctness, null_coverage
        Under each permutation, float64 (B,).
    """

    correctness: float
    coverage: float
    null_correctness: np.ndarray
    null_coverage: np.ndarray

    @property
    def p_correctness(self) -> float:
        """One-sided p-value, (1 + permutations at least as good) / (1 + B)."""
        return float(p_value(self.correctness, self.null_correctness))

    @property
    def p_coverage(self) -> float:
        """One-sided p-value, (1 + permutations at least as good) / (1 + B)."""
        return float(p_value(self.coverage, self.null_coverage))


def p_value(observed: float | np.ndarray, null: np.ndarray) -> np.ndarray:
    """One-sided p of values (…) beside those of B draws (B, …): (1 + draws at least as good) / (1 + B)."""
    # shares of equal cells may differ by rounding of their division only
    return np.asarray((1 + (null >= observed - 1e-12).sum(axis=0)) / (1 + len(null)))


def permuted_labels(
    source: Tensor,
    target: Tensor,
    moved_source: Tensor,
    moved_target: Tensor,
    epsilon: float,
    *,
    n_permutations: int = _PERMUTATIONS,
    max_cells: int = _MAX_CELLS,
    rng: int | np.random.Generator = 0,
) -> LabelNull:
    """Metrics of i → j when "cells of i" and "cells of j" are drawn anew from the cells of both.

    The translation stays as it is. If it really takes one group to the other, cells that are already in j are taken
    past it and the permuted metrics fall; if the groups overlap, or ε spans both, permuting changes nothing and the
    pair's good metrics mean nothing.

    Parameters
    ----------
    source, target
        r of the cells of i and of j, shapes (n_i, m) and (n_j, m).
    moved_source, moved_target
        r(x + δ_ij) of the same cells.
    epsilon
        Distance at which a cell counts as reached, 0 or more.
    n_permutations
        B.
    max_cells
        At most so many cells of each group are used, since all distances between them are kept.
    rng
        Draws cells and permutations.

    Raises
    ------
    ValueError
        If a group is empty or shapes disagree.
    """
    if source.shape != moved_source.shape or target.shape != moved_target.shape or 0 in (len(source), len(target)):
        raise ValueError(
            f"source {tuple(source.shape)}, moved_source {tuple(moved_source.shape)}, target {tuple(target.shape)}, "
            f"moved_target {tuple(moved_target.shape)}; accepted: the same cells before and after, at least one a group"
        )
    generator = np.random.default_rng(rng)
    first, second = (_draw(len(group), max_cells, generator) for group in (source, target))
    pool = as_points(torch.cat([source[first], target[second]]), "source and target")
    moved = as_points(torch.cat([moved_source[first], moved_target[second]]), "moved cells")
    close = (distance(moved[:, None], pool) <= epsilon).float()
    labels = np.zeros((1 + n_permutations, len(pool)), dtype=bool)
    labels[0, : len(first)] = True
    for row in labels[1:]:
        row[generator.permutation(len(pool))[: len(first)]] = True
    correctness, coverage = _shares(close, torch.from_numpy(labels).to(close.device))
    return LabelNull(float(correctness[0]), float(coverage[0]), correctness[1:], coverage[1:])


def _draw(n: int, max_cells: int, rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(rng.choice(n, min(n, max_cells), replace=False))


def _shares(close: Tensor, is_source: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Correctness and coverage of every labelling (B, n) at once: products with 0/1 count the cells within ε."""
    sources, targets = is_source.float(), (~is_source).float()
    arrived = ((targets @ close.T) > 0) & is_source
    covered = ((sources @ close) > 0) & ~is_source
    correctness = arrived.sum(1).double() / is_source.sum(1)
    coverage = covered.sum(1).double() / (~is_source).sum(1)
    return correctness.cpu().numpy(), coverage.cpu().numpy()
