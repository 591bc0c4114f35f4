"""Representations as files hold them: frames, text, a PCA whose loadings were lost or cut."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scgce
from scgce.encoders import resolve


@pytest.fixture(autouse=True)
def short_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scgce.encoders.Training.steps", lambda self, n_cells: 250)


def frame(adata: ad.AnnData, **more: object) -> pd.DataFrame:
    return pd.DataFrame(adata.obsm["X_umap"], index=adata.obs_names, columns=["x", "y"]).assign(**more)


WRONG = {
    "text": lambda adata: frame(adata, cluster="T"),
    "digits as text": lambda adata: frame(adata, cluster=["1", "2"] * 150),
    "digits as categories": lambda adata: frame(adata, cluster=pd.Categorical(["1", "2"] * 150)),
    "truth values": lambda adata: frame(adata, cluster=[True, False] * 150),
    "array of text": lambda adata: adata.obsm["X_umap"].astype(str),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("key", ["X_umap", "X_pca", "X_stored"])
def test_what_is_no_number_is_named_and_is_no_dimension(blobs: ad.AnnData, kind: str, key: str) -> None:
    if key == "X_stored":
        scgce.tl.distill(blobs, "X_umap", key_added=key)
    blobs.obsm[key] = WRONG[kind](blobs)
    said = rf"adata\.obsm\['{key}'\] has " + ("dtype <U32" if kind == "array of text" else r"columns .*'cluster' \(")
    for call in (
        lambda: resolve(blobs, use_rep=key),
        lambda: scgce.tl.tgt(blobs, "group", use_rep=key),
        lambda: scgce.tl.distill(blobs, key),
        lambda: scgce.pl.groups(blobs, "group", basis=key, show=False),
    ):
        with pytest.raises(ValueError, match=said):
            call()


@pytest.mark.parametrize("key", ["X_umap", "X_pca"])
def test_frames_of_numbers_are_read_like_arrays(blobs: ad.AnnData, key: str) -> None:
    expected = resolve(blobs, use_rep=key)(blobs.X)
    blobs.obsm[key] = pd.DataFrame(blobs.obsm[key], index=blobs.obs_names).astype("Float64")
    blobs.varm["PCs"] = pd.DataFrame(blobs.varm["PCs"], index=blobs.var_names)
    np.testing.assert_array_equal(resolve(blobs, use_rep=key)(blobs.X), expected)
    blobs.varm["PCs"]["0"] = "text"
    with pytest.raises(ValueError, match=r"adata\.varm\['PCs'\] has columns that are no numbers: '0'"):
        resolve(blobs, use_rep="X_pca")


def test_of_longer_loadings_the_first_are_taken(blobs: ad.AnnData) -> None:
    exact = resolve(blobs, use_rep="X_pca")(blobs.X)
    blobs.obsm["X_pca"] = blobs.obsm["X_pca"][:, :5].copy()
    encoder = resolve(blobs, use_rep="X_pca")
    assert encoder.kind == "linear" and encoder.fidelity["r2"] == pytest.approx(1)
    np.testing.assert_allclose(encoder(blobs.X), exact[:, :5], atol=1e-5)


@pytest.mark.parametrize("lost", ["all", "some"])
def test_of_a_pca_without_its_loadings_a_student_is_explained(blobs: ad.AnnData, lost: str) -> None:
    loadings = blobs.varm.pop("PCs")
    if lost == "some":
        blobs.varm["PCs"] = loadings[:, :3]
    with pytest.warns(UserWarning, match=r"use_rep='X_pca': its loadings, .*\(60, 8\), are missing.*a student is"):
        encoder = resolve(blobs, use_rep="X_pca")
    assert encoder.name == "student of X_pca" and encoder.fidelity["r2"] > 0.8
    scgce.tl.distill(blobs, "X_pca", n_steps=400)
    assert blobs.uns["X_pca_student"]["params"]["basis"] == "X"
    assert resolve(blobs, use_rep="X_pca_student").fidelity["r2"] > 0.8
    with pytest.raises(ValueError, match=r"use_rep='X_pca' is no PCA with its loadings.*tl\.distill"):
        scgce.tl.scvis(blobs, n_epochs=1)


@pytest.mark.filterwarnings("ignore:the student of X_pca reproduces only")
def test_a_pca_of_more_genes_is_refused_and_its_student_offered(blobs: ad.AnnData) -> None:
    """Loadings of the genes that are left, of a PCA that read forty more."""
    few = blobs[:, :20].copy()
    few.obsm["X_pca"] = few.obsm["X_pca"] + 0.4 * np.random.default_rng(0).normal(size=few.obsm["X_pca"].shape)
    with pytest.raises(ValueError, match=r"does not belong to X.*scgce\.tl\.distill\(adata, 'X_pca', basis='X'\)"):
        resolve(few, use_rep="X_pca")
    scgce.tl.distill(few, "X_pca", n_steps=400)
    assert few.uns["X_pca_student"]["params"]["basis"] == "X"
