from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.core._problems import ENCODERS, Case, random_case, smooth_by_pairs

from scgce.core.choose.support import close_least_steps
from scgce.core.solve.path import fit_path
from scgce.core.solve.penalties import Gap, Pairwise, Penalty
from scgce.core.solve.relaxed import partition_gaps, relaxed_refit
from scgce.core.solve.solver import Stopping
from scgce.core.solve.working_set import lambda_max
from scgce.core.translations import Translations

KINDS = [(kind, amplitude) for kind in ENCODERS for amplitude in (None, 2.0)]
EXACT = Stopping(1e-9, 2000)


def fitted(case: Case, amplitude: float | None, share: float = 0.1) -> tuple[Translations, Gap | None]:
    costs = torch.ones(case.means.shape[1], dtype=torch.float64)
    gap = None if amplitude is None else Gap.build(case.means, amplitude, costs)
    penalty: Penalty = Pairwise.build(costs, len(case.means)) if gap is None else gap
    lam = share * lambda_max(case.problem, penalty)
    return fit_path(case.problem, penalty, lams=[lam])[0].translations, gap


@pytest.mark.parametrize("kind, amplitude", KINDS)
@pytest.mark.parametrize("seed", [0, 1])
def test_smooth_part_never_rises_and_no_pair_gains_a_gene(kind: str, amplitude: float | None, seed: int) -> None:
    case = random_case(seed, kind=kind, l=5, d=20, m=4)
    before, gap = fitted(case, amplitude)
    assert before.genes.numel() > 1
    after = relaxed_refit(case.problem, before, gap)
    assert float(smooth_by_pairs(case, after.dense())) < float(smooth_by_pairs(case, before.dense()))
    tied = before.pairs() == 0
    assert tied.any() and (after.pairs()[tied] == 0).all()
    assert (after.pairs() * before.pairs() >= 0).all(), "the order of the levels is kept"
    assert (after.counts() <= before.counts()).all()


@pytest.mark.parametrize("kind", ENCODERS)
def test_amounts_stay_bounded(kind: str) -> None:
    case = random_case(2, kind=kind, l=5, d=20)
    before, gap = fitted(case, 1.5)
    delta = relaxed_refit(case.problem, before, gap).dense()
    real, amount = case.means[None] - case.means[:, None], delta[None] - delta[:, None]
    assert (amount * real >= 0).all()
    assert (amount.abs() <= 1.5 * real.abs() + 1e-12).all()
    assert (amount.abs() > 1.4 * real.abs())[real != 0].any(), "freed of the penalty some amounts reach the bound"


def test_levels_of_a_linear_encoder_are_the_least_squares_ones() -> None:
    case = random_case(3, m=3)
    before, _ = fitted(case, None, 0.5)
    after = relaxed_refit(case.problem, before, stopping=EXACT)
    assert torch.equal(before.pairs() == 0, after.pairs() == 0), "no level met another: the order did not bind"
    columns = []  # one column per level that is free to move
    for gene in range(len(after.genes)):
        for level in after.values[:, gene].unique()[1:]:
            basis = torch.zeros(4, case.means.shape[1], dtype=torch.float64)
            basis[:, after.genes[gene]] = (after.values[:, gene] >= level).double()
            columns.append(basis)

    def residuals(delta: torch.Tensor) -> np.ndarray:
        return case.problem.residuals(case.problem.hidden(delta)).flatten().numpy()

    origin = residuals(torch.zeros_like(columns[0]))
    matrix = np.stack([residuals(column) - origin for column in columns], axis=1)
    best = np.linalg.lstsq(matrix, -origin, rcond=None)[0]
    expected = np.square(origin + matrix @ best).sum() / case.problem.n_pairs
    assert case.problem.value(case.problem.hidden(after.dense())) == pytest.approx(expected, rel=1e-6)


def test_it_does_nothing_where_nothing_is_translated() -> None:
    case = random_case(4)
    nothing = Translations.of_dense(torch.zeros(4, 9, dtype=torch.float64))
    assert relaxed_refit(case.problem, nothing).genes.numel() == 0


@pytest.mark.parametrize("amplitude", [None, 2.0])
def test_closed_steps_stay_closed(amplitude: float | None) -> None:
    case = random_case(5, kind="mlp", l=5, d=20)
    before, gap = fitted(case, amplitude, 0.05)
    fewer = close_least_steps(before, case.problem.column_norms().sqrt(), 2)
    after = relaxed_refit(case.problem, fewer, gap)
    assert int(after.counts().max()) <= 2
    assert float(smooth_by_pairs(case, after.dense())) < float(smooth_by_pairs(case, fewer.dense()))


def test_open_steps_are_those_between_different_levels() -> None:
    values = torch.tensor([[0.0, 2.0], [1.0, 2.0], [1.0, -1.0]], dtype=torch.float64)
    free = partition_gaps(Translations(torch.tensor([0, 1]), values, 5))
    assert free.upper.tolist() == [[torch.inf, torch.inf], [0.0, 0.0]]
    means = torch.tensor([[0.0, 3.0], [2.0, 5.0], [1.0, 1.0]], dtype=torch.float64)
    bound = Gap.build(means, 2.0, torch.ones(2, dtype=torch.float64))
    # by their means: gene 0 runs 0 → 2 → 1 (levels 0, 1, 1), gene 1 runs 2 → 0 → 1 (levels -1, 2, 2)
    assert partition_gaps(Translations(torch.tensor([0, 1]), values, 5), bound).upper.tolist() == [
        [2.0, 4.0],
        [0.0, 0.0],
    ]
    assert (free.costs == 0).all()
