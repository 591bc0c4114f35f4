"""A dask.distributed cluster in scope does the reading; what it answers is what a local read gives."""

from __future__ import annotations

from collections.abc import Iterator

import anndata as ad
import dask
import dask.array as da
import numpy as np
import pytest
from scipy import sparse

import scgce
from scgce.matrix import arrays
from scgce.matrix.cluster import client_of, map_chunks

distributed = pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def client() -> Iterator[object]:
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as found,
    ):
        yield found


def chunked(X: object, rows: int) -> da.Array:
    return da.from_array(X, chunks=(rows, X.shape[1]), asarray=False)


def matrix(kind: str) -> object:
    X = np.random.default_rng(0).poisson(0.4, (230, 40)).astype(np.float32)
    return X if kind == "dense" else sparse.csr_matrix(X)


@pytest.mark.parametrize("kind", ["dense", "csr"])
@pytest.mark.parametrize("rows", [7, 64, 500])
def test_the_read_is_that_of_memory(client: object, kind: str, rows: int) -> None:
    rng = np.random.default_rng(1)
    X, W, b, codes = matrix(kind), rng.normal(size=(40, 6)), rng.normal(size=6), rng.integers(-1, 3, 230)
    far = chunked(X, rows)
    assert client_of(far) is client
    for ours, local in zip(
        arrays.project_and_sum(far, W, b, codes, 3), arrays.project_and_sum(X, W, b, codes, 3), strict=True
    ):
        assert ours.dtype == local.dtype
        np.testing.assert_allclose(ours, local, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(arrays.project(far, W, b), arrays.project(X, W, b), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(arrays.group_sums(far, codes, 3), arrays.group_sums(X, codes, 3), rtol=1e-12)
    picked = rng.permutation(230)[:50]
    np.testing.assert_array_equal(arrays.dense_rows(far, picked), arrays.dense_rows(X, picked))


def test_chunks_are_worked_on_where_they_lie(client: object) -> None:
    def work(chunk: np.ndarray, numbers: np.ndarray, shift: int) -> tuple[str, list[int]]:
        return distributed.get_worker().address, (numbers[: len(chunk)] + shift).tolist()

    answers = list(map_chunks(client, chunked(matrix("dense"), 50), work, [np.arange(230)], [1000]))
    assert [rows.start for rows, _ in answers] == [0, 50, 100, 150, 200]
    assert [n for _, (_, numbers) in answers for n in numbers] == list(range(1000, 1230))
    assert {address for _, (address, _) in answers} <= set(client.scheduler_info()["workers"])


def test_what_is_not_finite_is_named_by_its_rows(client: object) -> None:
    X = matrix("dense")
    X[120, 3] = np.nan
    with pytest.raises(ValueError, match=r"adata.X holds 1 NaN or infinite values in rows 100 to 149"):
        arrays.check_matrix(chunked(X, 50), "adata.X")


def test_another_scheduler_is_respected(client: object) -> None:
    far = chunked(matrix("csr"), 50)
    with dask.config.set(scheduler="synchronous"):
        assert client_of(far) is None
    assert client_of(far) is client
    assert client_of(matrix("csr")) is None


def test_tgt_on_a_cluster_is_tgt_in_memory(client: object, blobs: ad.AnnData) -> None:
    options = {"use_rep": "X_pca", "sparsity": [3, 5], "method": "path", "device": "cpu"}
    local = scgce.tl.tgt(blobs, "group", **options, copy=True).uns["tgt"]
    blobs.X = chunked(sparse.csr_matrix(blobs.X), 37)
    found = scgce.tl.tgt(blobs, "group", **options, copy=True).uns["tgt"]
    np.testing.assert_allclose(found["deltas"], local["deltas"], atol=1e-4 * np.abs(local["deltas"]).max())
    np.testing.assert_allclose(found["correctness"], local["correctness"], atol=0.02)
