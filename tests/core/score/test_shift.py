from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse

from scgce.core.choose.truncate import SparseDelta, support
from scgce.core.score.shift import LinearShift, sparse_columns

N, D, H = 30, 12, 4


@pytest.fixture
def cells() -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.poisson(0.7, (N, D)) * rng.random((N, D))).astype(np.float32)


@pytest.fixture
def linear_map() -> torch.Tensor:
    return torch.randn(D, H, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def delta() -> torch.Tensor:
    out = torch.zeros(D)
    out[[1, 4, 9]] = torch.tensor([0.7, -0.4, -2.0])
    return out


def translated_cells(cells: np.ndarray, delta: torch.Tensor, clip: bool) -> torch.Tensor:
    moved = cells + delta.numpy()
    if clip:
        touched = delta.numpy() != 0
        moved[:, touched] = np.maximum(moved[:, touched], 0)
    return torch.from_numpy(moved)


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("rows", [slice(3, 20), torch.tensor([7, 2, 2])])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array, sparse.csc_matrix])
def test_equals_mapping_the_translated_cells(cells, linear_map, delta, clip, rows, kind) -> None:
    shift = LinearShift(torch.from_numpy(cells) @ linear_map, linear_map, sparse_columns(kind(cells)))
    expected = translated_cells(cells, delta, clip)[rows] @ linear_map
    torch.testing.assert_close(shift.translated(rows, support(delta), clip=clip), expected)


@pytest.mark.parametrize("clip", [False, True])
def test_without_a_map_gives_the_translated_cells(cells, delta, clip) -> None:
    shift = LinearShift(torch.from_numpy(cells), None)
    moved = shift.translated(slice(None), support(delta), clip=clip)
    torch.testing.assert_close(moved, translated_cells(cells, delta, clip))
    assert torch.equal(shift.mapped, torch.from_numpy(cells))


def test_clipping_leaves_negative_values_of_untouched_genes(linear_map) -> None:
    cells = -np.ones((2, D), dtype=np.float32)
    delta = SparseDelta(torch.tensor([0]), torch.tensor([0.5]))
    shift = LinearShift(torch.from_numpy(cells) @ linear_map, linear_map, sparse_columns(cells))
    expected = torch.from_numpy(cells).index_fill(1, torch.tensor([0]), 0.0) @ linear_map
    torch.testing.assert_close(shift.translated(slice(None), delta, clip=True), expected)


@pytest.mark.parametrize("rows", [slice(5, 8), slice(None), torch.tensor([9, 0])])
def test_sparse_columns_read_by_cell_or_by_gene(cells, rows) -> None:
    columns = sparse_columns(sparse.csr_array(cells))
    for genes in (torch.tensor([3]), torch.arange(D)):
        assert torch.equal(columns(rows, genes), torch.from_numpy(cells)[rows][:, genes])


def test_gene_blocks_do_not_change_the_result(cells, linear_map, delta, monkeypatch) -> None:
    shift = LinearShift(torch.from_numpy(cells) @ linear_map, linear_map, sparse_columns(cells))
    whole = shift.translated(slice(None), support(delta), clip=True)
    monkeypatch.setattr("scgce.core.score.shift._BLOCK_ENTRIES", 1)
    torch.testing.assert_close(shift.translated(slice(None), support(delta), clip=True), whole)


@pytest.mark.parametrize("rows", [slice(4, 5), slice(0, 10)])
@pytest.mark.parametrize("entries, genes", [(1, {1: 1, 10: 1}), (20, {1: 12, 10: 2}), (79, {1: 12, 10: 7})])
def test_no_more_expression_is_read_at_once_than_allowed_but_for_one_gene(
    cells, linear_map, rows, entries, genes, monkeypatch
) -> None:
    read: list[int] = []

    def columns(chosen: slice, wanted: torch.Tensor) -> torch.Tensor:
        read.append(len(wanted))
        return torch.from_numpy(cells)[chosen][:, wanted]

    monkeypatch.setattr("scgce.core.score.shift._BLOCK_ENTRIES", entries)
    shift = LinearShift(torch.from_numpy(cells) @ linear_map, linear_map, columns)
    shift.translated(rows, SparseDelta(torch.arange(D), torch.ones(D)), clip=True)
    assert max(read) == genes[rows.stop - rows.start] and sum(read) == D


def test_errors_say_what_is_missing(linear_map, delta) -> None:
    shift = LinearShift(torch.zeros(N, H), linear_map)
    with pytest.raises(ValueError, match="clip=True needs"):
        shift.translated(slice(None), support(delta), clip=True)
    with pytest.raises(ValueError, match=r"M has shape \(12, 4\); accepted: \(genes, 3\)"):
        LinearShift(torch.zeros(N, 3), linear_map)
