from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse

from scgce.core.score import columns as module
from scgce.core.score.columns import CachedColumns, sparse_columns

X = torch.arange(20.0).view(4, 5)


def watched() -> tuple[CachedColumns, list[list[int]]]:
    """Columns of X, and the genes that were fetched for them."""
    asked: list[list[int]] = []

    def fetch(genes: torch.Tensor) -> torch.Tensor:
        asked.append(genes.tolist())
        return X[:, genes]

    return CachedColumns(fetch, 5), asked


def test_each_gene_is_fetched_once_and_comes_back_in_any_order() -> None:
    columns, asked = watched()
    for rows in (slice(1, 3), torch.tensor([3, 0, 0])):
        for genes in ([4, 1], [1], [2, 4, 0, 1]):
            wanted = torch.tensor(genes)
            assert torch.equal(columns(rows, wanted), X[rows][:, wanted])
    assert asked == [[4, 1], [2, 0]]


def test_beyond_a_bound_genes_are_fetched_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 8)
    columns, asked = watched()
    for genes in ([4, 1], [4, 2], [1], [2, 1]):
        wanted = torch.tensor(genes)
        assert torch.equal(columns(slice(1, 4), wanted), X[1:4][:, wanted])
    assert asked == [[4, 1], [4, 2], [2, 1]]


def test_the_bound_itself_is_still_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 8)
    columns, asked = watched()
    for genes in ([4], [1], [1, 4]):
        columns(slice(0, 4), torch.tensor(genes))
    assert asked == [[4], [1]]


def test_asking_for_nothing_first_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        CachedColumns(lambda genes: torch.zeros(2, len(genes)), 3)(slice(0, 2), torch.zeros(0, dtype=torch.int64))


@pytest.mark.parametrize("rows", [slice(1, 2), slice(None), torch.tensor([3, 0])])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array, sparse.csc_matrix])
def test_columns_are_looked_up_by_cell_or_by_gene(rows, kind) -> None:
    columns = sparse_columns(kind(X.numpy()))
    for genes in (torch.tensor([3]), torch.arange(5)):
        assert torch.equal(columns(rows, genes), X[rows][:, genes])
