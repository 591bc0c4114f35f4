from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from tests.core._cells import World, cells_of, dense_cells_of, make_world
from tests.core.score.test_cells import Whole

from scgce.core.choose.truncate import SparseDelta, support
from scgce.core.score.columns import sparse_columns
from scgce.core.score.translator import Bounds, Translator, dense_rows

N, D, H = 30, 12, 4
ROWS = slice(3, 20), torch.tensor([7, 2, 2])
KINDS = (np.asarray, sparse.csr_array, sparse.csc_matrix)


def range_of(X: torch.Tensor) -> Bounds:
    """Narrower than the values are, so that some cells lie outside."""
    return Bounds(0.4 * X.max(0).values - 0.1, 0.6 * X.max(0).values)


def bounds_of(name: str, X: torch.Tensor) -> Bounds | None:
    return {"none": None, "zero": Bounds.at_zero(X.shape[1]), "range": range_of(X)}[name]


def by_hand(X: torch.Tensor, delta: torch.Tensor, bounds: Bounds | None) -> torch.Tensor:
    """Cell by cell, gene by gene."""
    moved = X.clone()
    for i in range(len(X)):
        for g in torch.nonzero(delta)[:, 0].tolist():
            value = float(X[i, g] + delta[g])
            if bounds is not None:
                value = min(max(value, float(bounds.low[g])), float(bounds.high[g]))
            moved[i, g] = value
    return moved


@pytest.fixture
def cells() -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy((rng.poisson(0.7, (N, D)) * rng.random((N, D))).astype(np.float32))


