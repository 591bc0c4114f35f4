from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scgce.core.choose.truncate import PairCuts, SparseDelta, support, top_k

# few distinct values: ties and zeros are the rule
tied_matrices = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 4), st.integers(1, 7)), elements=st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0])
)


def by_sorting(row: np.ndarray, k: int) -> np.ndarray:
    kept = sorted(range(row.size), key=lambda g: (-abs(row[g]), g))[:k]
    out = np.zeros_like(row)
    out[kept] = row[kept]
    return out


@given(tied_matrices, st.integers(1, 8))
def test_equals_a_stable_sort(delta: np.ndarray, k: int) -> None:
    expected = np.stack([by_sorting(row, k) for row in delta])
    np.testing.assert_array_equal(top_k(torch.from_numpy(delta), k).numpy(), expected)


@given(tied_matrices, st.integers(1, 8))
def test_cut_of_the_opposite_is_the_opposite_of_the_cut(delta: np.ndarray, k: int) -> None:
    tensor = torch.from_numpy(delta)
    assert torch.equal(top_k(-tensor, k), -top_k(tensor, k))


def test_batches_over_leading_dimensions_and_keeps_dtype() -> None:
    delta = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0))
    cut = top_k(delta, 2)
    assert cut.dtype == torch.float32
    assert ((cut != 0).sum(-1) == 2).all()
    assert torch.equal(cut[1, 2], top_k(delta[1, 2], 2))


def test_leaves_its_input_alone() -> None:
    delta = torch.tensor([1.0, -3.0, 2.0])
    top_k(delta, 1)
    top_k(delta, 3).zero_()
    assert delta.tolist() == [1.0, -3.0, 2.0]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_refuses_values_that_cannot_be_ranked(bad: float) -> None:
    with pytest.raises(ValueError, match="delta holds NaN or infinite"):
        top_k(torch.tensor([1.0, bad]), 1)


def test_refuses_no_genes() -> None:
    with pytest.raises(ValueError, match="k=0 genes"):
        top_k(torch.ones(2), 0)
    with pytest.raises(ValueError, match="k=0 genes"):
        PairCuts(torch.ones(2, 3), 0)


def test_support_is_ascending_and_exact() -> None:
    genes, values = support(torch.tensor([0.0, 2.0, 0.0, -1.0]))
    assert genes.tolist() == [1, 3]
    assert values.tolist() == [2.0, -1.0]


@given(tied_matrices, st.integers(1, 8))
def test_pair_cuts_equal_the_cut_of_each_difference(deltas: np.ndarray, k: int) -> None:
    tensor = torch.from_numpy(deltas)
    cuts = PairCuts(tensor, k)
    for i in range(len(deltas)):
        for j in range(len(deltas)):
            expected = top_k(tensor[j] - tensor[i], k)
            assert torch.equal(cuts.dense(i, j), expected)
            assert int(cuts.n_active()[i, j]) == int((expected != 0).sum())


wide_matrices = hnp.arrays(
    np.float32, st.tuples(st.just(3), st.integers(30, 100)), elements=st.integers(-6, 6).map(float)
)


@given(wide_matrices, st.integers(1, 60))
def test_pair_cuts_of_many_genes_equal_a_stable_sort(deltas: np.ndarray, k: int) -> None:
    cuts = PairCuts(torch.from_numpy(deltas), k)
    for i, j in ((0, 1), (1, 0), (2, 1)):
        np.testing.assert_array_equal(cuts.dense(i, j).numpy(), by_sorting(deltas[j] - deltas[i], k))


def test_pair_cuts_without_a_bound_keep_everything() -> None:
    deltas = torch.tensor([[0.0, 0.0, 1.0], [3.0, 0.0, -1.0]])
    assert PairCuts(deltas).dense(1, 0).tolist() == [-3.0, 0.0, 2.0]
    assert PairCuts(deltas, 1)(0, 1).genes.tolist() == [0]


def test_pair_cuts_need_a_matrix() -> None:
    with pytest.raises(ValueError, match=r"deltas has shape \(3,\)"):
        PairCuts(torch.zeros(3), 1)


def test_a_pair_given_one_way_is_kept_when_others_are_looked_up() -> None:
    """Explanations given pair by pair: (0, 1) stays minus (1, 0), whichever pair is asked for first."""
    there = SparseDelta(torch.tensor([2]), torch.tensor([1.5]))
    for ask in (lambda cuts: cuts.several(0, [2]), lambda cuts: cuts(0, 2), lambda cuts: cuts.several(0, [2, 1])):
        cuts = PairCuts.given({(1, 0): there}, 3, 4)
        ask(cuts)
        assert cuts(0, 1).values.tolist() == [-1.5]
        assert cuts(1, 0).values.tolist() == [1.5]
        assert not len(cuts(0, 2).genes)
