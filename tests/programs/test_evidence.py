"""Halves of the cells, random sets, shares of the difference, over-representation, and how "auto" chooses."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.stats import false_discovery_control, fisher_exact
from sklearn.metrics import adjusted_rand_score
from tests.programs.conftest import Planted

from scgce.programs import FittingCells, Programs, candidates, learn_programs, resolve_programs
from scgce.programs.annotate import best_sets, over_representation
from scgce.programs.choose import CLOSE, choose, held_out_share
from scgce.programs.evidence import difference_shares, halved, random_programs, split_half


def test_halves_share_no_cell_and_halve_every_group(planted: Planted) -> None:
    halves = halved(planted.cells)
    assert not set(halves[0].rows) & set(halves[1].rows)
    assert sorted([*halves[0].rows, *halves[1].rows]) == sorted(planted.cells.rows)
    sizes = [np.bincount(half.codes[half.rows]) for half in halves]
    np.testing.assert_array_equal(*sizes)
    alone = replace(planted.cells, rows=planted.cells.rows[[0, 1, 2, 4]])  # groups of 1, 2, 1 cells
    assert [set(half.codes[half.rows]) for half in halved(alone)] == [{0, 1, 2}] * 2


@pytest.mark.parametrize("source", ["profile", "coexpression", "nmf"])
def test_planted_programmes_agree_between_halves_and_noise_does_not(planted: Planted, source: str) -> None:
    def agreement(cells: FittingCells, n_programs: int) -> tuple[float, float]:
        learn = partial(learn_programs, genes=planted.genes, source=source, n_programs=n_programs)
        found = split_half(learn(cells), cells, learn)
        return found.rand, float(np.mean(found.overlap))

    rng = np.random.default_rng(0)
    noise = np.log1p(rng.poisson(0.5, size=planted.cells.X.shape)).astype(np.float32)
    rand, overlap = agreement(planted.cells, 4)
    no_rand, no_overlap = agreement(replace(planted.cells, X=sparse.csr_matrix(noise)), 4)
    assert no_rand < 0.2 < rand
    assert no_overlap < overlap - 0.25


def test_agreement_is_by_hand(planted: Planted) -> None:
    learn = partial(learn_programs, genes=planted.genes, n_programs=3)
    found = learn(planted.cells)
    halves = [learn(half).membership.toarray() for half in halved(planted.cells)]
    both = halves[0].any(axis=1) & halves[1].any(axis=1)
    count = found.weights.toarray().max(axis=1) ** 2
    agreement = split_half(found, planted.cells, learn)
    assert agreement.rand == pytest.approx(adjusted_rand_score(*(half[both].argmax(axis=1) for half in halves)))

    def overlap(one: np.ndarray, other: np.ndarray) -> float:
        return float((np.minimum(one, other) * count).sum() / (np.maximum(one, other) * count).sum())

    for m, column in enumerate(found.membership.toarray().T):
        like = [max(half.T, key=lambda other, column=column: overlap(column, other)) for half in halves]
        assert agreement.overlap[m] == pytest.approx(overlap(*like))


def test_random_programmes_have_the_same_sizes_among_the_same_genes(planted: Planted) -> None:
    sets = {"a": list(planted.genes[:12]), "b": list(planted.genes[8:30])}  # four genes in both
    found = resolve_programs(sets, planted.genes)
    dealt = random_programs(found, 1)
    np.testing.assert_array_equal(dealt.sizes, found.sizes)
    np.testing.assert_array_equal(dealt.covered, found.covered)
    assert sorted(dealt.membership.data) == sorted(found.membership.data)
    assert (dealt.membership != found.membership).nnz
    order = np.random.default_rng(0).permutation(len(planted.genes))
    arranged = replace(found, genes=found.genes[order], membership=sparse.csc_array(found.membership[order]))
    again = random_programs(arranged, 1)
    assert [set(again.genes[again.leading(m)]) for m in (0, 1)] == [set(dealt.genes[dealt.leading(m)]) for m in (0, 1)]


def test_shares_of_the_difference_are_those_of_the_genes(planted: Planted) -> None:
    means = planted.cells.group_means()
    spread = ((means - means.mean(axis=0)) ** 2).sum(axis=0)
    sets = {"a": list(planted.genes[:10]), "b": list(planted.genes[5:20])}
    shares = difference_shares(resolve_programs(sets, planted.genes), planted.cells)
    half = spread[5:10].sum() / 2
    assert shares * spread.sum() == pytest.approx([spread[:5].sum() + half, half + spread[10:20].sum()])
    one_group = replace(planted.cells, codes=np.zeros_like(planted.cells.codes))
    assert np.isnan(difference_shares(resolve_programs(sets, planted.genes), one_group)).all()


def _sets(labels: np.ndarray, names: list[str], genes: np.ndarray) -> Programs:
    return resolve_programs({name: list(genes[labels == i]) for i, name in enumerate(names)}, genes, min_genes=1)


def test_over_representation_is_fishers_exact_test(planted: Planted) -> None:
    rng = np.random.default_rng(2)
    genes = planted.genes
    programs = _sets(rng.integers(0, 4, len(genes)), ["p", "q", "r"], genes)  # a quarter of the genes in none
    sets = _sets(rng.integers(0, 3, len(genes)), ["A", "B"], genes)
    table = over_representation(programs, sets)
    universe = set(genes[programs.covered])
    for row in table.itertuples():
        mine = set(genes[programs.membership[:, [list(programs.names).index(row.program)]].toarray().ravel() > 0])
        known = set(genes[sets.membership[:, [list(sets.names).index(row.set)]].toarray().ravel() > 0]) & universe
        both = len(mine & known)
        square = [[both, len(mine) - both], [len(known) - both, len(universe) - len(mine | known)]]
        assert (row.overlap, row.n_genes, row.n_set) == (both, len(mine), len(known))
        assert row.p_value == pytest.approx(fisher_exact(square, alternative="greater").pvalue)
    assert table["p_adjusted"].to_numpy() == pytest.approx(false_discovery_control(table["p_value"]))
    best = best_sets(programs, sets)
    smallest = table.loc[table.groupby("program")["p_value"].idxmin()].set_index("program").loc[list(best["program"])]
    pd.testing.assert_series_equal(best.set_index("program")["p_value"], smallest["p_value"])


def test_the_planted_set_is_found_and_a_programme_that_shares_nothing_has_none(planted: Planted) -> None:
    learned = learn_programs(planted.cells, planted.genes, n_programs=4)
    known = {f"set {i}": list(planted.genes[planted.labels == i]) for i in range(3)}
    best = best_sets(learned, resolve_programs(known, planted.genes))
    assert sorted(best["set"]) == ["", "set 0", "set 1", "set 2"]
    assert (best.loc[best["set"] != "", "p_adjusted"] < 1e-4).all()
    assert best.loc[best["set"] == "", "p_value"].item() == 1.0


def test_a_gene_of_several_factors_is_tested_with_the_one_that_has_most_of_it() -> None:
    genes = np.array(["a", "b", "c", "d"], dtype=object)
    frame = pd.DataFrame({"x": [3.0, 3.0, 1.0, 0.0], "y": [1.0, 0.0, 1.0, 1.0]}, index=genes)
    programs = resolve_programs(frame, genes, min_genes=1)
    table = over_representation(programs, resolve_programs({"all": list(genes)}, genes, min_genes=1))
    assert list(table["overlap"]) == [3, 2]  # c, which both have half of, with both


def test_held_out_share_is_1_where_every_gene_follows_its_programme_and_0_for_others(planted: Planted) -> None:
    rng = np.random.default_rng(0)
    direction, amounts = rng.normal(size=(5, 2)), rng.uniform(0.5, 2, size=8)
    direction -= direction.mean(axis=0)
    means = np.hstack([direction[:, [0]] * amounts[:4], direction[:, [1]] * amounts[4:]])
    genes = np.array(list("abcdefgh"), dtype=object)
    right = resolve_programs({"x": list("abcd"), "y": list("efgh")}, genes, min_genes=1)
    assert held_out_share(right, means, means + 3.0) == pytest.approx(1.0)
    spread = ((means - means.mean(axis=0)) ** 2).sum(axis=0)
    half = resolve_programs({"x": list("abcd")}, genes, min_genes=1)
    assert held_out_share(half, means, means) == pytest.approx(spread[:4].sum() / spread.sum())
    wrong = resolve_programs({"x": list("aceg"), "y": list("bdfh")}, genes, min_genes=1)
    assert held_out_share(wrong, means, means) < 0.9


def test_the_fewest_programmes_that_are_nearly_the_best_are_chosen(planted: Planted) -> None:
    learning, choosing = halved(planted.cells)
    fitted, held_out = learning.group_means(), choosing.group_means()
    tried = list(candidates(replace(learning, means=fitted), planted.genes))
    choice = choose(tried, fitted, held_out)
    near = [n for n, share in zip(choice.numbers, choice.shares, strict=True) if share >= max(choice.shares) - CLOSE]
    assert choice.numbers[choice.chosen] == min(near)
    assert choice.shares[choice.chosen] >= max(choice.shares) - CLOSE
    assert (choice.sources, choice.numbers) == ([one.source for one in tried], [one.n for one in tried])
    best = 1 - _squared(held_out - held_out.mean(axis=0) - fitted + fitted.mean(axis=0)) / _squared(
        held_out - held_out.mean(axis=0)
    )
    assert choice.shares[0] == pytest.approx(held_out_share(tried[0], fitted, held_out) / best)


def _squared(values: np.ndarray) -> float:
    return float((values**2).sum())