@pytest.fixture
def linear_map() -> torch.Tensor:
    return torch.randn(D, H, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def delta() -> torch.Tensor:
    out = torch.zeros(D)
    out[[1, 4, 9]] = torch.tensor([0.7, -0.4, -2.0])
    return out


@pytest.mark.parametrize("clip", ["none", "zero", "range"])
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("kind", KINDS)
def test_equals_mapping_the_translated_cells(cells, linear_map, delta, clip, rows, kind) -> None:
    bounds = bounds_of(clip, cells)
    translator = Translator(cells @ linear_map, linear_map, sparse_columns(kind(cells.numpy())), bounds)
    expected = by_hand(cells, delta, bounds)[rows] @ linear_map
    torch.testing.assert_close(translator.translate(rows, support(delta)), expected)


@pytest.mark.parametrize("clip", ["none", "zero", "range"])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_without_a_map_gives_the_translated_cells(cells, delta, clip, make) -> None:
    bounds = bounds_of(clip, cells)
    translator = Translator(dense_rows(make(cells.numpy())), None, bounds=bounds)
    torch.testing.assert_close(
        translator.translate(slice(None), support(delta)), by_hand(cells, delta, bounds), atol=1e-6, rtol=0
    )
    index = torch.tensor([5, 2, 2])
    assert torch.equal(translator.rows(index), cells[index]), "the cells themselves stay"


@given(
    st.integers(0, 2**31 - 1),
    st.lists(st.floats(-8, 8, width=32), min_size=5, max_size=5),
    st.lists(st.tuples(st.floats(-3, 3, width=32), st.floats(0, 4, width=32)), min_size=5, max_size=5),
)
def test_no_gene_is_taken_out_of_its_range(seed: int, amounts: list[float], ranges: list[tuple[float, float]]) -> None:
    X = torch.randn(6, 5, generator=torch.Generator().manual_seed(seed))
    low = torch.tensor([a for a, _ in ranges])
    bounds, delta = Bounds(low, low + torch.tensor([width for _, width in ranges])), torch.tensor(amounts)
    expected = by_hand(X, delta, bounds)
    moved = Translator(X, None, bounds=bounds).translate(slice(None), support(delta))
    torch.testing.assert_close(moved, expected, atol=1e-5, rtol=0)
    mapped = Translator(X, torch.eye(5), sparse_columns(X.numpy()), bounds).translate(slice(None), support(delta))
    torch.testing.assert_close(mapped, expected, atol=1e-5, rtol=0)
    unmoved = delta == 0
    assert torch.equal(moved[:, unmoved], X[:, unmoved])


def test_an_amount_of_0_moves_nothing_even_outside_the_range() -> None:
    X = torch.tensor([[5.0, -1.0]])
    bounds = Bounds(torch.zeros(2), torch.ones(2))
    nothing = SparseDelta(torch.tensor([0, 1]), torch.zeros(2))
    for translator in (Translator(X, None, bounds=bounds), Translator(X, torch.eye(2), sparse_columns(X), bounds)):
        assert torch.equal(translator.translate(slice(None), nothing), X)


def test_gene_blocks_do_not_change_the_result(cells, linear_map, delta, monkeypatch) -> None:
    translator = Translator(cells @ linear_map, linear_map, sparse_columns(cells.numpy()), range_of(cells))
    whole = translator.translate(slice(None), support(delta))
    monkeypatch.setattr("scgce.core.score.translator._BLOCK_ENTRIES", 1)
    torch.testing.assert_close(translator.translate(slice(None), support(delta)), whole)


@pytest.mark.parametrize("rows", [slice(4, 5), slice(0, 10)])
@pytest.mark.parametrize("entries, genes", [(1, {1: 1, 10: 1}), (20, {1: 12, 10: 2}), (79, {1: 12, 10: 7})])
def test_no_more_expression_is_read_at_once_than_allowed_but_for_one_gene(
    cells, linear_map, rows, entries, genes, monkeypatch
) -> None:
    read: list[int] = []

    def columns(chosen: slice, wanted: torch.Tensor) -> torch.Tensor:
        read.append(len(wanted))
        return cells[chosen][:, wanted]

    monkeypatch.setattr("scgce.core.score.translator._BLOCK_ENTRIES", entries)
    translator = Translator(cells @ linear_map, linear_map, columns, Bounds.at_zero(D))
    translator.translate(rows, SparseDelta(torch.arange(D), torch.ones(D)))
    assert max(read) == genes[rows.stop - rows.start] and sum(read) == D


def test_errors_say_what_is_missing(linear_map) -> None:
    with pytest.raises(ValueError, match="give columns"):
        Translator(torch.zeros(N, H), linear_map, bounds=Bounds.at_zero(D))
    with pytest.raises(ValueError, match=r"M has shape \(12, 4\); accepted: \(genes, 3\)"):
        Translator(torch.zeros(N, 3), linear_map)


# --- many at once ---------------------------------------------------------------------------------------------------

GENES = torch.tensor([0, 3, 4, 20])


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


def many(world: World, kind: str, clip: str):
    bounds = bounds_of(clip, world.X)
    if kind == "dense":
        return dense_cells_of(world.X, world.sizes, Whole(world), bounds)
    return cells_of(world.X, world.sizes, world.W, world.b, world.tail, bounds)


@pytest.mark.parametrize("kind", ["factorised", "dense"])
@pytest.mark.parametrize("clip", ["none", "zero", "range"])
def test_each_list_of_cells_moves_under_its_translations(world: World, kind: str, clip: str) -> None:
    rows, source = torch.tensor([[0, 5, 5], [40, 31, 33]]), torch.tensor([1, 0, 1, 0])
    amounts = 2 * torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    amounts[0, 2], amounts[1, :3], amounts[3] = 0.0, 0.0, 0.0
    found = many(world, kind, clip).translate_many(rows, source, GENES, amounts)
    assert found.shape == (4, 3, 2)
    for p in range(4):
        delta = torch.zeros(24)
        delta[GENES] = amounts[p]
        moved = by_hand(world.X[rows[source[p]]], delta, bounds_of(clip, world.X))
        np.testing.assert_allclose(found[p], world.encode(moved), atol=1e-5)


@pytest.mark.parametrize("kind", ["factorised", "dense"])
@pytest.mark.parametrize("clip", ["none", "zero", "range"])
def test_gradients_are_those_of_small_steps(world: World, kind: str, clip: str) -> None:
    cells, rows, source = many(world, kind, clip), torch.tensor([[0, 1, 40]]), torch.tensor([0, 0])
    amounts = torch.tensor([[-0.31, 0.43, 0.0, 0.2], [0.1, 0.0, 0.0, -0.7]], requires_grad=True)

    def total(given: torch.Tensor) -> torch.Tensor:
        return cells.translate_many(rows, source, GENES, given).sum()

    total(amounts).backward()
    assert amounts.grad is not None
    for p, g in torch.nonzero(amounts.detach()).tolist():
        step = torch.zeros(2, 4)
        step[p, g] = 1e-2
        with torch.no_grad():
            slope = (total(amounts + step) - total(amounts - step)) / 2e-2
        np.testing.assert_allclose(amounts.grad[p, g], slope, atol=5e-3)
    assert (amounts.grad[amounts.detach() == 0] != 0).all(), "a gene outside an explanation may enter it"


def test_the_tail_is_given_a_matrix(world: World) -> None:
    shapes: list[torch.Size] = []

    def tail(hidden: torch.Tensor) -> torch.Tensor:
        shapes.append(hidden.shape)
        return world.tail(hidden)

    cells = cells_of(world.X, world.sizes, world.W, world.b, tail)  # type: ignore[arg-type]
    shapes.clear()
    cells.translate_many(torch.arange(6).view(2, 3), torch.tensor([0, 1, 0, 1]), GENES, torch.zeros(4, 4))
    assert shapes == [(12, 8)]
