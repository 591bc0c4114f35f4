"""Whether a matrix is in the units of the one that was explained: its means, its range, its logarithm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from scgce._api.warn import warn
from scgce.matrix import arrays

_LOOKED_AT, _AT_LEAST = 100, 500
"""Cells of each group whose values are compared, and of all groups together."""
_DOUBTFUL, _OTHER = 1.25, 2.0
"""Factor between two means of all genes. Three donors of a retina differ by up to 1.06, the same cells normalised to
three times the total by 1.35 (blood) and 1.39 (retina), in log2 by 1.44; beyond the second no two units are one."""
_UNLIKE = 0.4
"""Share of the means that no factor explains, sampling aside: 0.26 between donors of a retina, 0.3 and 0.42 after
``sc.pp.scale(zero_center=False)``."""
_ALIKE, _EXACT = 0.25, 0.03
"""The same share, and the error of the factor's logarithm, below which the factor of another base is one."""
_FACTORS = {"log2 values": 1 / np.log(2), "log10 values": 1 / np.log(10)}
_HINT = "Give the matrix it was made from, or one made in the same way, with layer=… or as X"


def units_of(X: Any, codes: np.ndarray, base: float | None) -> dict[str, float]:
    """What is stored of a matrix to know its units by: range and whole numbers of some cells, and the logarithm's base.

    Parameters
    ----------
    X
        Matrix (n, d) of any kind.
    codes
        Group of every cell (n,), −1 for one that is not looked at.
    base
        Of the logarithm, NaN if nothing says it.
    """
    facts = _facts(arrays.csr_rows(X, _sample(codes)))
    return {**facts, "base": np.nan if base is None else float(base)}


def check_units(
    X: Any,
    codes: np.ndarray,
    means: np.ndarray,
    there: np.ndarray,
    name: str,
    *,
    stored: Mapping[str, Any] | None = None,
    base: float | None = None,
    refuse: bool = True,
) -> None:
    """Compare a matrix with what is stored of the one that was explained.

    Parameters
    ----------
    X
        Matrix (n, d) of any kind.
    codes
        Group of every cell (n,), the row of ``means`` that it is to be compared with; −1: not looked at.
    means
        Stored means (l, d'), in the order of ``there``.
    there
        Column of X of every stored gene (d',), −1 for one that X lacks.
    name
        What the user calls the matrix.
    stored
        What `units_of` gave when it was explained, where that is known.
    base
        Of the logarithm of X; None if nothing says it.
    refuse
        Whether other units are an error; a warning otherwise.

    Raises
    ------
    ValueError
        If the matrix is in other units: scaled, counts, another logarithm.

    Warns
    -----
    UserWarning
        If it may be.
    """
    rows = _sample(codes)
    if not len(rows) or not (there >= 0).any():
        return
    values = arrays.csr_rows(X, rows)[:, there[there >= 0]]
    known = {"lowest": min(float(np.min(means)), 0.0), **(stored or {})}
    expected = np.asarray(means, dtype=np.float64)[:, there >= 0]
    if known["lowest"] < 0:
        reason, sure = _beside_centred(values, known, expected, codes[rows])
    else:
        reason, sure = _beside_positive(values, known, expected[codes[rows]].mean(axis=0), base)
    if not reason:
        return
    if sure and refuse:
        raise ValueError(f"{name} is not in the units of what was explained: {reason}. {_HINT}")
    verb = "is not" if sure else "may not be"
    warn(f"{name} {verb} in the units of what was explained: {reason}. {_HINT}")


def _sample(codes: np.ndarray) -> np.ndarray:
    """Rows of some cells of every group."""
    rng = np.random.default_rng(0)
    parts = [np.flatnonzero(codes == group) for group in np.unique(codes[codes >= 0])]
    most = max(_LOOKED_AT, _AT_LEAST // max(len(parts), 1))
    chosen = [part if len(part) <= most else rng.choice(part, most, replace=False) for part in parts]
    return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, dtype=np.int64)


def _facts(values: Any) -> dict[str, float]:
    """Lowest and highest value of a sparse matrix, and whether all of them are whole numbers."""
    data = values.data if values.nnz else np.zeros(1)
    empty = values.nnz < np.prod(values.shape)
    lowest, highest = (min(float(data.min()), 0.0), max(float(data.max()), 0.0)) if empty else (data.min(), data.max())
    return {"lowest": float(lowest), "highest": float(highest), "whole": float(not np.mod(data, 1).any())}


