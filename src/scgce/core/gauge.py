"""The gauge of basis translations: which common vector is taken off every group.

The objective (paper, Eq. 9) does not change when one vector is added to the translation of every group, so a
convention is needed only for what is shown.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray


def weighted_median(values: ArrayLike, weights: ArrayLike) -> NDArray[np.float64]:
    """Lower weighted median of each column.

    Parameters
    ----------
    values
        Numbers, shape (l, d).
    weights
        Positive weight of each row, shape (l,).

    Returns
    -------
    The smallest value of each column at which the cumulative weight reaches half of the total, shape (d,).
    It is one of the values of the column (never an average of two), so that subtracting it leaves exact zeros.
    """
    table = np.asarray(values, dtype=np.float64)
    weight = np.asarray(weights, dtype=np.float64)
    if table.ndim != 2 or weight.shape != table.shape[:1]:
        raise ValueError(f"weights has shape {weight.shape}; expected one weight per row of values {table.shape}")
    if not (np.isfinite(weight).all() and (weight > 0).all()):
        raise ValueError(f"weights={weight.tolist()}: every weight must be finite and above 0")
    order = np.argsort(table, axis=0, kind="stable")
    cumulative = np.cumsum(weight[order], axis=0)
    # A hair below one half: cumulative sums of equal weights must not miss it by rounding.
    first = np.argmax(cumulative >= (0.5 - 1e-12) * weight.sum(), axis=0)
    rows = order[first, np.arange(table.shape[1])]
    median: NDArray[np.float64] = table[rows, np.arange(table.shape[1])]
    return median


def gauge(
    deltas: ArrayLike, reference: int | Literal["baseline"] = "baseline", sizes: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Express basis translations relative to one group or to the median group.

    Parameters
    ----------
    deltas
        Basis translations in any gauge, shape (l, d), units of the expression matrix.
    reference
        Row that becomes 0, or ``"baseline"``: the median over groups, gene by gene, becomes 0. It is the gauge with
        the smallest weighted sum of absolute values: the sparsest reading of each group on its own.
    sizes
        Cells of each group, shape (l,), the weights of the median; equal weights if not given.

    Returns
    -------
    Translations in the chosen gauge, shape (l, d). Differences between rows are those of the input.

    Raises
    ------
    ValueError
        If the reference is no row of ``deltas`` and not ``"baseline"``.
    """
    table = np.asarray(deltas, dtype=np.float64)
    if isinstance(reference, str):
        if reference != "baseline":
            raise ValueError(f"reference={reference!r}: expected a row number or 'baseline'")
        weights = np.ones(len(table)) if sizes is None else sizes
        return table - weighted_median(table, weights)
    if not 0 <= reference < len(table):
        raise ValueError(f"reference={reference}: expected a row number from 0 to {len(table) - 1} or 'baseline'")
    shifted: NDArray[np.float64] = table - table[reference]
    return shifted
