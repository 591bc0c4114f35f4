from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scgce.core.support import close_least_steps
from scgce.core.translations import Translations


def random_translations(seed: int, l: int = 5, genes: int = 12) -> Translations:
    generator = torch.Generator().manual_seed(seed)
    levels = torch.randint(0, 4, (l, genes), generator=generator) * torch.rand(genes, generator=generator)
    return Translations.of_dense(torch.cat([levels.double(), torch.zeros(l, 3, dtype=torch.float64)], dim=1))


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_no_pair_keeps_more_than_k_genes_and_no_level_is_turned_round(seed: int, k: int) -> None:
    before = random_translations(seed)
    after = close_least_steps(before, torch.rand(before.n_genes, dtype=torch.float64) + 0.1, k)
    assert int(after.counts().max()) <= k
    one, other = before.dense(), after.dense()
    changes, kept = one[None] - one[:, None], other[None] - other[:, None]
    assert (changes * kept >= 0).all()
    assert (kept.abs() <= changes.abs() + 1e-12).all()
    assert (kept[changes == 0] == 0).all()


def test_nothing_is_closed_that_fits() -> None:
    before = random_translations(0)
    most = int(before.counts().max())
    after = close_least_steps(before, torch.ones(before.n_genes), most)
    np.testing.assert_allclose(after.pairs(), before.pairs(), atol=1e-14)
    assert torch.equal(after.genes, before.genes)
    assert (
        close_least_steps(before, torch.ones(before.n_genes), most - 1).pairs().abs().sum() < before.pairs().abs().sum()
    )


def test_the_step_that_moves_most_stays() -> None:
    delta = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.8, 0.0], [1.0, 0.0, 3.0]], dtype=torch.float64)
    strength = torch.tensor([1.0, 2.0, 0.1], dtype=torch.float64)
    after = close_least_steps(Translations.of_dense(delta), strength, 1)
    # effects: gene 0 splits {0} from {1, 2} by 1, gene 1 {0, 2} from {1} by 1.6, gene 2 {0, 1} from {2} by 0.3
    assert after.genes.tolist() == [1]
    two = close_least_steps(Translations.of_dense(delta), strength, 2)
    assert two.genes.tolist() == [0, 1, 2]
    assert two.counts()[1, 2] == 2


def test_a_gene_may_keep_some_of_its_steps() -> None:
    delta = torch.tensor([[0.0, 0.0], [1.0, 0.0], [3.0, 5.0]], dtype=torch.float64)
    strength = torch.tensor([4.0, 1.0])
    after = close_least_steps(Translations.of_dense(delta), strength, 1)
    # the step of gene 0 from 1 to 3 comes first, then its other one: they share the pair (0, 2); gene 1 finds no room
    assert after.dense().tolist() == [[0.0, 0.0], [1.0, 0.0], [3.0, 0.0]]
    both = close_least_steps(Translations.of_dense(delta), torch.ones(2), 1)
    # now gene 1 is first: it takes the pairs of group 2; the steps of gene 0 would both be a second gene of (0, 2)
    assert both.dense().tolist() == [[0.0, 0.0], [0.0, 0.0], [0.0, 5.0]]
    apart = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [3.0, 0.0, 9.0]], dtype=torch.float64)
    some = close_least_steps(Translations.of_dense(apart), torch.tensor([0.1, 1.0, 1.0]), 1)
    assert some.counts().tolist() == [[0, 0, 1], [0, 0, 1], [1, 1, 0]]


@pytest.mark.parametrize("k", [1, 3])
def test_nothing_in_nothing_out(k: int) -> None:
    empty = Translations.of_dense(torch.zeros(3, 4, dtype=torch.float64))
    assert close_least_steps(empty, torch.ones(4), k).genes.numel() == 0
