"""Plain functions and fitted estimators as encoders."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import torch

from scgce.matrix.arrays import dense_rows

from ._base import Encoder, name_array
from ._fidelity import rows_used, sample_rows
from ._spsa import FunctionModule, RowFunction
from ._student import distill_student

logger = logging.getLogger("scgce")

MOST_DIRECT = 100
"""With more features than this a function is distilled instead of differenced."""
STEP = 0.1
"""Differences are taken over ± this share of each feature's standard deviation."""
_BLOCK_BYTES = 2**26


def is_function(encoder: Any) -> bool:
    """Whether an object can be used as a function of rows: callable, or with a ``transform`` method."""
    return callable(getattr(encoder, "transform", None)) or callable(encoder)


def from_function(
    function: Any,
    X: Any,
    *,
    genes: Any,
    rng: int | np.random.Generator = 0,
    device: str | torch.device = "cpu",
    order: np.ndarray | None = None,
    parts: np.ndarray | None = None,
    basis: Encoder | None = None,
) -> Encoder:
    """Make an encoder of a function that has no gradient.

    Up to 100 features the function itself is the encoder, and its gradient is taken by central differences.  With
    more features a student is distilled and explained; ``encoder.teacher`` is the function, on which metrics are to
    be scored.  Which of the two was chosen is logged.

    Parameters
    ----------
    function
        Dense float32 rows (·, d) to values (·, m), or a fitted estimator with such a ``transform`` method.
    X
        Matrix (n, d) of any kind.
    genes
        Names (d,).
    rng, device, order, parts, basis
        For the student, see :func:`distill_student`.

    Raises
    ------
    ValueError
        If the function fails, returns NaN, another shape, or other values on the second call.
    """
    transform = getattr(function, "transform", None)
    own = function if not callable(transform) else transform
    name = type(function).__name__ if callable(transform) else getattr(function, "__name__", type(function).__name__)
    checked = _Checked(own, name)
    genes = name_array(genes)
    if X.shape[1] != len(genes):
        raise ValueError(f"encoder: {len(genes)} gene names were given for a matrix of {X.shape[1]} genes")
    there = rows_used(X.shape[0], None if parts is None else np.asarray(parts) >= 0)
    few = dense_rows(X, there[sample_rows(len(there), 16, rng)])
    first = checked(few)
    if not np.allclose(first, checked(few), rtol=1e-4, atol=1e-5 * max(1.0, float(np.abs(first).max()))):
        raise ValueError(f"encoder: {name} gives different values for the same cells; fix its random seed")
    if len(genes) <= MOST_DIRECT:
        logger.info("encoder: %s has no gradient; %d features, so differences are used", name, len(genes))
        spread = dense_rows(X, there[sample_rows(len(there), 2000, rng)]).std(axis=0)
        steps = STEP * np.where(spread > 0, spread, 1.0)
        tail = FunctionModule(checked, steps)
        return Encoder(kind="module", genes=genes, W=None, b=None, tail=tail, n_dims=first.shape[1], name=name)
    logger.info("encoder: %s has no gradient; %d features, so a student is distilled and explained", name, len(genes))
    target = _on_rows(checked, X, there, first.shape[1])
    how: dict[str, Any] = {"rng": rng, "device": device, "order": order, "parts": parts}
    student = distill_student(X, target, genes=genes, basis=basis, name=name, **how)
    student.teacher = checked
    return student


class _Checked:
    """The function, with its result brought to float32 (·, m) or refused."""

    def __init__(self, function: RowFunction, name: str) -> None:
        self.function, self.name = function, name

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        try:
            result = self.function(rows)
        except (TypeError, ValueError, RuntimeError, IndexError, AttributeError, KeyError) as error:
            raise ValueError(f"encoder: {self.name} failed on rows of shape {rows.shape}: {error}") from error
        if isinstance(result, torch.Tensor):
            result = result.detach().cpu().numpy()
        values = np.asarray(result.toarray() if hasattr(result, "toarray") else result)
        if values.ndim != 2 or len(values) != len(rows) or values.dtype.kind not in "biuf":
            raise ValueError(
                f"encoder: {self.name} returned {values.dtype} values of shape {values.shape} for {len(rows)} cells; "
                f"expected numbers of shape ({len(rows)}, m)"
            )
        if not np.isfinite(values).all():
            raise ValueError(f"encoder: {self.name} returned NaN or infinite values")
        return values.astype(np.float32)


def _on_rows(function: _Checked, X: Any, rows: np.ndarray, n_dims: int) -> np.ndarray:
    """Values (n, m) of the function on some rows, NaN on the others."""
    step = max(1, _BLOCK_BYTES // (4 * X.shape[1]))
    found = np.full((X.shape[0], n_dims), np.nan, dtype=np.float32)
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        found[some] = function(dense_rows(X, some))
    return found