@dataclass(frozen=True)
class _Fit:
    """Means found as a multiple of the means expected."""

    factor: float
    rest: float
    """Share of the means found that no factor explains, beyond what so few cells let them vary."""

    @property
    def apart(self) -> float:
        return float(np.inf) if self.factor <= 0 else max(self.factor, 1 / self.factor)


def _fit(found: np.ndarray, expected: np.ndarray, noise: float) -> _Fit:
    size = float((found**2).sum())
    factor = float((found * expected).sum() / (expected**2).sum())
    rest = float(((found - factor * expected) ** 2).sum())
    return _Fit(factor, float(np.sqrt(max(rest - noise, 0.0) / size)))


def _moments(values: Any) -> tuple[np.ndarray, float]:
    """Means (d,) of the columns, and the sum of their squared errors, twice: the means expected have errors, too."""
    n = max(values.shape[0], 1)
    mean = np.asarray(values.mean(axis=0), dtype=np.float64).ravel()
    squares = np.asarray(values.multiply(values).mean(axis=0), dtype=np.float64).ravel()
    return mean, 2 * float((squares - mean**2).sum()) / n


def _beside_positive(
    values: Any, known: Mapping[str, Any], expected: np.ndarray, base: float | None
) -> tuple[str, bool]:
    """What tells a matrix from a non-negative one that was explained, and whether it is beyond doubt; "" if nothing."""
    facts = _facts(values)
    if facts["lowest"] < 0:
        return f"it has negative values (down to {facts['lowest']:.3g}), as after sc.pp.scale", True
    found, noise = _moments(values)
    if not expected.any() or not found.any():
        return "", False
    fit = _fit(found, expected, noise)
    reason = f"its means are {fit.factor:.3g} times the stored ones"
    whole, was_whole = bool(facts["whole"]) and facts["highest"] > 1, bool(known.get("whole", 0.0))
    if fit.apart > _DOUBTFUL and whole != was_whole:
        counts = f"it holds whole numbers up to {facts['highest']:g}, as counts"
        return counts if whole else "it holds no counts, and what was explained did", True
    other = _other_base(fit, known.get("base"), base)
    if other:
        return f"{reason}, {other}", True
    if fit.apart > _DOUBTFUL:
        return f"{reason}, as after another normalisation or another logarithm", fit.apart > _OTHER
    if fit.rest > _UNLIKE:
        return (
            f"its means differ gene by gene from the stored ones, by {fit.rest:.0%}, as after "
            "sc.pp.scale(zero_center=False) or in another tissue"
        ), False
    return "", False


def _other_base(fit: _Fit, before: float | None, base: float | None) -> str:
    """The two bases, if the factor between the means is that of two logarithms; those noted in uns say more."""
    if before and np.isfinite(before) and base and before != base:
        size = np.log(before) / np.log(base)
        if abs(np.log(max(fit.factor, 1e-9) / size)) < abs(np.log(max(fit.factor, 1e-9))):
            return (
                f"""as of a logarithm of base {base:.3g}, which uns["log1p"] notes, beside one of base {before:.3g}"""
            )
    if fit.rest < _ALIKE and fit.factor > 0:
        for what, size in _FACTORS.items():
            if abs(np.log(fit.factor / size)) < _EXACT:
                return f"as of {what} beside natural logarithms"
            if abs(np.log(fit.factor * size)) < _EXACT:
                return f"as of natural logarithms beside {what}"
    return ""


def _beside_centred(values: Any, known: Mapping[str, Any], expected: np.ndarray, codes: np.ndarray) -> tuple[str, bool]:
    """The same beside a matrix with negative values, whose means of all cells say little: those of the groups do."""
    lowest = _facts(values)["lowest"]
    if lowest >= 0:
        return f"it has no negative values, and what was explained has (down to {float(known['lowest']):.3g})", True
    groups = np.unique(codes)
    moments = [_moments(values[codes == group]) for group in groups]
    found, noise = np.stack([mean for mean, _ in moments]), sum(error for _, error in moments)
    if not expected[groups].any() or not found.any():
        return "", False
    fit = _fit(found, expected[groups], noise)
    reason = f"the groups' means are {fit.factor:.3g} times the stored ones"
    if fit.apart > _OTHER:
        return f"{reason}, as after another scaling", True
    return (f"{reason}, as after another scaling", False) if fit.apart > _DOUBTFUL * 1.2 else ("", False)
