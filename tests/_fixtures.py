"""Data that several tests share, and what holds for all tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import anndata as ad
import matplotlib.pyplot as plt
import numba
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
import torch
from hypothesis import settings
from scipy import sparse
from tests._brief import brief, thorough

try:
    import dask.array as da
except ImportError:  # an extra
    da = None

# One thread: the tests run beside each other, and tiny matrices do not profit from more.
# numba comes first: its pool, which scanpy would start later, gives OpenMP, and so torch, a thread for every processor.
numba.set_num_threads(1)
torch.set_num_threads(1)

# The same examples in every run, without a limit on time that a busy machine would miss.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


@pytest.fixture(autouse=True)
def _closed_figures() -> Iterator[None]:
    """No figure outlives its test: matplotlib warns of more than 20."""
    yield
    plt.close("all")


@pytest.fixture(scope="session", autouse=True)
def _brief(request: pytest.FixtureRequest) -> Iterator[None]:
    """What is tested of most explanations holds after any descent: a short one, where slow tests are left out."""
    with brief() if "not slow" in request.config.option.markexpr else nullcontext():
        yield


@pytest.fixture(autouse=True)
def _thorough(request: pytest.FixtureRequest) -> Iterator[None]:
    """The descents that users get, for tests marked so."""
    with thorough() if request.node.get_closest_marker("thorough") else nullcontext():
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the reference data beside the repository; the test is skipped where there is none."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the reference data are not beside this checkout")
    return folder


def _reference(shared: Path, name: str) -> dict[str, np.ndarray]:
    with np.load(shared / "reference" / name, allow_pickle=False) as stored:
        return {key: stored[key] for key in stored.files}


@pytest.fixture
def reference_iris(shared: Path) -> dict[str, np.ndarray]:
    """Encoder weights, data and published values of the authors' Iris example."""
    return _reference(shared, "iris.npz")


@pytest.fixture
def reference_heart(shared: Path) -> dict[str, np.ndarray]:
    """Encoder weights, data and published values of the authors' heart-disease example."""
    return _reference(shared, "heart.npz")


@pytest.fixture(scope="session")
def _pbmc68k() -> ad.AnnData:
    return sc.datasets.pbmc68k_reduced().raw.to_adata()


@pytest.fixture
def pbmc68k(_pbmc68k: ad.AnnData) -> ad.AnnData:
    """700 blood cells × 765 genes, log values, with ``bulk_labels``, ``X_pca`` and ``X_umap``."""
    return _pbmc68k.copy()


@pytest.fixture(scope="session")
def _blobs() -> ad.AnnData:
    rng = np.random.default_rng(0)
    n_cells, n_genes, names = 300, 60, ["B/1", "T cell", "NK", "3"]
    codes = np.arange(n_cells) % len(names)
    rate = np.full((len(names), n_genes), 0.15)
    for group in range(len(names)):
        rate[group, 5 * group : 5 * group + 5] = 4.0  # five markers a group
    X = np.log1p(rng.poisson(rate[codes])).astype(np.float32)
    centred = X - X.mean(axis=0)
    _, _, loadings = np.linalg.svd(centred, full_matrices=False)
    pcs = np.ascontiguousarray(loadings[:8].T)
    corners = np.array([[0, 0], [8, 0], [0, 8], [8, 8]])
    adata = ad.AnnData(
        sparse.csr_matrix(X),
        obs=pd.DataFrame(
            {"group": pd.Categorical.from_codes(codes, names)}, index=[f"cell{i}" for i in range(n_cells)]
        ),
        var=pd.DataFrame(index=[f"gene{g}" for g in range(n_genes)]),
    )
    adata.obsm["X_pca"] = centred @ pcs
    adata.varm["PCs"] = pcs
    adata.obsm["X_umap"] = (corners[codes] + rng.normal(scale=0.7, size=(n_cells, 2))).astype(np.float32)
    return adata


def _backed(X: object, folder: Path) -> object:
    path = folder / "backed.h5ad"
    ad.AnnData(X).write_h5ad(path)
    return ad.read_h5ad(path, backed="r").X


# Every way to hold a matrix of cells × genes that scgce accepts, made from a float32 CSR matrix.
ARRAY_KINDS = {
    "numpy-C": lambda X, _: X.toarray(),
    "numpy-F": lambda X, _: np.asfortranarray(X.toarray()),
    "numpy-float64": lambda X, _: X.toarray().astype(np.float64),
    "csr-matrix": lambda X, _: sparse.csr_matrix(X),
    "csr-array": lambda X, _: sparse.csr_array(X),
    "csr-float64": lambda X, _: sparse.csr_matrix(X, dtype=np.float64),
    "csc-matrix": lambda X, _: sparse.csc_matrix(X),
    "csc-array": lambda X, _: sparse.csc_array(X),
    "dask-numpy": lambda X, _: da.from_array(X.toarray(), chunks=(-(-X.shape[0] // 3), -(-X.shape[1] // 2))),
    "dask-csr": lambda X, _: da.from_array(sparse.csr_matrix(X), chunks=(-(-X.shape[0] // 4), X.shape[1])),
    "backed-csr": lambda X, folder: _backed(sparse.csr_matrix(X), folder),
    "backed-csc": lambda X, folder: _backed(sparse.csc_matrix(X), folder),
    "backed-numpy": lambda X, folder: _backed(X.toarray(), folder),
    "view-csr": lambda X, _: ad.AnnData(sparse.csr_matrix(X))[:].X,
    "view-numpy": lambda X, _: ad.AnnData(X.toarray())[:].X,
}
if da is None:
    ARRAY_KINDS = {name: make for name, make in ARRAY_KINDS.items() if not name.startswith("dask")}


@pytest.fixture(params=list(ARRAY_KINDS))
def as_kind(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[sparse.csr_matrix], Any]:
    """Turn a float32 CSR matrix into one of the accepted kinds; the test runs once for each."""
    return lambda X: ARRAY_KINDS[request.param](X, tmp_path)


@pytest.fixture(scope="session")
def _results() -> ad.AnnData:
    from tests.contract._api import EVERYTHING, at_hand, call, tiny

    adata = tiny()
    for name in at_hand(EVERYTHING):
        call(name, adata)
    return adata


@pytest.fixture(scope="module")
def results(_results: ad.AnnData) -> ad.AnnData:
    """72 cells × 12 genes on which every tool that another function needs was run, once a session.

    One copy a module: a test that changes it copies it first.
    """
    return _results.copy()


@pytest.fixture
def blobs(_blobs: ad.AnnData) -> ad.AnnData:
    """300 cells × 60 genes (CSR float32, log values) in 4 groups of obs["group"].

    Group g is marked by the genes 5g … 5g+4; the genes from 20 on are noise. ``X_pca`` and ``varm["PCs"]`` hold the
    exact PCA with 8 components, ``X_umap`` a stand-in for a map with the groups in four corners.
    """
    return _blobs.copy()
