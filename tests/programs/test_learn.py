"""Programmes learned from cells: planted sets come back, in any arrangement of cells, genes and groups."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score
from tests.programs.conftest import Planted

from scgce.programs import FittingCells, Programs, candidates, learn_programs

SOURCES = ("profile", "coexpression", "nmf")


def labels_of(programs: Programs) -> np.ndarray:
    """Programme with the largest share of every gene, −1 where there is none."""
    dense = programs.membership.toarray()
    return np.where(dense.any(axis=1), dense.argmax(axis=1), -1)


def as_sets(programs: Programs) -> dict[frozenset[str], float]:
    """Sets of genes, each with the sum of its shares."""
    columns = programs.membership.toarray().T
    return {frozenset(programs.genes[column > 0]): column.sum() for column in columns}


@pytest.mark.parametrize("source", SOURCES)
def test_planted_sets_come_back(planted: Planted, source: str) -> None:
    found = learn_programs(planted.cells, planted.genes, source=source, n_programs=4)
    inside = planted.labels >= 0
    assert adjusted_rand_score(planted.labels[inside], labels_of(found)[inside]) > 0.9
    assert found.learned.all() and found.source == source


@pytest.mark.parametrize("source", SOURCES)
@settings(max_examples=5)
@given(seed=st.integers(0, 2**16))
def test_arrangement_of_cells_genes_and_groups_does_not_matter(planted: Planted, source: str, seed: int) -> None:
    first = learn_programs(planted.cells, planted.genes, source=source, n_programs=4)
    rng = np.random.default_rng(seed)
    cells, genes, groups = (rng.permutation(n) for n in (planted.cells.X.shape[0], len(planted.genes), 3))
    arranged = FittingCells(
        planted.cells.X[cells][:, genes], groups[planted.cells.codes[cells]], np.argsort(cells)[planted.cells.rows]
    )
    second = learn_programs(arranged, planted.genes[genes], source=source, n_programs=4)
    assert list(second.names) == list(first.names)
    assert as_sets(second) == pytest.approx(as_sets(first), rel=1e-4)


@pytest.mark.parametrize("source", SOURCES)
def test_only_fitting_cells_are_read(planted: Planted, source: str) -> None:
    rows = planted.cells.rows[::2]
    X = planted.cells.X.copy().tolil()
    X[1::2] = 7.0
    others = FittingCells(X.tocsr(), planted.cells.codes, rows)
    same = FittingCells(planted.cells.X, planted.cells.codes, rows)
    first, second = (learn_programs(c, planted.genes, source=source, n_programs=4) for c in (same, others))
    np.testing.assert_array_equal(first.membership.toarray(), second.membership.toarray())


@pytest.mark.parametrize("source", SOURCES)
def test_genes_that_do_not_vary_or_may_not_be_used_stay_out(planted: Planted, source: str) -> None:
    X = planted.cells.X.toarray()
    X[:, 3] = 1.5
    mask = np.ones(len(planted.genes), dtype=bool)
    mask[[0, 11]] = False
    found = learn_programs(
        FittingCells(X, planted.cells.codes, planted.cells.rows), planted.genes, source=source, n_programs=4, mask=mask
    )
    assert not found.covered[[0, 3, 11]].any()


def test_two_groups_have_two_profiles(planted: Planted) -> None:
    cells = FittingCells(planted.cells.X, planted.cells.codes % 2, planted.cells.rows)
    assert learn_programs(cells, planted.genes, source="profile", n_programs=6).n == 2


def test_means_at_hand_are_used(planted: Planted) -> None:
    means = planted.cells.group_means()
    np.testing.assert_allclose(
        means, [planted.cells.X.toarray()[planted.cells.codes == g].mean(axis=0) for g in range(3)], rtol=1e-6
    )
    cells = FittingCells(None, planted.cells.codes, planted.cells.rows, means)
    first, second = (learn_programs(c, planted.genes, n_programs=4) for c in (planted.cells, cells))
    np.testing.assert_array_equal(first.membership.toarray(), second.membership.toarray())


def test_leading_genes_come_first_and_name_the_programme(planted: Planted) -> None:
    found = learn_programs(planted.cells, planted.genes, n_programs=4)
    for m, name in enumerate(found.names):
        leading = found.leading(m)
        assert name == " ".join(planted.genes[leading[:3]])
        weights = found.weights.toarray()[leading, m]
        assert (np.diff(weights) <= 0).all()


def test_what_cannot_be_learned_is_refused(planted: Planted) -> None:
    one_group = FittingCells(planted.cells.X, np.zeros_like(planted.cells.codes), planted.cells.rows)
    with pytest.raises(ValueError, match="at least two groups"):
        learn_programs(one_group, planted.genes, source="profile")
    with pytest.raises(ValueError, match="n_programs=99: only .* genes"):
        learn_programs(planted.cells, planted.genes, n_programs=99)
    with pytest.raises(ValueError, match="source='modules'; expected one of profile"):
        learn_programs(planted.cells, planted.genes, source="modules")
    flat = FittingCells(np.ones(planted.cells.X.shape, np.float32), planted.cells.codes, planted.cells.rows)
    for source in SOURCES:
        with pytest.raises(ValueError, match="genes vary"):
            learn_programs(flat, planted.genes, source=source)


def test_candidates_are_those_that_the_cells_can_give(planted: Planted) -> None:
    found = [(one.source, one.n) for one in candidates(planted.cells, planted.genes)]
    assert {source for source, _ in found} == set(SOURCES)
    one_group = FittingCells(planted.cells.X, np.zeros_like(planted.cells.codes), planted.cells.rows)
    assert {one.source for one in candidates(one_group, planted.genes)} == {"coexpression", "nmf"}


def test_programmes_refuse_shares_that_are_none(planted: Planted) -> None:
    good = learn_programs(planted.cells, planted.genes, n_programs=4)
    for bad in (-good.membership, good.membership * 2, good.membership * np.nan, good.membership[:, :3]):
        with pytest.raises(ValueError, match="membership"):
            Programs(good.names, good.genes, bad, good.learned, "dict", good.n_given, good.matched)
    twice = np.array(["a"] * 4, dtype=object)
    with pytest.raises(ValueError, match="unique"):
        Programs(twice, good.genes, good.membership, good.learned, "dict", good.n_given, good.matched)
