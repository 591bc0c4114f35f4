"""New cells land where the old ones would have; missing, unknown and reordered genes are dealt with by name."""

from __future__ import annotations

import logging
from pathlib import Path

import anndata as ad
import numpy as np
import pytest

from scgce.tl import embed_new, scvis


@pytest.fixture
def reference(blobs: ad.AnnData) -> ad.AnnData:
    scvis(blobs, n_epochs=10, batch_size=100, device="cpu")
    return blobs


def test_the_same_cells_land_on_themselves(reference: ad.AnnData):
    new = ad.AnnData(reference.X[:50].copy(), var=reference.var.copy())
    assert embed_new(new, reference=reference) is None
    np.testing.assert_allclose(new.obsm["X_scvis"], reference.obsm["X_scvis"][:50], atol=1e-5)
    assert new.uns["X_scvis"]["missing_genes"].size == 0


def test_order_of_the_genes_and_unknown_ones_do_not_matter(reference: ad.AnnData):
    order = np.random.default_rng(0).permutation(60)
    shuffled = reference[:, order].copy()
    extra = ad.AnnData(np.full((300, 2), 5.0, np.float32), obs=shuffled.obs[[]])
    extra.var_names = ["unknown1", "unknown2"]
    new = ad.concat([shuffled, extra], axis=1)
    embed_new(new, reference=reference)
    np.testing.assert_allclose(new.obsm["X_scvis"], reference.obsm["X_scvis"], atol=1e-4)


@pytest.mark.parametrize("missing", ["mean", "zero"])
def test_missing_genes_count_as_documented(reference: ad.AnnData, missing: str, caplog: pytest.LogCaptureFixture):
    lacking = [f"gene{g}" for g in (3, 8, 40)]
    new = reference[:, ~reference.var_names.isin(lacking)].copy()
    with caplog.at_level(logging.INFO, logger="scgce"):
        embed_new(new, reference=reference, missing=missing)
    filled = reference.X.toarray()
    filled[:, [3, 8, 40]] = filled[:, [3, 8, 40]].mean(axis=0) if missing == "mean" else 0.0
    whole = ad.AnnData(filled, var=reference.var.copy())
    embed_new(whole, reference=reference)
    np.testing.assert_allclose(new.obsm["X_scvis"], whole.obsm["X_scvis"], atol=1e-4)
    assert new.uns["X_scvis"]["missing_genes"].tolist() == lacking
    assert "3 of the 60 genes" in caplog.text
    assert "gene3, gene8, gene40" in caplog.text


def test_the_new_entry_serves_further_cells(reference: ad.AnnData):
    new = reference[:, 5:].copy()
    embed_new(new, reference=reference, key_added="X_new")
    again = ad.AnnData(new.X[:20].copy(), var=new.var.copy())
    embed_new(again, key="X_new", reference=new)
    np.testing.assert_allclose(again.obsm["X_new"], new.obsm["X_new"][:20], atol=1e-5)


def test_an_embedding_of_its_own_needs_no_reference(reference: ad.AnnData):
    before = reference.obsm["X_scvis"].copy()
    result = embed_new(reference, key_added="X_again", copy=True)
    np.testing.assert_array_equal(result.obsm["X_again"], before)
    assert "X_again" not in reference.obsm


def test_the_entry_can_be_written(reference: ad.AnnData, tmp_path: Path):
    new = reference[:, 5:].copy()
    embed_new(new, reference=reference)
    new.write_h5ad(tmp_path / "new.h5ad")
    again = ad.read_h5ad(tmp_path / "new.h5ad")
    assert list(again.uns["X_scvis"]["missing_genes"]) == [f"gene{g}" for g in range(5)]


def test_many_missing_genes_are_warned_about(reference: ad.AnnData):
    new = reference[:, :40].copy()
    with pytest.warns(UserWarning, match="20 of the 60 genes.*positions may be off"):
        embed_new(new, reference=reference)


def test_missing_genes_can_be_refused(reference: ad.AnnData):
    new = reference[:, 1:].copy()
    del new.obsm["X_scvis"], new.uns["X_scvis"]
    with pytest.raises(ValueError, match=r"1 of the 60 genes.*gene0"):
        embed_new(new, reference=reference, missing="error")
    assert "X_scvis" not in new.obsm
    assert "X_scvis" not in new.uns


def test_nothing_in_common_is_an_error(reference: ad.AnnData):
    new = reference.copy()
    new.var_names = [f"ENSG{g}" for g in range(60)]
    with pytest.raises(ValueError, match="shares none of the 60 genes.*ENSG0"):
        embed_new(new, reference=reference)


def test_raw_counts_have_no_place_on_a_map_of_logarithms(reference: ad.AnnData):
    new = reference.copy()
    new.X.data = np.ceil(new.X.data * 40)
    with pytest.raises(ValueError, match="it holds whole numbers up to .*, as counts"):
        embed_new(new, reference=reference)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"key": "X_scvi"}, "key='X_scvi'.*X_scvis"),
        ({"layer": "log"}, "log"),
        ({"missing": "median"}, "missing='median'.*'mean', 'zero', 'error'"),
    ],
)
def test_errors_name_the_argument(reference: ad.AnnData, arguments: dict, message: str):
    with pytest.raises((KeyError, ValueError), match=message):
        embed_new(reference.copy(), reference=reference, **arguments)
