"""Each donor left out in turn: the explanation made again from the others, scored on the cells of the one left out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from scgce._api.processes import side_by_side
from scgce._api.progress import progress
from scgce._api.warn import QualityWarning, warn
from scgce.core.pairs import listed
from scgce.core.score.metrics import score_pairs

from .again import Again
from .read import MOST_CELLS, Prepared
from .split import FIT, MIN_SPLIT, REPORT, split_cells


def left_out_correctness(
    prepared: Prepared,
    again: Again,
    names: np.ndarray,
    codes: np.ndarray,
    column: str,
    min_cells: int,
    n_jobs: int | None = 1,
) -> np.ndarray:
    """Correctness (D, l, l) on all cells of every donor, of the explanation made without it.

    The targets are the reported cells of all donors, as for the scores of the explanation itself. NaN where the donor
    has fewer than ``min_cells`` cells of the source, and for a donor without which a group has too few to explain.

    Parameters
    ----------
    names, codes
        Donors (D,), and that of every cell (n,), -1 for those that take no part.
    column
        Of the donors, for messages.
    n_jobs
        Donors beside each other.
    """
    everyone = range(len(names))
    each = side_by_side(partial(_without, prepared, again, codes, min_cells), everyone, n_jobs)
    found = list(progress(each, total=len(names), desc="leave one out"))
    needed = [str(name) for name, own in zip(names, found, strict=True) if own is None]
    if needed:
        warn(
            f"split_by={column!r}: {', '.join(needed)} cannot be left out, without which a group has fewer than "
            f"{MIN_SPLIT} cells",
            QualityWarning,
        )
    nothing = np.full((prepared.groups.n, prepared.groups.n), np.nan)
    return np.stack([nothing if own is None else own for own in found])


def _without(prepared: Prepared, again: Again, codes: np.ndarray, min_cells: int, donor: int) -> np.ndarray | None:
    """Correctness (l, l) on the donor's cells; None if it is needed."""
    parts = _parts(prepared, again, codes, donor)
    if parts is None:
        return None
    own = replace(prepared, split=parts)
    rows = own.rows(REPORT, MOST_CELLS[REPORT])
    sizes = np.bincount(prepared.groups.codes[rows], minlength=prepared.groups.n)
    wanted = [(i, j) for i, j in listed(prepared.groups.n, prepared.asked) if sizes[i] >= min_cells]
    if not wanted:
        return np.full((prepared.groups.n, prepared.groups.n), np.nan)
    moved = prepared.cells(rows).mover(again.from_parts(own, prepared.seed).cuts())
    return score_pairs(moved, prepared.part(REPORT).index, float(again.entry["epsilon"]), wanted).correctness


def _parts(prepared: Prepared, again: Again, codes: np.ndarray, donor: int) -> np.ndarray | None:
    """Cells of the donor are reported, those of the others fit and select; None if a group has too few of these."""
    order, groups = prepared.order, prepared.groups
    others = np.where((codes >= 0) & (codes != donor), groups.codes, -1)
    if (np.bincount(others[others >= 0], minlength=groups.n) < MIN_SPLIT).any():
        return None
    fraction = float(again.entry["params"]["validation_fraction"])
    parts = np.full(len(order), -1, dtype=np.int8)
    parts[order] = split_cells(others[order], groups.n, fraction, prepared.seed)
    parts[parts == REPORT] = FIT  # nothing of the others is reported
    parts[(codes == donor) & (groups.codes >= 0)] = REPORT
    return parts
