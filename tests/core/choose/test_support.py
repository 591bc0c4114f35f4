from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scgce.core.choose.support import close_least_steps
from scgce.core.translations import Translations


def random_translations(seed: int, l: int = 5, genes: int = 12) -> Translations:
    generator = torch.Generator().manual_seed(seed)
    levels = torch.rand(4, genes, generator=generator, dtype=torch.float64)
    values = levels.gather(0, torch.randint(0, 4, (l, genes), generator=generator))
    return Translations.of_dense(torch.cat([values, torch.zeros(l, 3, dtype=torch.float64)], dim=1))


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


def greedy_by_loops(translations: Translations, strength: torch.Tensor, k: int) -> torch.Tensor:
    """The same rule, gene by gene and pair by pair, without stopping early."""
    values, l = translations.values, translations.n_groups
    steps = []
    for gene in range(values.shape[1]):
        levels = sorted(set(values[:, gene].tolist()))
        for low, high in pairwise(levels):
            steps.append((-(high - low) * float(strength[translations.genes[gene]]), gene, low, high))
    genes_of: dict[frozenset[int], set[int]] = {frozenset(pair): set() for pair in combinations(range(l), 2)}
    kept = torch.zeros(l, translations.n_genes, dtype=torch.float64)
    for _, gene, low, high in sorted(steps):
        above = [i for i in range(l) if float(values[i, gene]) >= high]
        below = [i for i in range(l) if i not in above]
        if all(len(genes_of[frozenset((i, j))] | {gene}) <= k for i in above for j in below):
            for i in above:
                kept[i, translations.genes[gene]] += high - low
                for j in below:
                    genes_of[frozenset((i, j))].add(gene)
    return kept


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_it_is_the_greedy_rule_written_out(seed: int, k: int) -> None:
    before = random_translations(seed)
    strength = torch.rand(before.n_genes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 0.1
    found, expected = close_least_steps(before, strength, k).dense(), greedy_by_loops(before, strength, k)
    np.testing.assert_allclose(found[None] - found[:, None], expected[None] - expected[:, None], atol=1e-12)


@pytest.mark.parametrize("k", [1, 3])
def test_nothing_in_nothing_out(k: int) -> None:
    empty = Translations.of_dense(torch.zeros(3, 4, dtype=torch.float64))
    assert close_least_steps(empty, torch.ones(4), k).genes.numel() == 0
