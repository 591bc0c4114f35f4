"""Which map is drawn, and by which encoder."""

from __future__ import annotations

import numpy as np
import pytest
from tests._results import blobs, linear_encoder, store_result

from scgce._api.groups import group_codes
from scgce.encoders import encoder_to_uns
from scgce.pl._map import cell_map, flat, layer_of, sample
from scgce.store.result import Result


@pytest.fixture
def adata():
    return store_result(blobs())


def wide(adata):
    """Explain a three-dimensional representation instead of the map."""
    adata.obsm["X_wide"] = np.column_stack([adata.obsm["X_umap"], adata.X.toarray()[:, 0]])
    adata.uns["tgt"]["params"]["use_rep"] = "X_wide"
    adata.uns["tgt"]["encoder"] = encoder_to_uns(linear_encoder(adata, "X_wide"))
    return Result.read(adata, "tgt")


def test_two_dimensions_are_their_own_map(adata):
    chosen = cell_map(adata, Result.read(adata, "tgt"))
    assert chosen.basis == "X_umap"
    assert chosen.axes == ("UMAP 1", "UMAP 2")
    assert chosen.encoder is not None


def test_more_dimensions_take_the_umap_without_its_encoder(adata):
    chosen = cell_map(adata, wide(adata))
    assert chosen.basis == "X_umap"
    assert chosen.encoder is None
    assert "no encoder" in chosen.reason
    with pytest.raises(ValueError, match="no encoder"):
        chosen.translated(adata, np.arange(3), Result.read(adata, "tgt").raw["deltas"], None)


def test_more_dimensions_without_umap_take_their_first_two(adata):
    result = wide(adata)
    points = adata.obsm.pop("X_umap")
    chosen = cell_map(adata, result)
    assert chosen.basis == "X_wide"
    np.testing.assert_allclose(chosen.observed(adata, np.arange(5), None), points[:5], atol=1e-3)


def test_an_encoder_stored_with_the_map_is_found(adata):
    encoder = adata.uns["tgt"]["encoder"]
    result = wide(adata)
    adata.uns["X_umap"] = {"params": {"use_rep": "X_pca"}, "encoder": encoder}  # as an embedding tool stores it
    assert cell_map(adata, result).encoder.n_dims == 2
    adata.uns["X_umap_student"] = adata.uns.pop("X_umap")  # as tl.distill stores it
    assert cell_map(adata, result).encoder.n_dims == 2
    del adata.uns["X_umap_student"]
    other = dict(adata.uns["tgt"])
    other |= {"params": other["params"] | {"use_rep": "umap"}, "encoder": encoder}
    adata.uns["second"] = other  # another explanation, of the map itself
    assert cell_map(adata, result).encoder.n_dims == 2


def test_a_representation_that_is_not_in_obsm(adata):
    adata.uns["tgt"]["params"]["use_rep"] = ""
    points = adata.obsm.pop("X_umap")
    chosen = cell_map(adata, Result.read(adata, "tgt"))
    assert chosen.axes == ("R 1", "R 2")
    np.testing.assert_allclose(chosen.observed(adata, np.arange(9), None), points[:9], atol=1e-3)
    del adata.uns["tgt"]["encoder"]
    with pytest.raises(KeyError, match="basis"):
        cell_map(adata, Result.read(adata, "tgt"))


def test_genes_reordered_and_dropped(adata):
    result = Result.read(adata, "tgt")
    turned = adata[:, ::-1].copy()
    chosen = cell_map(turned, result)
    np.testing.assert_allclose(chosen.observed(turned, np.arange(9), None), adata.obsm["X_umap"][:9], atol=1e-3)
    chosen = cell_map(adata[:, 1:].copy(), result)
    assert chosen.encoder is None
    assert "GENE0" in chosen.reason


def test_flat():
    assert flat(np.ones((4, 3))).shape == (4, 2)
    np.testing.assert_array_equal(flat(np.array([[1.0], [2.0]])), [[1, 0], [2, 0]])
    np.testing.assert_array_equal(flat(np.array([1.0, 2.0])), [[1, 0], [2, 0]])


def test_codes_layers_and_samples(adata):
    names = adata.uns["tgt"]["groups"]
    codes = group_codes(adata, "cell_type", names[:2])
    assert set(codes) == {-1, 0, 1}
    assert (codes == 0).sum() == (adata.obs["cell_type"] == names[0]).sum()
    with pytest.raises(KeyError, match=r"groupby='leiden'.*found: cell_type"):
        group_codes(adata, "leiden", names)
    result = Result.read(adata, "tgt")
    assert layer_of(result, adata) is None
    adata.layers["X"] = adata.X
    assert layer_of(result, adata) == "X"
    rows = np.arange(100)
    assert sample(rows, 100, np.random.default_rng(0)) is rows
    few = sample(rows, 10, np.random.default_rng(0))
    assert len(set(few)) == 10
    assert (np.diff(few) > 0).all()
