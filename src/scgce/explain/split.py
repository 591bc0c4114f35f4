"""Which cells fit, which select, which are reported."""

from __future__ import annotations

import logging
from numbers import Real

import numpy as np

from scgce.store.cells import FIT, REPORT, VALIDATE

__all__ = ["FIT", "REPORT", "VALIDATE", "split_cells"]

logger = logging.getLogger("scgce")

MIN_SPLIT = 3
SMALL_PART = 5


def split_cells(codes: np.ndarray, n_groups: int, fraction: float, rng: int | np.random.Generator) -> np.ndarray:
    """Split the cells once, stratified by group.

    Every cell draws one number, in the order of the rows, and the numbers are ranked within each group: the split
    depends neither on the names nor on the order of the groups.

    Parameters
    ----------
    codes
        Group of every cell (n,), −1 for none.
    n_groups
        Number l of groups.
    fraction
        Share of each group that selects, and again that is reported; the rest fits. 0: no split, every cell is FIT
        and serves for everything.
    rng
        Seed or generator.

    Returns
    -------
    int8 (n,): FIT, VALIDATE, REPORT, or −1 for a cell in no group. Each part has at least one cell of every group.

    Raises
    ------
    ValueError
        If the fraction is not in [0, 0.5), or a group has fewer than 3 cells while the fraction is above 0.
    """
    if isinstance(fraction, bool) or not isinstance(fraction, Real) or not 0 <= fraction < 0.5:
        raise ValueError(f"validation_fraction={fraction!r}; expected a number in [0, 0.5), e.g. 0.25")
    codes = np.asarray(codes)
    parts = np.where(codes >= 0, FIT, -1).astype(np.int8)
    if fraction == 0:
        return parts
    sizes = np.bincount(codes[codes >= 0], minlength=n_groups)
    if (sizes < MIN_SPLIT).any():
        raise ValueError(
            f"validation_fraction={fraction!r} needs at least {MIN_SPLIT} cells in every group; the smallest has "
            f"{sizes.min()}; use validation_fraction=0 or leave the group out"
        )
    draws = np.random.default_rng(rng).random(len(codes))
    order = np.lexsort((draws, codes))
    starts = np.searchsorted(codes[order], np.arange(n_groups))
    small = 0
    for start, size in zip(starts, sizes, strict=True):
        share = min(max(1, round(fraction * size)), (size - 1) // 2)
        parts[order[start : start + share]] = VALIDATE
        parts[order[start + share : start + 2 * share]] = REPORT
        small += share < SMALL_PART
    if small:
        logger.warning(
            "%d of %d groups have fewer than %d cells to select on and to report on; their metrics are rough",
            small, n_groups, SMALL_PART,
        )  # fmt: skip
    return parts
