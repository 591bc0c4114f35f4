"""A null for explanations in programmes: the same genes dealt at random to programmes of the same sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from scgce._api.processes import side_by_side
from scgce._api.threads import one_thread
from scgce.core.pairs import mask_of, with_self
from scgce.core.score.metrics import Scores, score_pairs
from scgce.core.score.permutation import p_value
from scgce.programs import Programs
from scgce.programs.evidence import random_programs

from .programs import ProgramExplained, Setting, explained_in_programs
from .read import Prepared
from .split import REPORT


@dataclass(frozen=True)
class RandomNull:
    """Scores of an explanation beside those in random programmes, on the reported cells.

    Attributes
    ----------
    observed
        Of the explanation.
    drawn
        Of every draw.
    n_genes
        Genes that the mean pair moves in every draw (B,).
    pairs
        Pairs that are counted, bool (l, l).
    """

    observed: Scores
    drawn: list[Scores]
    n_genes: np.ndarray
    pairs: np.ndarray

    def fields(self) -> dict[str, np.ndarray | float]:
        """What is stored: mean scores of the draws, p-values of every pair and of the mean over pairs."""
        found: dict[str, np.ndarray | float] = {"random_genes": self.n_genes}
        for name in ("correctness", "coverage"):
            own = np.asarray(getattr(self.observed, name))
            null = np.stack([getattr(scores, name) for scores in self.drawn])
            found[f"random_{name}"] = np.where(self.pairs, null.mean(0), np.nan)
            found[f"p_random_{name}"] = np.where(self.pairs, p_value(own, null), np.nan)
        found["p_random"] = float(p_value(self._mean(self.observed), np.array([self._mean(one) for one in self.drawn])))
        return found

    def _mean(self, scores: Scores) -> float:
        return float(0.5 * (scores.correctness + scores.coverage)[self.pairs].mean())


def against_random(
    prepared: Prepared,
    programs: Programs,
    chosen: ProgramExplained,
    epsilon: float,
    count: str,
    n_draws: int,
    on_draw: Callable[[], object],
    n_jobs: int | None = 1,
) -> RandomNull:
    """Search the codebook of as many programmes a pair in each draw of random programmes; all are scored alike.

    Parameters
    ----------
    prepared
        The cells, of which the reported ones are scored.
    programs, chosen, epsilon, count
        The explanation, and what it was searched with.
    n_draws
        B, at least 1.
    n_jobs
        Draws beside each other.
    """
    setting, generator = Setting.of(prepared, epsilon, count), np.random.default_rng(prepared.seed)
    dealt = (random_programs(programs, generator) for _ in range(n_draws))
    found = []
    for draw in side_by_side(partial(_of_random, setting, prepared, chosen.sparsity), dealt, n_jobs):
        found.append(draw)
        on_draw()
    drawn, n_genes = zip(*found, strict=True)
    asked = mask_of(prepared.groups.n, prepared.asked)
    return RandomNull(_scored(prepared, chosen, epsilon), list(drawn), np.array(n_genes), asked)


def _of_random(setting: Setting, prepared: Prepared, k: int, programs: Programs) -> tuple[Scores, int]:
    """Scores of the explanation in one draw of programmes, and how many genes its mean pair moves."""
    with one_thread():
        (explained,) = explained_in_programs(setting, programs, [k])
    return _scored(prepared, explained, setting.epsilon), explained.compared


def _scored(prepared: Prepared, explained: ProgramExplained, epsilon: float) -> Scores:
    cells, wanted = prepared.part(REPORT), with_self(prepared.groups.n, prepared.asked)
    with one_thread():
        return score_pairs(cells.mover(explained.cuts()), cells.index, epsilon, wanted)
