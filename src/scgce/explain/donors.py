"""What donors say of a stored explanation: their own shifts of its items, and its scores on their cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from anndata import AnnData
from scipy import sparse

from scgce._api.groups import read_labels
from scgce._api.warn import QualityWarning, warn
from scgce.core.choose.truncate import PairCuts
from scgce.core.pairs import listed as pairs_of
from scgce.core.score.donors import DESIGNS, agreement
from scgce.core.score.metrics import score_pairs
from scgce.matrix import arrays
from scgce.store.contrasts import Contrast, contrasts_of
from scgce.store.programs import StoredPrograms
from scgce.store.result import Result

from .again import Again
from .left_out import left_out_correctness
from .read import MOST_CELLS, Prepared
from .reopen import genes_onto
from .split import FIT, REPORT


@dataclass(frozen=True)
class Donors:
    """Donors of the explained cells, and which of them took no part in the fit."""

    names: np.ndarray
    """(D,)."""
    codes: np.ndarray
    """(n,) donor of every cell that takes part, −1 for the others."""
    held_out: np.ndarray
    """(D,) bool."""

    @classmethod
    def of(cls, adata: AnnData, prepared: Prepared, column: str) -> Donors:
        """Read them from a column of ``adata.obs``.

        Raises
        ------
        KeyError
            If the column is not there.
        ValueError
            If there are fewer than two donors.
        """
        names, codes = read_labels(adata, column, "split_by")
        codes = np.where(prepared.split >= 0, codes, -1)
        there = np.unique(codes[codes >= 0])
        if len(there) < 2:
            raise ValueError(
                f"split_by={column!r}: the explained cells are of {len(there)} donor; expected two or more"
            )
        place = np.full(len(names) + 1, -1, dtype=np.int64)
        place[there] = np.arange(len(there))
        codes = place[codes]
        fitted = np.bincount(codes[(codes >= 0) & (prepared.split == FIT)], minlength=len(there)) > 0
        alone = not (prepared.split == REPORT).any()  # without a split every cell fitted
        return cls(names[there], codes, ~fitted & (not alone))


def donor_evidence(
    adata: AnnData,
    prepared: Prepared,
    result: Result,
    cuts: PairCuts,
    k: int,
    column: str,
    min_cells: int,
    level: float,
    again: Again | None = None,
    n_jobs: int | None = 1,
) -> dict[str, Any]:
    """The entry ``donor_evidence`` that `tl.evidence` stores: see there.

    ``again`` leaves each donor out in turn, ``n_jobs`` of them beside each other.

    Raises
    ------
    KeyError, ValueError
        As `Donors.of`.
    """
    donors = Donors.of(adata, prepared, column)
    contrasts = contrasts_of(result)
    items = _Items.of(result, prepared, k, contrasts)
    means = _means(prepared, donors, items.weights, min_cells)
    held_out = bool(donors.held_out.any())
    family = items.family(held_out=held_out)
    each = 1 - (1 - level) / (items.count if np.isnan(family) else family)
    found = []
    for number, contrast in enumerate(contrasts):
        source, target = (means[:, row][:, items.used[number]].T for row in (contrast.source, contrast.target))
        facts = _facts(source, target, items.shifts[number], donors.held_out, each, judged=not np.isnan(family))
        facts |= {"item": items.names[items.used[number]].astype(str)}
        rows = {"source": contrast.source, "target": contrast.target}
        found.append(facts | {name: np.full(len(facts["item"]), row) for name, row in rows.items()})
    apart: dict[str, Any] = {}
    if again is not None:
        of = donors.names, donors.codes
        apart["left_out_correctness"] = left_out_correctness(prepared, again, *of, column, min_cells, n_jobs)
    _tell([str(one["design"][0]) for one in found if len(one["design"])], column, judged=not np.isnan(family))
    return {
        **{name: np.concatenate([one[name] for one in found]) for name in found[0]},
        "sparsity": k,
        "interval": float(level),
        "family": float(family),
        "min_cells": int(min_cells),
        "column": column,
        "donors": donors.names.astype(str),
        "held_out": donors.held_out,
        "correctness": _scores(prepared, donors, cuts, result.epsilon, min_cells),
        **apart,
    }


def _facts(
    source: np.ndarray, target: np.ndarray, shift: np.ndarray, held_out: np.ndarray, level: float, *, judged: bool
) -> dict[str, np.ndarray]:
    """What donors say of the items of one contrast, R of each; those held out decide, where there are some."""
    deciding = held_out if held_out.any() else np.ones(len(held_out), dtype=bool)
    found = agreement(source[:, deciding], target[:, deciding], level)
    return {
        "shift": shift,
        "each": agreement(source, target, level).each,
        "n": np.full(len(shift), found.n, dtype=np.int64),
        "agreeing": found.agreeing(shift),
        "low": found.low,
        "high": found.high,
        "agree": found.agree(shift).astype(float) if judged else np.full(len(shift), np.nan),
        "design": np.full(len(shift), found.design),
    }


@dataclass(frozen=True)
class _Items:
    """The genes or programmes that the contrasts use."""

    names: np.ndarray
    """(A,)."""
    weights: sparse.csr_array
    """(A, d) share of each gene of the AnnData in the item's mean."""
    used: list[np.ndarray]
    """Positions in ``names``, contrast by contrast."""
    shifts: list[np.ndarray]
    """Shift of each, in the means of the fitting cells."""
    candidates: float
    """Items that could have been shown; NaN if they were learned from the cells."""

    @property
    def count(self) -> int:
        """Items over all contrasts, at least 1."""
        return max(1, sum(len(own) for own in self.used))

    def family(self, *, held_out: bool) -> float:
        """Intervals that must hold together, so that the choice of what is shown makes no agreement.

        Of donors that took no part in the fit the items shown; otherwise all that could have been.
        """
        return float(self.count if held_out else self.candidates * max(1, len(self.used)))

    @classmethod
    def of(cls, result: Result, prepared: Prepared, k: int, contrasts: list[Contrast]) -> _Items:
        """Of a result, over the genes of the AnnData at hand."""
        onto = sparse.csr_array(genes_onto(result.raw, prepared.genes))
        if "programs" in result.raw:
            programs = StoredPrograms.read(result, k)
            used = [programs.between(one.source, one.target) for one in contrasts]
            values = programs.amounts
            weights = sparse.csr_array(programs.membership.astype(np.float64)) @ onto
            learned = bool(np.asarray(result.raw["programs"]["learned"], dtype=bool).any())
            names, candidates = programs.names, np.nan if learned else float(len(programs.names))
            totals = np.maximum(np.asarray(weights.sum(axis=1)).ravel(), np.finfo(float).tiny)
            weights = sparse.csr_array(sparse.diags_array(1 / totals) @ weights)
        else:
            chosen = [np.flatnonzero(result.delta(one.source, one.target, k)) for one in contrasts]
            genes = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *chosen]))
            used = [np.searchsorted(genes, own) for own in chosen]
            names, values, weights = result.genes[genes], result.means[:, genes].T, onto[genes]
            candidates = float(np.asarray(result.raw.get("movable", np.ones(len(result.genes))), dtype=bool).sum())
        shifts = [values[own, one.target] - values[own, one.source] for own, one in zip(used, contrasts, strict=True)]
        return cls(names, weights, used, shifts, candidates)


