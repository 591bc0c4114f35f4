"""simulated_cells: shapes, truth, reproducibility, memory and errors."""

from __future__ import annotations

import tracemalloc

import anndata as ad
import numpy as np
import pytest
from scipy import sparse

from scgce.datasets import simulated_cells


def test_defaults_are_a_documented_anndata() -> None:
    adata = simulated_cells(300, 200, 4)
    assert adata.shape == (300, 200)
    assert isinstance(adata.X, sparse.csr_matrix) and adata.X.dtype == np.float32
    assert list(adata.obs["group"].cat.categories) == ["0", "1", "2", "3"]
    assert adata.var["planted"].sum() == 48
    assert (adata.var["copy_of"] != "").sum() == 9
    assert adata.uns["truth"]["means"].shape == adata.uns["truth"]["log_fold"].shape == (4, 200)
    assert "300 simulated cells" in adata.uns["description"]


def test_x_is_log_normalized_counts() -> None:
    adata = simulated_cells(200, 100, 3)
    counts = adata.layers["counts"].toarray()
    assert (counts == np.round(counts)).all() and (counts >= 0).all()
    expected = np.log1p(counts / counts.sum(1, keepdims=True) * 1e4)
    np.testing.assert_allclose(adata.X.toarray(), expected, rtol=1e-5)
    raw = simulated_cells(200, 100, 3, normalize=False)
    assert "counts" not in raw.layers
    np.testing.assert_array_equal(raw.X.toarray(), counts)


def test_changing_x_in_place_leaves_the_counts() -> None:
    adata = simulated_cells(50, 40, 2)
    before = adata.layers["counts"].toarray()
    adata.X.data[::2] = 0
    adata.X.eliminate_zeros()
    np.testing.assert_array_equal(adata.layers["counts"].toarray(), before)


def test_same_seed_same_bytes_and_other_seed_other_cells() -> None:
    one, two, other = simulated_cells(80, 60, 3, rng=5), simulated_cells(80, 60, 3, rng=5), simulated_cells(80, 60, 3)
    assert one.X.data.tobytes() == two.X.data.tobytes()
    assert one.X.indices.tobytes() == two.X.indices.tobytes()
    assert (one.X != other.X).nnz > 0
    generator = np.random.default_rng(5)
    np.testing.assert_array_equal(simulated_cells(80, 60, 3, rng=generator).X.toarray(), one.X.toarray())


def test_group_means_follow_the_truth() -> None:
    adata = simulated_cells(
        3000, 60, 3, library_size=3000, library_sigma=0.2, dropout=0.0, normalize=False, n_copies=5, rng=1
    )
    library = adata.obs["library"].to_numpy()
    for code, name in enumerate(adata.uns["truth"]["groups"]):
        cells = (adata.obs["group"] == name).to_numpy()
        observed = np.asarray(adata.X[cells].sum(axis=0)).ravel() / library[cells].sum()
        expected = adata.uns["truth"]["means"][code]
        error = np.sqrt((expected + 3000 * 0.3 * expected**2) / library[cells].sum())
        assert np.abs(observed - expected).max() < 1e-2
        assert (np.abs(observed - expected) < 6 * error).all()


def test_planted_folds_are_shared_and_go_both_ways() -> None:
    adata = simulated_cells(10, 400, 6, n_planted=100, shared=0.5, up=0.6, rng=2)
    folds = adata.uns["truth"]["log_fold"]
    planted = adata.var["planted"].to_numpy()
    groups_per_gene = (folds[:, planted] != 0).sum(axis=0)
    assert (folds[:, ~planted] == 0).all()
    assert 30 < (groups_per_gene > 1).sum() < 70
    assert groups_per_gene.max() < 6
    raised = (folds.sum(axis=0) > 0)[planted].mean()
    assert 0.45 < raised < 0.75
    assert ((folds != 0).sum(axis=1) >= 100 // 6).all()


def test_a_gene_raised_in_a_group_is_seen_raised() -> None:
    adata = simulated_cells(1500, 100, 2, shared=0.0, up=1.0, dropout=0.0, normalize=False, n_copies=0)
    folds = adata.uns["truth"]["log_fold"]
    means = np.array([np.asarray(adata.X[(adata.obs["group"] == g).to_numpy()].mean(0)).ravel() for g in "01"])
    observed = np.log(means[0] / means[1])
    planted = adata.var["planted"].to_numpy()
    np.testing.assert_allclose(observed[planted], (folds[0] - folds[1])[planted], atol=0.3)


def test_copies_follow_their_source_in_the_same_cell() -> None:
    adata = simulated_cells(
        1000, 80, 1, n_planted=20, n_copies=10, up=1.0, normalize=False, dropout=0.0, library_sigma=0.0
    )
    dense = adata.X.toarray()
    position = {name: i for i, name in enumerate(adata.var_names)}
    for name, source in adata.var["copy_of"][adata.var["copy_of"] != ""].items():
        assert adata.var["planted"][source] and not adata.var["planted"][name]
        assert np.corrcoef(dense[:, position[name]], dense[:, position[source]])[0, 1] > 0.4


def test_proportions_and_an_empty_group() -> None:
    adata = simulated_cells(4000, 40, 3, proportions=[0, 1, 3], library_size=50)
    shares = adata.obs["group"].value_counts(normalize=True, sort=False).to_numpy()
    np.testing.assert_allclose(shares, [0, 0.25, 0.75], atol=0.03)


def test_memory_follows_the_molecules() -> None:
    tracemalloc.start()
    try:
        adata = simulated_cells(3000, 100_000, 2, library_size=100, n_planted=10)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert adata.X.nnz < 400_000
    assert peak < 300e6 < 3000 * 100_000 * 4


def test_written_and_read(tmp_path: object) -> None:
    adata = simulated_cells(30, 40, 2)
    adata.write_h5ad(f"{tmp_path}/cells.h5ad")
    back = ad.read_h5ad(f"{tmp_path}/cells.h5ad")
    np.testing.assert_array_equal(back.uns["truth"]["log_fold"], adata.uns["truth"]["log_fold"])
    assert list(back.var["copy_of"]) == list(adata.var["copy_of"])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_cells": 0}, ValueError, "n_cells=0"),
        ({"n_cells": 2.5}, TypeError, r"n_cells=2\.5"),
        ({"n_groups": True}, TypeError, "n_groups=True"),
        ({"n_planted": 30}, ValueError, "n_planted=30.*half"),
        ({"n_planted": 3, "n_copies": 4}, ValueError, "n_copies=4"),
        ({"dropout": 1.5}, ValueError, r"dropout=1\.5"),
        ({"shared": "half"}, TypeError, "shared='half'"),
        ({"dispersion": float("nan")}, ValueError, "dispersion=nan"),
        ({"proportions": [1.0]}, ValueError, "proportions.*5 non-negative"),
        ({"proportions": [0, 0, 0, 0, 0]}, ValueError, "not all zero"),
    ],
)
def test_errors_name_the_argument(arguments: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        simulated_cells(**({"n_cells": 20, "n_genes": 40} | arguments))  # type: ignore[arg-type]
