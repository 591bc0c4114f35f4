from __future__ import annotations

import pytest
import torch

from scgce.core.choose.baselines import FACTORS, best_factor, dbm, random_k
from scgce.core.choose.truncate import PairCuts


def means() -> torch.Tensor:
    out = torch.rand(4, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    out[:, [2, 5]] = 0.5
    return out


def test_dbm_pairs_are_differences_between_means() -> None:
    cuts = PairCuts(dbm(means()))
    assert not dbm(means())[0].any()
    torch.testing.assert_close(cuts.dense(1, 3), means()[3] - means()[1])


@pytest.mark.parametrize("k", [1, 7, 18, 50])
def test_random_k_keeps_k_differing_genes_of_dbm(k: int) -> None:
    basis = random_k(means(), k, rng=3)
    kept = (basis != 0).any(0)
    assert int(kept.sum()) == min(k, 18)
    assert not kept[[2, 5]].any()
    assert torch.equal(basis[:, kept], dbm(means())[:, kept])


def test_random_k_is_nested_and_follows_rng() -> None:
    few, more, other = random_k(means(), 3, 0) != 0, random_k(means(), 6, 0) != 0, random_k(means(), 3, 1) != 0
    assert (more | ~few).all()
    assert not torch.equal(few, other)
    assert torch.equal(random_k(means(), 3) != 0, few), "the seed is 0 unless given"


def test_random_k_draws_every_gene_equally() -> None:
    drawn = sum(((random_k(means(), 2, seed) != 0).any(0).int() for seed in range(400)), torch.zeros(20))
    assert drawn[[2, 5]].sum() == 0
    expected = 400 * 2 / 18
    assert ((drawn[drawn > 0] - expected).abs() < 5 * expected**0.5).all()


def test_random_k_needs_a_gene() -> None:
    with pytest.raises(ValueError, match="k=0"):
        random_k(means(), 0)


@pytest.mark.thorough  # the factors that users get
@pytest.mark.parametrize("most", [None, 0.5, 1.0, 2.7, 3.0, 20.0])
@pytest.mark.parametrize("top", [0.0, 1.0, 1.6, 2.7, 4.0, 50.0])
def test_the_best_factor_is_the_best_of_all_that_are_allowed(most: float | None, top: float) -> None:
    """Of a quality with one top, flat below 0: the smallest of the best, whichever end the search begins at."""

    def quality(factor: float) -> float:
        return max(1.0 - abs(factor - top) / 10, 0.0)

    allowed = [f for f in FACTORS if most is None or f <= most] + ([most] if most is not None and most > 1 else [])
    best = min((f for f in allowed if quality(f) == max(map(quality, allowed))), default=1.0)
    assert best_factor(quality, most) == best
