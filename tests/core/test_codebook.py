"""The codebook: what its explanations are by construction, against sums written out; and what the search finds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from tests.core._cells import World, cells_of, make_world
from torch import nn

from scgce.core.choose.codebook import ProgramMeans, averaging, canonical, differing
from scgce.core.choose.codebook_loss import ArrivalLoss, Residual
from scgce.core.choose.codebook_moves import OneProgram
from scgce.core.choose.codebook_search import Search, SearchOptions


def random_means(seed: int, l: int = 5, d: int = 12, m: int = 3) -> ProgramMeans:
    """Shares that overlap: some genes in one programme, some in several, some in none."""
    rng = np.random.default_rng(seed)
    shares = rng.random((d, m)) * (rng.random((d, m)) < 0.6)
    shares /= np.maximum(shares.sum(1, keepdims=True), 1)
    return ProgramMeans(sparse.csc_array(shares), rng.random((l, d)) * 3, rng.integers(3, 50, l).astype(float))


def random_levels(seed: int, m: int = 3, l: int = 5) -> np.ndarray:
    return canonical(np.random.default_rng(seed + 1).integers(0, 3, (m, l)))


def by_hand(programs: ProgramMeans, levels: np.ndarray) -> np.ndarray:
    """δ, one programme, level and gene after the other."""
    shares = programs.membership.toarray()
    delta = np.zeros_like(programs.means)
    for m in range(shares.shape[1]):
        for g in range(len(delta)):
            alike = np.flatnonzero(levels[m] == levels[m, g])
            mean = np.average(programs.means[alike], axis=0, weights=programs.weights[alike])
            delta[g] += shares[:, m] * mean
    return delta


@given(st.integers(0, 10_000))
@settings(max_examples=40)
def test_translations_are_level_means(seed: int) -> None:
    programs, levels = random_means(seed), random_levels(seed)
    found, expected = programs.translations(levels).dense().numpy(), by_hand(programs, levels)
    np.testing.assert_allclose(found - found[0], expected - expected[0], atol=1e-5)
    # every amount lies within the range of the groups' means
    reach = np.ptp(programs.means, axis=0)
    assert (np.abs(found[None] - found[:, None]) <= reach + 1e-6).all()
    # symmetric and transitive to the last bit, and exact zeros between groups that share all levels
    pairs = found.astype(np.float32).astype(float)[None] - found.astype(np.float32).astype(float)[:, None]
    assert (pairs == -pairs.swapaxes(0, 1)).all()
    assert (pairs[:, :, None] + pairs[None] == pairs[:, None]).all()
    together = differing(levels) == 0
    assert (pairs[together] == 0).all()


@given(st.integers(0, 10_000))
@settings(max_examples=20)
def test_one_level_a_group_is_the_difference_of_means_on_covered_genes(seed: int) -> None:
    programs = random_means(seed)
    apart = np.tile(np.arange(5), (3, 1))
    found = programs.translations(apart).dense().numpy()
    expected = programs.means * programs.membership.toarray().sum(1)
    np.testing.assert_allclose(found - found[0], expected - expected[0], atol=1e-5)


@given(st.integers(0, 10_000))
@settings(max_examples=20)
def test_residual_is_the_share_left_undone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, 12)
    membership = sparse.csc_array(np.eye(3)[labels])
    programs = ProgramMeans(membership, rng.random((5, 12)), rng.integers(3, 50, 5).astype(float))
    levels = random_levels(seed)
    residual = Residual(programs.products())
    from scgce.core.choose.codebook import averaging

    found = sum(residual.of(m, averaging(levels[m], programs.weights)[None])[0] for m in range(3))
    delta, means = by_hand(programs, levels), programs.means
    left = ((means[:, None] + delta[None] - delta[:, None] - means[None]) ** 2).sum(2)
    whole = ((means[:, None] - means[None]) ** 2).sum(2)
    off = ~np.eye(5, dtype=bool)
    assert found == pytest.approx((left[off] / whole[off]).mean(), rel=1e-9)


@given(st.integers(0, 10_000), st.integers(2, 9), st.booleans())
@settings(max_examples=60)
def test_what_moves_change_is_the_difference_of_the_whole(seed: int, l: int, some: bool) -> None:
    rng = np.random.default_rng(seed)
    programs = random_means(seed, l=l, m=1)
    levels = canonical(rng.integers(0, max(2, l // 2), l))
    mask = ~np.eye(l, dtype=bool)
    if some:
        half = np.triu(rng.random((l, l)) < 0.5, 1)
        half[0, 1] = True
        mask = half | half.T
    undone = Residual(programs.products(), mask if some else None)
    single, slope = OneProgram(undone.laplacian, undone.products[0], programs.weights, mask), rng.normal(size=(l, l))
    moves = single.moves(levels, slope)
    after = moves.after(np.arange(len(moves)))
    matrices, before = averaging(after, programs.weights), averaging(levels, programs.weights)
    expected = undone.of(0, matrices) - undone.of(0, before[None])
    np.testing.assert_allclose(moves.undone, expected, atol=1e-10 * max(1.0, abs(expected).max(initial=0)))
    np.testing.assert_allclose(moves.slope, ((matrices - before) * slope).sum((1, 2)), atol=1e-10)
    apart = [((one[:, None] != one) & mask).sum() for one in (levels, *after)]
    np.testing.assert_array_equal(np.rint(moves.apart), np.array(apart[1:]) - apart[0])
    # groups of one kind move by the same, whatever the groups' means are
    vectors, kinds = rng.random((l, 3)), moves.kinds(np.arange(len(moves)), after)
    steps = (matrices - before) @ vectors
    alike = (kinds[:, :, None] == kinds[:, None])[..., None]
    assert np.abs(np.where(alike, steps[:, :, None] - steps[:, None], 0)).max(initial=0) < 1e-12
    # mergers alone are the last but the splits
    alone = single.moves(levels)
    assert (alone.codes[:, 0] == 1).all() and len(alone) == (moves.codes[:, 0] == 1).sum()
    # every other partition that moves one group of several or merges two linked levels, each once
    partitions = {tuple(one) for one in canonical(after)}
    assert len(partitions) == len(moves) and tuple(levels) not in partitions
    for group in range(l):
        for goal in range(levels.max() + 2):
            moved = np.where(np.arange(l) == group, goal, levels)
            linked = goal > levels.max() or mask[group, levels == goal].any()
            if goal != levels[group] and (levels == levels[group]).sum() > 1 and linked:
                assert tuple(canonical(moved)) in partitions


def test_levels_are_ordered_by_amount() -> None:
    programs, levels = random_means(3), random_levels(3)
    ordered, means = programs.ordered(levels), programs.level_means(levels)
    for own, given_levels, amounts in zip(ordered, levels, means, strict=True):
        assert (canonical(own) == given_levels).all()
        assert own.min() == 0 and own.max() == given_levels.max()
        order = np.argsort(own, kind="stable")
        assert (np.diff(amounts[order]) >= -1e-12).all()


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(seed=1, l=5, d=24)


def programs_of(world: World, shuffled: bool = False) -> ProgramMeans:
    """Eight programmes of three genes: five that tell one group from the rest, three of noise; or at random."""
    labels = np.arange(24) // 3
    if shuffled:
        labels = np.random.default_rng(0).permutation(labels)
    sizes = np.array(world.sizes, dtype=float)
    return ProgramMeans(sparse.csc_array(np.eye(8)[labels]), world.means.numpy(), sizes)


def searched(world: World, programs: ProgramMeans, sparsities: tuple[int, ...], count: str = "mean") -> Search:
    search = Search(programs, programs.hidden(world.W.numpy()), ArrivalLoss(world.fit, 0))
    search.run(sparsities, count)
    return search


def test_the_search_finds_the_programmes_that_differ(world: World) -> None:
    """Group g has three genes of its own, so that two programmes turn any group into any other."""
    search = searched(world, programs_of(world), (2, 3))
    best = search.best(2, "mean", 1)[0]
    assert best.mean <= 2
    assert (best.levels[5:] == 0).all()
    assert all(sorted(np.bincount(own)) == [1, 4] for own in best.levels[:5])
    shuffled = searched(world, programs_of(world, shuffled=True), (2, 3))
    assert shuffled.best(2, "mean", 1)[0].objective > best.objective + 0.1


@pytest.mark.parametrize("count", ["mean", "max"])
def test_every_number_is_kept(world: World, count: str) -> None:
    search = searched(world, programs_of(world), (1, 2, 3, 5), count)
    for k in (1, 2, 3, 5):
        for found in search.best(k, count, 3):
            differ = differing(found.levels)[~np.eye(5, dtype=bool)]
            assert (differ.mean() if count == "mean" else differ.max()) <= k
    objectives = [search.best(k, count, 1)[0].objective for k in (1, 2, 3, 5)]
    assert (np.diff(objectives) <= 0).all()


def test_the_search_is_no_worse_than_greedy_merging(world: World) -> None:
    """Against merging the two levels that cost least per pair freed, every candidate evaluated."""
    programs = programs_of(world, shuffled=True)
    search = searched(world, programs, (2, 4))
    state = search.state(search.all_apart())
    weight = SearchOptions().residual
    while state.count > 4:
        options = []
        for m, own in enumerate(state.levels):
            for a in range(own.max() + 1):
                for b in range(a):
                    levels = state.levels.copy()
                    levels[m][own == a] = b
                    new = search.state(levels)
                    cost = new.loss + weight * new.residual.sum() - state.loss - weight * state.residual.sum()
                    options.append((cost / (state.count - new.count), len(options), new))
        state = min(options)[2]
    greedy = state.loss + weight * state.residual.sum()
    assert search.best(4, "mean", 1)[0].objective <= greedy + 1e-6


def test_order_of_programmes_does_not_matter(world: World) -> None:
    programs = programs_of(world, shuffled=True)
    turned = np.random.default_rng(5).permutation(8)
    other = ProgramMeans(sparse.csc_array(programs.membership[:, turned]), programs.means, programs.weights)
    one, two = (searched(world, given_programs, (2, 4)).best(4, "mean", 1)[0] for given_programs in (programs, other))
    assert (two.levels == one.levels[turned]).all()
    assert two.objective == pytest.approx(one.objective, rel=1e-6)


def test_loss_and_gradient_agree(world: World) -> None:
    loss = ArrivalLoss(world.fit, 0)
    shift = np.random.default_rng(0).normal(size=(5, 8))
    gradient = loss.gradient(shift)
    for group, axis in ((0, 0), (3, 5)):
        step = np.zeros_like(shift)
        step[group, axis] = 1e-2
        change = loss.each(np.stack([shift + step, shift - step])).mean(1)
        assert (change[0] - change[1]) / 2e-2 == pytest.approx(gradient[group, axis], rel=0.05, abs=1e-3)


def test_many_groups_are_looked_at_in_rings(world: World) -> None:
    from scgce.core.choose.codebook_loss import _pairs

    source, target = (side.numpy() for side in _pairs(40, 600, 0))
    assert (source != target).all() and len(source) <= 600
    assert len(set(np.bincount(source))) == len(set(np.bincount(target))) == 1
    assert set(zip(source, target, strict=True)) == set(zip(target, source, strict=True))


@pytest.mark.slow
def test_a_planted_programme_comes_first() -> None:
    """One set of genes is shifted in one group; 49 sets of the same size hold what chance gives, in 20 draws."""
    first = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        n_sets, size, n_cells = 50, 6, 40
        d, planted = n_sets * size, int(rng.integers(n_sets))
        labels = rng.permutation(np.repeat(np.arange(n_sets), size))
        X = np.log1p(rng.poisson(0.5, (2 * n_cells, d))).astype(np.float32)
        X[n_cells:, labels == planted] += 0.8
        W = (rng.normal(size=(d, 10)) / np.sqrt(d)).astype(np.float32)
        sizes = [n_cells, n_cells]
        cells = cells_of(torch.from_numpy(X), sizes, torch.from_numpy(W), torch.zeros(10), nn.Identity())
        means = np.stack([X[:n_cells].mean(0), X[n_cells:].mean(0)]).astype(float)
        programs = ProgramMeans(sparse.csc_array(np.eye(n_sets)[labels]), means, np.array(sizes, dtype=float))
        search = Search(programs, programs.hidden(W), ArrivalLoss(cells, seed))
        search.run([1])
        chosen = search.best(1, "mean", 1)[0].levels
        first.append(np.flatnonzero(chosen[:, 0] != chosen[:, 1]).tolist() == [planted])
    assert sum(first) >= 19
