"""Which cells fit, which select, which are reported."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from numbers import Real

import numpy as np

from scgce._api.errors import listing
from scgce.store.cells import FIT, REPORT, VALIDATE

__all__ = ["FIT", "REPORT", "VALIDATE", "split_cells", "split_donors"]

logger = logging.getLogger("scgce")

MIN_SPLIT = 3
SMALL_PART = 5
_ALL_WAYS, _TRIED = 10, 20_000
"""Up to so many donors every division is tried (3¹⁰ = 59,049), of more so many drawn at random."""


def split_cells(
    codes: np.ndarray,
    n_groups: int,
    fraction: float,
    rng: int | np.random.Generator,
    names: Sequence[str] | np.ndarray | None = None,
) -> np.ndarray:
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
    names
        Of the groups (l,), for the error.

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
        called = "" if names is None else f" ({listing(np.asarray(names)[sizes == sizes.min()])})"
        raise ValueError(
            f"validation_fraction={fraction!r} needs at least {MIN_SPLIT} cells in every group; the smallest has "
            f"{sizes.min()}{called}; use validation_fraction=0 or leave the group out"
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


def split_donors(
    table: np.ndarray,
    groups: Sequence[str],
    donors: Sequence[str],
    fraction: float,
    *,
    min_cells: int,
    split_by: str,
    rng: int | np.random.Generator,
) -> np.ndarray:
    """Give whole donors to the parts, so that every group has cells in each.

    As many donors select, and again are reported, as the fraction says, at least one; which ones is drawn among the
    divisions that leave every group enough cells. Where none does, numbers of donors nearby are tried.

    Parameters
    ----------
    table
        Cells (D, l) of every donor in every group.
    groups, donors
        Names (l,) and (D,), for messages.
    fraction
        Share of the donors that select, and again that are reported, above 0; the rest fits.
    min_cells
        Cells that every group needs in each part.
    split_by
        Column of the donors, for messages.
    rng
        Seed or generator.

    Returns
    -------
    int8 (D,): FIT, VALIDATE or REPORT.

    Raises
    ------
    ValueError
        If there are fewer than three donors, or no division leaves every group ``min_cells`` cells in each part: it
        says which group lacks what.
    """
    if isinstance(fraction, bool) or not isinstance(fraction, Real) or not 0 < fraction < 0.5:
        raise ValueError(f"split_by={split_by!r} needs a validation_fraction in (0, 0.5); found {fraction!r}")
    n_donors = len(table)
    if n_donors < MIN_SPLIT:
        raise ValueError(
            f"split_by={split_by!r} has {n_donors} donors with cells of the groups ({', '.join(donors)}); at least "
            f"{MIN_SPLIT} are needed: to fit, to select and to report"
        )
    ways = _divisions(n_donors, np.random.default_rng(rng))
    each = max(1, round(fraction * n_donors))
    cells = np.stack([(ways == part).astype(np.int64) @ table for part in range(3)], axis=1)
    lacking = np.maximum(min_cells - cells, 0).sum(axis=(1, 2))
    uneven = sum(np.abs((ways == part).sum(axis=1) - each) for part in (VALIDATE, REPORT))
    best = np.lexsort((uneven, lacking))[0]
    if lacking[best]:
        raise ValueError(_lacking(cells[best], table, groups, donors, min_cells, split_by))
    return np.asarray(ways[best], dtype=np.int8)


def _divisions(n_donors: int, generator: np.random.Generator) -> np.ndarray:
    """Divisions (a, D) of donors into three parts, none of them empty, in random order."""
    if n_donors <= _ALL_WAYS:
        ways = np.stack(np.unravel_index(np.arange(3**n_donors), [3] * n_donors), axis=1)
        ways = generator.permutation(ways)
    else:
        sizes = generator.integers(1, max(2, n_donors // 3 + 1), (_TRIED, 2))
        rank = np.argsort(generator.random((_TRIED, n_donors)), axis=1)
        ways = np.where(rank < sizes[:, :1], VALIDATE, np.where(rank < sizes.sum(axis=1)[:, None], REPORT, FIT))
    return ways[np.all([(ways == part).any(axis=1) for part in range(3)], axis=0)]


def _lacking(
    cells: np.ndarray, table: np.ndarray, groups: Sequence[str], donors: Sequence[str], min_cells: int, split_by: str
) -> str:
    """What the best division lacks, group by group, and which donors have cells of it."""
    lines = []
    for group in np.flatnonzero((cells < min_cells).any(axis=0)).tolist():
        parts = ", ".join(f"{cells[part, group]} to {verb}" for part, verb in enumerate(("fit", "select", "report")))
        have = ", ".join(
            f"{donors[donor]}: {table[donor, group]}" for donor in np.flatnonzero(table[:, group]).tolist()
        )
        lines.append(f"{groups[group]!r} has cells {parts} (cells by donor: {have})")
    return (
        f"split_by={split_by!r}: no division of the {len(donors)} donors leaves every group min_cells={min_cells} "
        f"cells to fit, to select and to report. Nearest: {'; '.join(lines)}. Leave such groups out with groups=[…], "
        "lower min_cells, or split by cells (split_by=None)"
    )
