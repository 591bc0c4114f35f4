"""Distilled students: what is learnt, on which cells it is measured, and what is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scanpy as sc
from scipy import sparse

from scgce.encoders import Training, distill_student, encoder_from_uns, encoder_to_uns, linear_from_pca, resolve

QUICK = Training(hidden=(32,), max_steps=200)


def distil(adata, target=None, X=None, **more):
    target = adata.obsm["X_umap"] if target is None else target
    return distill_student(adata.X if X is None else X, target, genes=adata.var_names, **{"how": QUICK, **more})


def test_reproduces_the_map_of_the_blobs(blobs):
    student = distil(blobs)
    # The noise within the corners, which no function of the cells predicts, is 3 % of the variance.
    assert student.fidelity["r2"] > 0.9
    assert student.fidelity["n_cells"] == 30
    assert student.kind == "mlp" and student.n_dims == 2
    assert student.W.shape == (60, 50)
    assert np.abs(student(blobs.X) - blobs.obsm["X_umap"]).mean() < 1.5


def test_fidelity_is_measured_on_cells_that_took_no_part(blobs):
    """A representation of pure chance can be learnt by heart, never predicted."""
    chance = np.random.default_rng(0).normal(size=(blobs.n_obs, 2))
    with pytest.warns(UserWarning, match=r"only R² = -?0\.\d+.*below 0\.8"):
        student = distil(blobs, chance, how=Training(max_steps=400))
    assert student.fidelity["r2"] < 0.2
    assert student.fidelity["neighbours"] < 0.8


def test_hidden_values_are_of_unit_order(blobs):
    H = distil(blobs, target=blobs.obsm["X_umap"] * 1000).hidden(blobs.X)
    assert abs(float(H.mean())) < 0.1 and 0.5 < float(np.sqrt((H**2).mean())) < 2


def test_linear_target_is_learnt_closely(blobs):
    student = distil(blobs, blobs.obsm["X_pca"][:, :3], how=Training(max_steps=600, noise=0.1))
    assert student.fidelity["r2"] > 0.97


def test_starts_from_a_given_basis(blobs):
    basis = linear_from_pca(blobs)
    student = distil(blobs, basis=basis)
    assert student.n_hidden == 8
    ratio = student.W.numpy() / basis.W.numpy()
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-3)


def test_same_seed_same_bytes(blobs):
    first, again, other = distil(blobs), distil(blobs), distil(blobs, rng=1)
    np.testing.assert_array_equal(first(blobs.X), again(blobs.X))
    assert first.fidelity == again.fidelity
    assert not np.array_equal(first(blobs.X), other(blobs.X))


def test_arrangement_of_the_cells_does_not_matter(blobs):
    shuffle = np.random.default_rng(0).permutation(blobs.n_obs)
    names = blobs.obs_names.to_numpy().astype(str)
    first = distil(blobs, order=np.argsort(names))
    moved = blobs[shuffle].copy()
    second = distil(moved, order=np.argsort(names[shuffle]))
    np.testing.assert_allclose(second(blobs.X), first(blobs.X), atol=1e-4)


def test_kinds_of_matrix_agree(blobs):
    reference = distil(blobs)(blobs.X)
    for kind in (np.asarray, sparse.csc_matrix, sparse.csr_array):
        X = kind(blobs.X.toarray().astype(np.float64))
        np.testing.assert_allclose(distil(blobs, X=X)(X), reference, atol=2e-3)


def test_stored_and_read_again(blobs, tmp_path):
    student = distil(blobs)
    again = encoder_from_uns(encoder_to_uns(student))
    np.testing.assert_array_equal(again(blobs.X), student(blobs.X))


@pytest.mark.parametrize(
    "target, message",
    [
        (np.zeros((300, 2)), "same value for all cells"),
        (np.zeros((299, 2)), r"shape \(299, 2\); expected \(300, m\)"),
        (np.zeros(300), r"shape \(300,\)"),
        (np.where(np.arange(600).reshape(300, 2) == 8, np.nan, 1.0), "NaN or infinite values for 1 of 300 cells"),
    ],
)
def test_targets_that_are_refused(blobs, target, message):
    with pytest.raises(ValueError, match=message):
        distil(blobs, target)


def test_too_few_cells(blobs):
    with pytest.raises(ValueError, match="10 cells are too few"):
        distil(blobs[:10].copy())


def test_basis_must_be_linear(blobs):
    slow = linear_from_pca(blobs)
    slow.W = None
    with pytest.raises(ValueError, match="must be a linear encoder"):
        distil(blobs, basis=slow)


def test_pbmc68k_umap(pbmc68k):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        student = resolve(pbmc68k, use_rep="X_umap")
    assert student.fidelity["r2"] > 0.95
    assert student.fidelity["neighbours"] > 0.8


@pytest.mark.slow
def test_pbmc3k_umap_of_another_laboratory(shared):
    """A map that came with the data, made by a pipeline that left no loadings."""
    adata = sc.read_h5ad(shared / "data" / "pbmc3k_raw_labelled.h5ad")
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    assert resolve(adata, use_rep="X_umap").fidelity["r2"] > 0.95


@pytest.mark.filterwarnings("ignore:the student of")
def test_only_the_cells_that_fit_teach_a_student() -> None:
    rng = np.random.default_rng(0)
    X = sparse.csr_matrix(rng.poisson(1.0, (240, 30)).astype(np.float32))
    target = X @ rng.normal(size=(30, 2))
    parts = rng.permutation(np.repeat([0, 1, 2, -1], [120, 40, 40, 40])).astype(np.int8)
    names = [f"gene{g}" for g in range(30)]
    how = Training(max_steps=100)
    plain = distill_student(X, target, genes=names, parts=parts, how=how)
    spoilt, broken = X.copy().toarray(), target.copy()
    spoilt[parts == 2] = rng.poisson(5.0, (40, 30))
    broken[parts == 2] += 100.0
    broken[parts == -1] = np.nan
    again = distill_student(sparse.csr_matrix(spoilt), broken, genes=names, parts=parts, how=how)
    np.testing.assert_array_equal(plain(X), again(X))
    assert plain.fidelity["n_cells"] == 40
    assert again.fidelity["r2"] < plain.fidelity["r2"]
    moved = X.copy().toarray()
    moved[parts == 0] = rng.poisson(1.0, (120, 30))
    other = distill_student(sparse.csr_matrix(moved), target, genes=names, parts=parts, how=how)
    assert not np.allclose(plain(X), other(X))