def _means(prepared: Prepared, donors: Donors, weights: sparse.csr_array, min_cells: int) -> np.ndarray:
    """Mean of every item in every donor's cells of every group (D, l, A), NaN below ``min_cells`` cells."""
    n_groups, codes = prepared.groups.n, prepared.groups.codes
    found = np.full((len(donors.names), n_groups, weights.shape[0]), np.nan)
    for donor in range(len(donors.names)):
        rows = np.flatnonzero((donors.codes == donor) & (codes >= 0))
        sizes = np.bincount(codes[rows], minlength=n_groups)
        sums = arrays.group_sums(arrays.csr_rows(prepared.X, rows), codes[rows], n_groups)
        means = (weights @ (sums / np.maximum(sizes, 1)[:, None]).T).T
        found[donor] = np.where(sizes[:, None] >= min_cells, means, np.nan)
    return found


def _scores(prepared: Prepared, donors: Donors, cuts: PairCuts, epsilon: float, min_cells: int) -> np.ndarray:
    """Correctness of every pair on each donor's own reported cells, the targets' from all donors (D, l, l)."""
    index = prepared.part(REPORT).index
    pairs, n_groups = pairs_of(prepared.groups.n, prepared.asked), prepared.groups.n
    found = np.full((len(donors.names), n_groups, n_groups), np.nan)
    rows = prepared.rows(REPORT, MOST_CELLS[REPORT])
    for donor in range(len(donors.names)):
        own = rows[donors.codes[rows] == donor]
        sizes = np.bincount(prepared.groups.codes[own], minlength=n_groups)
        wanted = [(i, j) for i, j in pairs if sizes[i] >= min_cells]
        if wanted:
            found[donor] = score_pairs(prepared.cells(own).mover(cuts), index, epsilon, wanted).correctness
    return found


def _tell(designs: list[str], column: str, *, judged: bool) -> None:
    """Warn where donors cannot say what they are asked."""
    for design in ("confounded", "few"):
        count = designs.count(design)
        if count:
            warn(f"split_by={column!r}: {count} of {len(designs)} contrasts have {DESIGNS[design]}", QualityWarning)
    if not judged:
        warn(
            f"split_by={column!r}: all donors took part when the programmes were learned, so that agreement among them "
            "says nothing; expected an explanation made with tl.tgt(…, split_by=…), or programmes that were given",
            QualityWarning,
        )
