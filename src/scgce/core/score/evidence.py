"""Evidence beside an explanation: its dose curve, whether it leaves the data, and what consistency cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from scgce.core.choose.truncate import SparseDelta
from scgce.core.solve.problem import Problem

from .metrics import index_groups, score_pairs
from .neighbours import GroupIndex
from .translator import Columns

Pairs = Iterable[tuple[int, int]]

_BLOCK_ENTRIES = 2**23

DOSES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)


def dose_curve(
    moved: Callable[[int, int, float], Tensor],
    embedded: Sequence[Tensor] | GroupIndex,
    epsilon: float,
    doses: Sequence[float] = DOSES,
    pairs: Pairs | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Correctness and coverage of x + tδ along the dose t, both float64 (T, l, l).

    A curve that rises to t = 1 and holds is what a shift between two populations gives; one that peaks sharply
    or falls before t = 1 tells of an amount fitted to the encoder rather than to the cells.

    Parameters
    ----------
    moved
        ``moved(i, j, t)``: r(x + tδ_ij) for the cells x of i, shape (n_i, m).
    embedded
        r of the cells of each group, shapes (n_g, m).
    epsilon
        Distance at which a cell counts as reached, 0 or more.
    pairs
        Ordered pairs wanted; all by default.
    doses
        Values of t.
    """
    index = index_groups(embedded)
    wanted = None if pairs is None else list(pairs)

    def at(dose: float) -> Callable[[int, int], Tensor]:
        return lambda i, j: moved(i, j, dose)

    scores = [score_pairs(at(dose), index, epsilon, wanted) for dose in doses]
    return np.stack([s.correctness for s in scores]), np.stack([s.coverage for s in scores])


def off_manifold(
    moved: Callable[[int, int], Tensor], groups: Sequence[Tensor] | GroupIndex, pairs: Pairs | None = None
) -> np.ndarray:
    """How far translated cells end from real cells of the target, in units of the target's own spacing.

    The median distance of the translated cells of i to the nearest cell of j over the median distance of a cell of
    j to its nearest other cell of j. To be computed in a space the fit did not see, e.g. principal components.

    Parameters
    ----------
    moved
        ``moved(i, j)``: translated cells of i in that space, shape (n_i, p).
    groups
        The real cells of each group there, shapes (n_g, p).
    pairs
        Ordered pairs wanted; all by default.

    Returns
    -------
    float64 (l, l): 1 (and the diagonal) is as close as real cells are to each other, 3 three times as far; NaN for
    a target of one cell or of coinciding cells, and where not asked for.
    """
    index = index_groups(groups)
    n_groups = len(index)
    spacing = [_lower_median(index.self_nearest(g)) for g in range(n_groups)]
    out = np.full((n_groups, n_groups), np.nan)
    for i, j in np.ndindex(out.shape) if pairs is None else pairs:
        if not 0 < spacing[j] < float("inf"):
            continue
        out[i, j] = 1.0 if i == j else _lower_median(index.nearest(moved(i, j), j)) / spacing[j]
    return out


def _lower_median(values: np.ndarray) -> float:
    return float(np.partition(values, (len(values) - 1) // 2)[(len(values) - 1) // 2])


def share_below_zero(
    columns: Columns,
    rows: Sequence[slice],
    delta_of: Callable[[int, int], SparseDelta],
    pairs: Pairs | None = None,
    low: torch.Tensor | None = None,
) -> np.ndarray:
    """Share of lowered expression values that a translation takes below zero, where no cell can be.

    Parameters
    ----------
    columns
        Expression of some genes in some cells, as for a `Translator`.
    rows
        The cells of each group.
    delta_of
        ``delta_of(i, j)``: the translation i → j.
    pairs
        Ordered pairs wanted; all by default.
    low
        (d,) below which no gene is taken; None: unbounded.

    Returns
    -------
    float64 (l, l): over the cells of i and the genes with δ < 0, the share with t(x) < 0; 0 where no gene is
    lowered, NaN on the diagonal and where not asked for.
    """
    out = np.full((len(rows), len(rows)), np.nan)
    for i, j in np.ndindex(out.shape) if pairs is None else pairs:
        if i == j:
            continue
        genes, values = delta_of(i, j)
        lowered = values < 0
        if not bool(lowered.any()):
            out[i, j] = 0.0
            continue
        out[i, j] = _share_below(columns, rows[i], SparseDelta(genes[lowered], values[lowered]), low)
    return out


def _share_below(columns: Columns, rows: slice, lowered: SparseDelta, low: torch.Tensor | None) -> float:
    below = total = 0
    step = max(1, _BLOCK_ENTRIES // (rows.stop - rows.start))
    for genes, values in zip(torch.split(lowered.genes, step), torch.split(lowered.values, step), strict=True):
        x = columns(rows, genes)
        moved = x + values.to(x)
        if low is not None:
            moved = torch.maximum(moved, low.to(x)[genes.to(low.device)])
        below += int((moved < 0).sum())
        total += x.numel()
    return below / total


def pair_objectives(problem: Problem, values: Tensor, lam: float, costs: Tensor | None = None) -> np.ndarray:
    """The term of Eq. 9 for each ordered pair of a consistent solution, float64 (l, l), 0 on the diagonal.

    Parameters
    ----------
    problem
        Groups' means, targets and encoder, for the genes of `values`.
    values
        Basis translations, shape (l, A).
    lam
        λ.
    costs
        Price of each gene, shape (A,); 1 by default. A forbidden gene (inf) may not differ between groups.
    """
    price = torch.ones_like(values[0]) if costs is None else costs.to(values)
    out = problem.residuals(problem.hidden(values)).square().sum(-1)
    for i in range(len(values)):
        amounts = (values - values[i]).abs()
        out[i] += lam * torch.where(amounts > 0, amounts * price, 0.0).sum(1)
    return out.cpu().numpy()


def price_of_consistency(consistent: np.ndarray, independent: np.ndarray) -> tuple[float, np.ndarray]:
    """What it costs that all explanations fit together: F of the consistent solution over that of independent ones.

    Parameters
    ----------
    consistent
        Objective of each pair under the consistent solution, shape (l, l) (`pair_objectives`).
    independent
        Objective of each pair explained on its own, same λ, shape (l, l) (`lasso_pairs`); the diagonal is ignored, and
        so is NaN: a pair that was not explained.

    Returns
    -------
    The ratio of the sums over pairs, at least 1 if both are global minima; and the ratio of each pair, float64
    (l, l), NaN where ignored. 0 over 0 counts as 1.
    """
    off = ~np.eye(len(consistent), dtype=bool) & ~np.isnan(independent)
    ratios = np.full(consistent.shape, np.nan)
    ratios[off] = _ratio(consistent[off], independent[off])
    total = _ratio(np.array([consistent[off].sum()]), np.array([independent[off].sum()]))
    return float(total[0]), ratios


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.where(b > 0, a / np.where(b > 0, b, 1.0), np.where(a > 0, np.inf, 1.0))
