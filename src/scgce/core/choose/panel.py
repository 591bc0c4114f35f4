"""A panel of genes that tells groups apart: greedy by the error bound, then exchanges, within a budget.

Genes are taken one by one, each time the one that lowers the bound of `separation` most per cost; the others are then
freed of what the chosen ones tell of them, by one step of a pivoted Cholesky decomposition. Afterwards a gene is
exchanged for another as long as the bound falls. The order of choice is the greedy one over the genes that remain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .separation import Covariance, Floats, Ints, Pairs, bounds_after

TWIN = 0.99
"""Correlation within groups, and of the means, from which two genes count as one."""
LEAST_GAIN = 1e-9
"""Below this share of the bound, a gene adds nothing; also the margin within which two genes are equally good, so that
rounding does not decide between them."""
LEAST_EXCHANGE = 1e-2
"""An exchange must lower the bound by this share of it, or it is the noise of the cells. Exchanges gained .05 macro-F1
at 5 genes of pbmc3k and nothing beyond 20, where 0.001 cost a little."""
MOST_ROUNDS = 3
FREE = 1e-3
"""What a free gene costs in the comparison of gain per cost, in units of the median price."""


@dataclass(frozen=True)
class Wish:
    """What a panel must be: prices (c,), allowed (c,), fixed genes, sets of which one gene each must be in, limits."""

    n_genes: int
    costs: Floats
    allowed: np.ndarray
    fixed: tuple[int, ...] = ()
    sets: tuple[Ints, ...] = ()
    start: tuple[int, ...] = ()
    """Genes to start from, which exchanges may replace."""
    budget: float = np.inf


@dataclass
class Panel:
    """Genes in the order of choice, and what is known after each."""

    genes: list[int] = field(default_factory=list)
    bounds: list[float] = field(default_factory=list)
    squared: list[Floats] = field(default_factory=list)
    """Squared distances of the pairs (P,) after each gene."""
    factor: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    """Lower Cholesky factor of the covariance of the chosen genes (k, k)."""
    twins: list[tuple[int, int]] = field(default_factory=list)
    """A gene that was passed over, and the chosen gene that says the same."""


class _Given:
    """The candidates freed of what the chosen genes tell of them."""

    def __init__(self, means: Floats, covariance: Covariance, pairs: Pairs) -> None:
        self.means, self.variances = means.copy(), covariance.diagonal.copy()
        self.squared = np.zeros(len(pairs.first))
        self.columns: list[Floats] = []
        self._covariance, self._pairs = covariance, pairs

    def take(self, gene: int) -> None:
        gap = self.means[self._pairs.first, gene] - self.means[self._pairs.second, gene]
        self.squared = self.squared + gap**2 / self.variances[gene]
        column = self._covariance.column(gene).copy()
        for done in self.columns:
            column -= done[gene] * done
        column /= np.sqrt(max(column[gene], 1e-12))
        self.means = self.means - np.outer(self.means[:, gene] / column[gene], column)
        # never below the ridge's share: what rounding leaves of a variance must not divide
        self.variances = np.maximum(self.variances - column**2, 1e-3 * self._covariance.ridge)
        self.columns.append(column)


def choose_panel(means: Floats, covariance: Covariance, pairs: Pairs, wish: Wish) -> Panel:
    """Choose genes that tell every pair apart.

    Parameters
    ----------
    means
        Group means of the candidates (l, c), sorted by name: of equally good genes the first is taken.
    covariance
        Their covariance within groups.
    pairs
        The pairs and what each counts.
    wish
        What is allowed, fixed, and how much.

    Returns
    -------
    The panel; shorter than asked for when no gene that is allowed and can be paid adds anything.
    """
    search = _Search(means, covariance, pairs, wish)
    found = search.greedy(per_cost=True)
    if np.isfinite(wish.budget):  # gain per cost alone may spend a budget on trifles; the better of both is within
        other = search.greedy(per_cost=False)  # (1 − 1/e)/2 of the best set for a submodular gain
        found = min(found, other, key=lambda panel: panel.bounds[-1] if panel.bounds else 1.0)
    chosen = search.exchanged(found.genes)
    if chosen == found.genes:
        return found
    ordered = search.greedy(per_cost=True, only=chosen)
    ordered.twins = found.twins
    return ordered


class _Search:
    def __init__(self, means: Floats, covariance: Covariance, pairs: Pairs, wish: Wish) -> None:
        self.means, self.covariance, self.pairs, self.wish = means, covariance, pairs, wish
        positive = wish.costs[np.isfinite(wish.costs) & (wish.costs > 0)]
        self.least = FREE * float(np.median(positive)) if positive.size else 1.0
        self._known_twins: dict[int, Ints] = {}

    def greedy(self, *, per_cost: bool, only: Sequence[int] | None = None) -> Panel:
        """Take genes until there are enough, nothing more can be paid, or nothing adds anything."""
        wish, panel = self.wish, Panel()
        given = _Given(self.means, self.covariance, self.pairs)
        open_ = wish.allowed.copy()
        if only is not None:
            open_[:] = False
            open_[list(only)] = True
        for gene in wish.fixed:
            self._take(panel, given, open_, gene)
        starts = list(wish.start) if only is None else []
        sets = [members for members in wish.sets if not np.isin(members, wish.fixed).any()]
        while len(panel.genes) < wish.n_genes:
            spent = wish.costs[panel.genes].sum()
            payable = open_ & (wish.costs <= wish.budget - spent + 1e-9)
            wanted = self._wanted(sets, payable) if only is None else payable
            if starts:
                gene = starts.pop(0)
                if not payable[gene]:
                    continue
            else:
                gene = self._best(given, wanted, per_cost=per_cost)
            if gene < 0 and sets and only is None:
                sets.pop(0)  # no gene of the set can be had
                continue
            if gene < 0:
                break
            self._take(panel, given, open_, gene)
            sets = [members for members in sets if gene not in members]
        panel.factor = np.array([[column[gene] for column in given.columns] for gene in panel.genes])
        return panel

    def _wanted(self, sets: list[Ints], payable: np.ndarray) -> np.ndarray:
        """The genes of the first set that has none yet; all that can be paid once every set has one."""
        if not sets:
            return payable
        member = np.zeros(len(payable), dtype=bool)
        member[sets[0]] = True
        return payable & member

    def _best(self, given: _Given, wanted: np.ndarray, *, per_cost: bool) -> int:
        """The gene that lowers the bound most, per cost if so asked; −1 if none lowers it."""
        at = np.flatnonzero(wanted)
        if not at.size:
            return -1
        before = self.pairs.bound(given.squared)
        gain = before - bounds_after(given.means[:, at], given.variances[at], self.pairs, given.squared)
        if not (gain > LEAST_GAIN * before).any():
            return -1
        worth = gain / np.maximum(self.wish.costs[at], self.least) if per_cost else gain
        return int(at[np.flatnonzero(worth >= worth.max() * (1 - LEAST_GAIN))[0]])

    def _take(self, panel: Panel, given: _Given, open_: np.ndarray, gene: int) -> None:
        given.take(gene)
        open_[gene] = False
        panel.genes.append(gene)
        panel.squared.append(given.squared)
        panel.bounds.append(self.pairs.bound(given.squared))
        twins = self._twins(gene)
        panel.twins += [(int(twin), gene) for twin in twins if open_[twin]]
        open_[twins] = False

    def _twins(self, gene: int) -> Ints:
        """Genes that say the same as this one: copies, also in other units."""
        if gene in self._known_twins:
            return self._known_twins[gene]
        spread = self.covariance.pure
        with np.errstate(divide="ignore", invalid="ignore"):
            within = self.covariance.unshrunk(gene) / np.sqrt(spread * spread[gene])
            centred = self.means - self.means.mean(axis=0)
            between = centred.T @ centred[:, gene] / np.sqrt((centred**2).sum(axis=0) * (centred[:, gene] ** 2).sum())
        found = np.flatnonzero((within > TWIN) & (between > TWIN))
        return self._known_twins.setdefault(gene, found[found != gene])

    def exchanged(self, genes: list[int]) -> list[int]:
        """Genes after exchanges, one at a time, the least useful first, while the bound falls by enough."""
        chosen, free = list(genes), len(self.wish.fixed)
        if len(chosen) <= free or self.wish.sets:
            return chosen
        for _ in range(MOST_ROUNDS):
            state = _Whole(self.means, self.covariance, self.pairs, chosen)
            changed = False
            for gene in state.least_useful(chosen[free:]):
                other = self._replacement(state, chosen, gene)
                if other >= 0:
                    chosen[chosen.index(gene)] = other
                    state = _Whole(self.means, self.covariance, self.pairs, chosen)
                    changed = True
            if not changed:
                break
        return chosen

    def _replacement(self, state: _Whole, chosen: list[int], gene: int) -> int:
        """The best gene in the place of another, not dearer than can be paid; −1 if none is better by enough."""
        wish = self.wish
        # without a budget prices are a matter of taste: an exchange must not raise the sum
        most = wish.costs[gene]
        if np.isfinite(wish.budget):
            most = wish.budget - (wish.costs[chosen].sum() - wish.costs[gene])
        payable = wish.allowed & (wish.costs <= most + 1e-9)
        payable[chosen] = False
        for kept in chosen:
            payable[self._twins(kept) if kept != gene else []] = False
        at = np.flatnonzero(payable)
        if not at.size:
            return -1
        means, variances, squared = state.without(gene, at)
        after = bounds_after(means, variances, self.pairs, squared)
        best = int(np.flatnonzero(after <= after.min() * (1 + LEAST_GAIN))[0])
        return int(at[best]) if after[best] < state.bound * (1 - LEAST_EXCHANGE) else -1


class _Whole:
    """A whole set of genes at once, and the same set without any one of them, by rank-one corrections."""

    def __init__(self, means: Floats, covariance: Covariance, pairs: Pairs, chosen: list[int]) -> None:
        self._pairs, self._chosen = pairs, list(chosen)
        self._columns = np.stack([covariance.column(gene) for gene in chosen], axis=1)
        self._precision = np.linalg.inv(self._columns[chosen])
        self._own = means[:, chosen]
        gaps = self._own[pairs.first] - self._own[pairs.second]
        self._gaps = gaps
        self.squared = np.einsum("pk,pk->p", gaps @ self._precision, gaps)
        self.bound = pairs.bound(self.squared)
        told = self._columns @ self._precision
        self._means = means - self._own @ told.T
        self._variances = covariance.diagonal - np.einsum("ck,ck->c", told, self._columns)
        self._least = 1e-3 * covariance.ridge

    def _direction(self, gene: int) -> Floats:
        place = self._chosen.index(gene)
        return np.asarray(self._precision[:, place] / np.sqrt(self._precision[place, place]))

    def least_useful(self, genes: Sequence[int]) -> list[int]:
        """Genes in ascending order of what the bound loses without them."""
        left = [self._pairs.bound(self._distances_without(self._direction(gene))) for gene in genes]
        return [genes[index] for index in np.argsort(left, kind="stable")]

    def _distances_without(self, direction: Floats) -> Floats:
        return np.asarray(np.maximum(self.squared - (self._gaps @ direction) ** 2, 0.0))

    def without(self, gene: int, at: Ints) -> tuple[Floats, Floats, Floats]:
        """Means (l, |at|) and variances (|at|,) of other genes given all but one, and the pairs' distances."""
        direction = self._direction(gene)
        told = self._columns[at] @ direction
        means = self._means[:, at] + np.outer(self._own @ direction, told)
        variances = np.maximum(self._variances[at] + told**2, self._least)
        return means, variances, self._distances_without(direction)
