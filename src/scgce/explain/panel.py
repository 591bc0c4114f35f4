"""From an AnnData to a panel: one read of X for the moments, one of sampled cells, the choice, and its scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from scgce._api.groups import Groups
from scgce.core.choose.panel import Panel, Wish, choose_panel
from scgce.core.choose.separation import RIDGE, Covariance, Floats, Ints, Pairs, bounds_after
from scgce.core.score.judges import fit_judges
from scgce.core.score.panel import PanelScores, fewest_as_good, score_panel
from scgce.matrix import arrays

from .split import FIT, REPORT, VALIDATE

MOST_LEARNING = 500
"""Cells per group that give the covariance; means are those of all cells."""
MOST_SCORED = 200
MOST_FOR_JUDGES = 5000
"""Cells, all groups together, on which the judges are trained: seconds for 50 groups."""
MOST_CANDIDATES = 1500
PER_PAIR = 10
"""Best genes of every pair that are candidates too, however little they do for the rest."""
LONGEST = 100
"""Length of the panel among whose beginnings ``"auto"`` chooses."""
CURVE = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500)
ROWS = 2000


@dataclass(frozen=True)
class Material:
    """What a panel is made from; genes are sorted by name."""

    X: Any
    groups: Groups
    genes: np.ndarray
    """Names (d,), in alphabetical order."""
    columns: Ints
    """Their columns in X (d,)."""
    split: np.ndarray
    order: np.ndarray
    """(n,) rows in an order that does not depend on how the cells are arranged."""
    seed: int

    def rows(self, parts: Sequence[int], most: int | None = None) -> Ints:
        """Rows of the cells of some parts, group after group, at most so many of each."""
        if not np.isin(self.split, [VALIDATE, REPORT]).any():  # no split: every cell serves for everything
            parts = (FIT,)
        inside = np.isin(self.split[self.order], parts)
        draws = np.random.default_rng([self.seed, 22]).random(len(self.order))
        chosen = []
        for group in range(self.groups.n):
            mine = self.order[(self.groups.codes[self.order] == group) & inside]
            if most is not None and len(mine) > most:
                mine = mine[np.sort(np.argsort(draws[: len(mine)], kind="stable")[:most])]
            chosen.append(mine)
        return np.concatenate(chosen)

    def values(self, rows: Ints, genes: Ints) -> sparse.csr_array:
        """Cells × genes, float32 CSR; X is read by blocks of rows."""
        parts = [arrays.csr_rows(self.X, rows[a : a + ROWS])[:, self.columns[genes]] for a in range(0, len(rows), ROWS)]
        return sparse.csr_array(sparse.vstack(parts, format="csr"))


@dataclass(frozen=True)
class Learned:
    """Candidates with their moments, over the cells that learn."""

    candidates: Ints
    """Numbers of genes (c,), ascending."""
    means: Floats
    """(l, c)."""
    covariance: Covariance

    def places(self, genes: Ints | Sequence[int]) -> Ints:
        """Where genes stand among the candidates; those that are none are left out."""
        genes = np.asarray(genes, dtype=np.int64)
        return np.searchsorted(self.candidates, genes[np.isin(genes, self.candidates)])


def learn(material: Material, parts: Sequence[int], pairs: Pairs, usable: np.ndarray, always: Ints) -> Learned:
    """Moments of the candidates.

    Parameters
    ----------
    material
        Cells and genes.
    parts
        Parts of the cells that learn.
    pairs
        The pairs that are to be told apart.
    usable
        Genes that may be chosen (d,).
    always
        Genes that are candidates in any case.
    """
    groups = material.groups
    learning = np.full(len(material.split), -1)
    rows = material.rows(parts)
    learning[rows] = groups.codes[rows]
    means, variances = _moments(material, learning)
    candidates = np.union1d(_candidates(means, variances, pairs, usable), always).astype(np.int64)
    sampled = material.rows(parts, MOST_LEARNING)
    covariance = Covariance(material.values(sampled, candidates), groups.codes[sampled])
    return Learned(candidates, means[:, candidates], covariance)


def _moments(material: Material, codes: np.ndarray) -> tuple[Floats, Floats]:
    """Group means (l, d) and the mean over groups of the variance within (d,), in one read of X."""
    n = material.groups.n
    sums, squares = np.zeros((n, material.X.shape[1])), np.zeros((n, material.X.shape[1]))
    for rows, block in arrays.row_blocks(material.X):
        sums += arrays.group_sums(block, codes[rows], n)
        squares += arrays.group_sums(_squared(block), codes[rows], n)
    sizes = np.maximum(np.bincount(codes[codes >= 0], minlength=n), 1)[:, None]
    means, squares = sums[:, material.columns] / sizes, squares[:, material.columns] / sizes
    return means, np.maximum(squares - means**2, 0.0).mean(axis=0)


def _squared(block: Any) -> Any:
    if not sparse.issparse(block):
        return np.square(block, dtype=np.float64)
    return sparse.csr_array((np.square(block.data, dtype=np.float64), block.indices, block.indptr), shape=block.shape)


def _candidates(means: Floats, variances: Floats, pairs: Pairs, usable: np.ndarray) -> Ints:
    """Genes that do most by themselves, over all pairs or for one; those that never differ are none."""
    differing = usable & (np.ptp(means, axis=0) > 0)
    at = np.flatnonzero(differing)
    if not at.size:
        return at
    means, variances = means[:, at], variances[at]
    positive = variances[variances > 0]
    variances = variances + RIDGE * (float(np.median(positive)) if positive.size else 1.0)
    after = bounds_after(means, variances, pairs, np.zeros(len(pairs.first)))
    chosen = np.zeros(len(at), dtype=bool)
    chosen[np.argsort(after, kind="stable")[:MOST_CANDIDATES]] = True
    for first, second in zip(pairs.first, pairs.second, strict=True):
        chosen[_largest((means[first] - means[second]) ** 2 / variances, PER_PAIR)] = True
    return at[chosen]


def _largest(values: Floats, most: int) -> Ints:
    """Places of the largest values, of equal ones the first; in linear time, since it is done for every pair."""
    if len(values) <= most:
        return np.arange(len(values))
    least = np.partition(values, -most)[-most]
    above = np.flatnonzero(values > least)
    return np.concatenate([above, np.flatnonzero(values == least)[: most - len(above)]])


@dataclass(frozen=True)
class Request:
    """What the user wants of the panel; genes by number."""

    n_genes: int | None
    """None: chosen on the validation cells."""
    costs: Floats
    usable: np.ndarray
    fixed: Ints
    sets: tuple[Ints, ...]
    start: Ints
    budget: float


@dataclass(frozen=True)
class Made:
    """A panel with its scores."""

    genes: Ints
    panel: Panel
    learned: Learned
    scores: PanelScores
    curve: dict[str, np.ndarray]
    validation: np.ndarray
    """Accuracy of the beginnings of a longer panel on the validation cells; empty if the number was given."""


def make(material: Material, pairs: Pairs, request: Request) -> Made:
    """Choose a panel on the cells that learn, its length on those that validate, and score it on the others."""
    always = np.unique(np.concatenate([request.fixed, request.start, *request.sets]).astype(np.int64))
    n_genes, validation = request.n_genes, np.zeros(0)
    if n_genes is None:
        learned = learn(material, (FIT,), pairs, request.usable, always)
        trial = _chosen(learned, pairs, request, LONGEST)
        scores = _score(material, learned, trial, VALIDATE)
        validation = scores.accuracy
        n_genes = max(fewest_as_good(scores), len(request.fixed), len(request.sets))
    # no choice is left for the validation cells: they learn too
    learned = learn(material, (FIT, VALIDATE), pairs, request.usable, always)
    panel = _chosen(learned, pairs, request, n_genes)
    scores = _score(material, learned, panel, REPORT)
    genes = learned.candidates[panel.genes]
    return Made(genes, panel, learned, scores, _curve(material, genes), validation)


def _chosen(learned: Learned, pairs: Pairs, request: Request, n_genes: int) -> Panel:
    panel = choose_panel(learned.means, learned.covariance, pairs, _wish(learned, request, n_genes))
    if not panel.genes:
        raise ValueError("no panel: no gene that may be chosen differs between the groups")
    return panel


def _wish(learned: Learned, request: Request, n_genes: int) -> Wish:
    costs, usable = request.costs[learned.candidates], request.usable[learned.candidates]
    return Wish(
        n_genes=n_genes,
        costs=costs,
        allowed=usable & np.isfinite(costs),
        fixed=tuple(np.searchsorted(learned.candidates, request.fixed).tolist()),
        sets=tuple(learned.places(members) for members in request.sets),
        start=tuple(np.searchsorted(learned.candidates, request.start).tolist()),
        budget=request.budget,
    )


def _score(material: Material, learned: Learned, panel: Panel, part: int) -> PanelScores:
    rows = material.rows((part,), MOST_SCORED)
    codes = material.groups.codes[rows]
    values = material.values(rows, learned.candidates[panel.genes]).toarray().astype(np.float64)
    return score_panel(values, codes, learned.means[:, panel.genes], panel.factor)


def _curve(material: Material, genes: Ints) -> dict[str, np.ndarray]:
    """Mean recall of two classifiers that see the first genes only, trained on the cells that learn."""
    most = max(20, MOST_FOR_JUDGES // material.groups.n)
    train, test = material.rows((FIT, VALIDATE), most), material.rows((REPORT,), MOST_SCORED)
    codes, truth = material.groups.codes[train], material.groups.codes[test]
    sizes = sorted({k for k in CURVE if k < len(genes)} | {len(genes)}) if len(genes) else []
    found: dict[str, list[float]] = {"judge_logreg": [], "judge_knn": []}
    known, asked = (material.values(rows, genes).toarray() for rows in (train, test))
    for k in sizes:
        if not np.ptp(known[:, :k], axis=0).any():  # genes that are the same in all cells call everything one group
            for values in found.values():
                values.append(1.0 / len(np.unique(truth)))
            continue
        for name, judge in fit_judges(known[:, :k], codes, max_cells=None).items():
            right = judge.predict(asked[:, :k]) == truth
            found[f"judge_{name}"].append(float(np.mean([right[truth == g].mean() for g in np.unique(truth)])))
    return {"n_genes": np.array(sizes, dtype=np.int64)} | {name: np.array(values) for name, values in found.items()}
