from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scgce.core.score.metrics import triangle_error
from scgce.core.translations import Translations

dense_with_ties = hnp.arrays(
    np.float64,
    st.tuples(st.integers(2, 5), st.integers(1, 7)),
    elements=st.sampled_from([-1.0, 0.0, 0.25]) | st.floats(-8, 8),
).map(torch.from_numpy)
few = settings(max_examples=40)


@few
@given(dense_with_ties)
def test_packing_keeps_every_pair_and_only_genes_that_differ(delta: torch.Tensor) -> None:
    packed = Translations.of_dense(delta)
    back = packed.dense()
    assert back.shape == delta.shape and packed.n_groups == len(delta)
    for i, j in permutations(range(len(delta)), 2):
        assert torch.equal(back[j] - back[i], delta[j] - delta[i])
        assert torch.equal(packed.pair(i, j), (delta[j] - delta[i])[packed.genes])
        assert torch.equal(packed.pair(i, j), packed.pairs()[i, j])
        assert torch.equal(packed.pair(i, j), -packed.pair(j, i))
    constant = [g for g in range(delta.shape[1]) if len(set(delta[:, g].tolist())) == 1]
    assert not set(constant) & set(packed.genes.tolist())
    assert len(constant) + len(packed.genes) == delta.shape[1]


@few
@given(dense_with_ties)
def test_counts_are_the_exact_zeros_of_each_pair(delta: torch.Tensor) -> None:
    counts = Translations.of_dense(delta).counts()
    for i, j in permutations(range(len(delta)), 2):
        assert int(counts[i, j]) == sum(a != b for a, b in zip(delta[i].tolist(), delta[j].tolist(), strict=True))
    assert (counts.diagonal() == 0).all()


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e5])
def test_triangles_close_exactly_after_rounding(scale: float) -> None:
    generator = torch.Generator().manual_seed(0)
    delta = scale * torch.randn(6, 200, generator=generator, dtype=torch.float64)
    delta *= 10 ** (4 * torch.rand(1, 200, generator=generator, dtype=torch.float64))
    rounded = Translations.of_dense(delta).rounded()
    assert triangle_error(rounded.pairs()) == 0.0
    spread = delta.amax(0) - delta.amin(0)
    assert ((rounded.pairs() - (delta[None] - delta[:, None])).abs() <= 1e-6 * spread).all()
    in_float32 = (rounded.values - rounded.values[3]).float()
    assert torch.equal((in_float32[1] - in_float32[4]).double(), rounded.pair(4, 1)), "in any gauge, in float32"


@pytest.mark.parametrize("small", [1e-3, 1e-9, 1e-15, 1e-30])
def test_triangles_close_exactly_whatever_the_range_of_amounts(small: float) -> None:
    generator = torch.Generator().manual_seed(1)
    delta = torch.randn(5, 50, generator=generator, dtype=torch.float64)
    delta[::2] *= small
    assert triangle_error(Translations.of_dense(delta).rounded().pairs()) == 0.0


@few
@given(dense_with_ties)
def test_rounding_keeps_ties_and_order(delta: torch.Tensor) -> None:
    packed = Translations.of_dense(delta)
    rounded = packed.rounded()
    assert torch.equal(rounded.pairs().float().double(), rounded.pairs())
    assert torch.equal(rounded.values.float().double(), rounded.values)
    assert ((packed.pairs() != 0) | (rounded.pairs() == 0)).all()
    assert (packed.pairs() * rounded.pairs() >= 0).all()


def test_unused_genes_are_dropped() -> None:
    packed = Translations(torch.tensor([2, 5]), torch.tensor([[1.0, 3.0], [1.0, 4.0]]), 8).drop_unused()
    assert packed.genes.tolist() == [5] and packed.values.tolist() == [[3.0], [4.0]]
    nothing = Translations.of_dense(torch.ones(3, 4))
    assert nothing.genes.numel() == 0 and nothing.dense().shape == (3, 4)
    assert (nothing.counts() == 0).all()
