"""A second matrix in other units is found wherever one comes in: scaled, counts, another logarithm."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import anndata as ad
import numpy as np
import pytest
import scanpy as sc
from scipy import sparse

import scgce

HOW = {"use_rep": "X_pca", "judges": False}


def counts(X: np.ndarray) -> np.ndarray:
    return np.expm1(X).round()


def scaled(X: np.ndarray) -> np.ndarray:
    return (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-6)


OTHER: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "scaled": (scaled, r"not in the units .* negative values .* sc\.pp\.scale"),
    "counts": (counts, "whole numbers up to|means are .* times the stored"),
    "log2": (lambda X: X / np.log(2), "times the stored ones, as of log2 values beside natural logarithms"),
    "log10": (lambda X: X / np.log(10), "times the stored ones, as of log10 values beside natural logarithms"),
    "not logged": (lambda X: np.expm1(X) * 3.3, "times the stored ones"),
    "0 to 1": (lambda X: X / X.max(), "times the stored ones"),
}


def other(adata: ad.AnnData, kind: str) -> ad.AnnData:
    new = adata.copy()
    new.X = sparse.csr_matrix(OTHER[kind][0](adata.X.toarray()).astype(np.float32))
    return new


@pytest.fixture(scope="module")
def _explained(_blobs: ad.AnnData) -> ad.AnnData:
    blobs = _blobs.copy()
    scgce.tl.dbm(blobs, "group", sparsity=20, **HOW)
    scgce.tl.distill(blobs, "X_umap", n_steps=200)
    return blobs


@pytest.fixture
def explained(_explained: ad.AnnData) -> ad.AnnData:
    return _explained.copy()


@pytest.mark.parametrize("kind", OTHER)
def test_other_units_are_refused_where_cells_are_scored(explained: ad.AnnData, kind: str) -> None:
    new = other(explained, kind)
    before = dict(new.uns)
    for call in (
        lambda: scgce.tl.evaluate(new, "dbm", reference=explained, judges=False),
        lambda: scgce.tl.evaluate(new, "dbm", judges=False),
        lambda: scgce.tl.evidence(new, "dbm", n_permutations=0),
        lambda: scgce.tl.lineages(new, {"B/1": "x", "T cell": "x", "NK": "y", "3": "y"}, key="dbm", judges=False),
    ):
        with pytest.raises(ValueError, match=rf"adata\.X is .*{OTHER[kind][1]}"):
            call()
    assert new.uns.keys() == before.keys()


@pytest.mark.parametrize("kind", OTHER)
def test_other_units_are_refused_in_a_layer(explained: ad.AnnData, kind: str) -> None:
    explained.layers["other"] = other(explained, kind).X
    with pytest.raises(ValueError, match=rf"adata\.layers\['other'\] is .*{OTHER[kind][1]}"):
        scgce.tl.evaluate(explained, "dbm", layer="other", judges=False)


@pytest.mark.parametrize("kind", OTHER)
def test_other_units_are_warned_about_where_cells_are_drawn(explained: ad.AnnData, kind: str, tmp_path: Path) -> None:
    new = other(explained, kind)
    for draw in (
        lambda: scgce.pl.explanation(new, "B/1", "NK", key="dbm", show=False),
        lambda: scgce.pl.embedding_shift(new, key="dbm", show=False),
        lambda: scgce.pl.dose(new, "B/1", "NK", key="dbm", show=False),
        lambda: scgce.report(new, tmp_path / "page.html", key="dbm"),
    ):
        with pytest.warns(UserWarning, match=OTHER[kind][1]):
            draw()


@pytest.mark.parametrize("kind", OTHER)
def test_other_units_have_no_place_on_a_stored_map(explained: ad.AnnData, kind: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # counts are warned about before
        with pytest.raises(ValueError, match=OTHER[kind][1]):
            scgce.tl.embed_new(other(explained, kind), key="X_umap_student", reference=explained)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda X: X / np.maximum(X.std(axis=0), 1e-6), "differ gene by gene|times the stored ones"),
        (lambda X: np.log1p(np.expm1(X) * 2.5), "times the stored ones, as after another normalisation"),
    ],
    ids=["scaled without centring", "normalised to another total"],
)
def test_what_may_be_other_units_is_warned_about(
    explained: ad.AnnData, change: Callable[[np.ndarray], np.ndarray], words: str
) -> None:
    explained.layers["other"] = change(explained.X.toarray()).astype(np.float32)
    with pytest.warns(UserWarning, match=rf"adata\.layers\['other'\] may not be in the units .*{words}"):
        scgce.tl.evaluate(explained, "dbm", layer="other", judges=False)


def test_what_was_explained_scaled_is_compared_too(blobs: ad.AnnData) -> None:
    plain = blobs.copy()
    blobs.X = blobs.X.toarray()
    sc.pp.scale(blobs, zero_center=True)
    sc.pp.pca(blobs, n_comps=8)
    scgce.tl.dbm(blobs, "group", sparsity=20, **HOW)
    scgce.tl.evaluate(blobs, "dbm", judges=False)
    plain.uns["dbm"] = blobs.uns["dbm"]
    with pytest.raises(ValueError, match="no negative values, and what was explained has"):
        scgce.tl.evaluate(plain, "dbm", judges=False)
    plain.X = plain.X.toarray()
    plain.X = plain.X - plain.X.mean(axis=0)  # centred, not scaled
    with pytest.warns(UserWarning, match="groups' means are .* times the stored ones, as after another scaling"):
        scgce.tl.evaluate(plain, "dbm", judges=False)
    plain.X = plain.X / 4
    with pytest.raises(ValueError, match="groups' means are .* times the stored ones, as after another scaling"):
        scgce.tl.evaluate(plain, "dbm", judges=False)


def test_the_noted_base_of_the_logarithm_decides(blobs: ad.AnnData) -> None:
    """Of base 3: no factor that would be known without the note, and less than any doubt without it."""
    blobs.uns["log1p"] = {"base": None}
    scgce.tl.dbm(blobs, "group", sparsity=20, **HOW)
    assert float(blobs.uns["dbm"]["units"]["base"]) == pytest.approx(np.e)
    new = blobs.copy()
    new.X = new.X / np.float32(np.log(3))
    new.uns["log1p"] = {"base": 3}
    with pytest.raises(ValueError, match=r'logarithm of base 3, which uns\["log1p"\] notes, beside one of base 2\.72'):
        scgce.tl.evaluate(new, "dbm", reference=blobs, judges=False)
    blobs.uns["log1p"] = {"base": 2}  # another matrix was logged since
    scgce.tl.rank_genes(blobs, "dbm")
    found = sc.get.rank_genes_groups_df(blobs, "NK").set_index("names")["logfoldchanges"]
    del blobs.uns["log1p"]
    scgce.tl.rank_genes(blobs, "dbm")
    assert (found == sc.get.rank_genes_groups_df(blobs, "NK").set_index("names")["logfoldchanges"]).all()


def test_the_same_units_pass(explained: ad.AnnData) -> None:
    """Cells of another donor, sequenced less deeply, in other numbers of each group."""
    rng = np.random.default_rng(0)
    values = np.expm1(explained.X.toarray())
    values = np.log1p(rng.poisson(values * rng.uniform(0.8, 1.2, values.shape[1])))
    few = explained[:, ::-1].copy()
    few.X = sparse.csr_matrix(values[:, ::-1].astype(np.float32))
    few.obs_names = [f"new{cell}" for cell in range(few.n_obs)]
    few = few[(few.obs["group"] != "NK") | (rng.random(few.n_obs) < 0.2)].copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", scgce._api.warn.QualityWarning)
        scgce.tl.evaluate(few, "dbm", reference=explained, judges=False)
