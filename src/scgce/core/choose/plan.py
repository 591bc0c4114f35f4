"""What is tried for a sparsity, written down as data; `benchmarks.ablation` measures what each part gains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Plan:
    """The descents and searches among which validation cells choose.

    The defaults hold for more genes than `SMALL` and more than little work; `plan_for` gives the one for a problem.
    """

    richer: tuple[float, ...] = (0.7, 1.0, 1.5, 2.5, 4.0, 7.0)
    """λ tried for k genes: those whose mean pair has about these multiples of k."""
    per_decade: int = 5
    """λ of the path between one and ten times as much."""
    starts: tuple[float, ...] = (1.0, 2.5)
    """As ``richer``, for the truncated solution from which refinement begins."""
    nearest: int = 3
    """Consistent solutions tried for k: the richest ones that fit."""
    explore: bool = True
    """A descent in which genes outside the cut feel a share of the gradient at first."""
    plain: bool = False
    """A descent in which they do not."""
    descend_richer: bool = True
    """A descent from what was refined for a larger sparsity."""
    fresh: bool = False
    """Where there is such a descent, those from the truncated solution as well."""
    scaled: bool = True
    """Descents from the truncated solution begin at the difference of means times its best factor where that validates
    better, as it may where cells are kept within their range: what is chosen validates no worse than that baseline."""
    consistent: bool = False
    """A descent from the consistent explanation, its pairs cut; and refinement of the consistent variant from there."""
    orders: int = 1
    """Orders of the mini-batches in descents that do not explore."""
    searches: int = 0
    """Searches on the metrics themselves, from so many of the best."""
    again: bool = False
    """Once more from the best, exploring and not, in all orders."""

    @property
    def most_descents(self) -> int:
        """Descents for one sparsity at most."""
        fresh, richer = self.explore + self.orders * self.plain, self.orders * self.descend_richer
        first = fresh + richer if self.fresh else max(fresh, richer)
        return first + self.orders * (self.consistent + 2 * self.again)


SMALL = 30
"""With at most so many genes a descent costs next to nothing."""
STEP, PLENTY = 2.5, 30
"""Refinement of fewer genes than plenty also starts from what was refined for so many times more, and so on up."""
NEAR = 1.5
"""A descent from a richer explanation carries the genes among the so many times k largest of a pair."""
PAIRS = 600
"""Ordered pairs by which candidates and sparsities are compared: all of up to 25 groups, a sample of more. The selected
sparsity is scored on all of them."""


LITTLE = 20_000
"""All ordered pairs × genes up to which longer descents, one from the consistent explanation and a second round follow,
for a few seconds. On the reported cells of three samples of 300 simulated cells (3 groups, 80 genes, 5 a pair,
amplitude 10) correctness changes by 0, +.137 and +.035 within the genes' range, and by +.043, -.030 and -.010 where
cells are not bounded."""


def is_little(n_genes: int, n_pairs: int) -> bool:
    """Whether the work is so little that a thorough search costs next to nothing."""
    return n_genes <= SMALL or n_genes * n_pairs <= LITTLE


def plan_for(n_genes: int, n_pairs: int, n_asked: int | None = None) -> Plan:
    """What is tried on so many genes and ordered pairs, of which ``n_asked`` are asked for; None: all.

    A few pairs alone teach their amounts less than all pairs would, and cost less: up to half of all leave room for a
    descent from the truncated solution beside that from a richer one. Of 20 among 380 pairs correctness is then as high
    as that of the same pairs explained among all, or higher by up to .014 (`benchmarks.contrasts`). The thorough search
    takes four times as long; it gains .04 of correctness at 2 genes a pair on simulated cells, and nothing on real ones
    (pbmc3k given a response, 3 samples; retina by region).
    """
    if n_genes > SMALL:  # one descent: two more gained .003 (pbmc3k) and .005 (retina) of correctness + coverage
        if is_little(n_genes, n_pairs):
            return Plan(per_decade=10, again=True, consistent=True)
        return Plan(fresh=n_asked is not None and 2 * n_asked <= n_pairs)
    few: dict[str, Any] = {"per_decade": 10, "starts": Plan.richer, "plain": True, "fresh": True}
    few |= {"consistent": True, "orders": 4}
    return Plan(**few, searches=3) if n_pairs <= PAIRS else Plan(**few, again=True)
