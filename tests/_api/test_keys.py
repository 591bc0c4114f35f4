"""Results of other tools are not overwritten, by any function that takes ``key_added``."""

from __future__ import annotations

import inspect

import anndata as ad
import numpy as np
import pytest
import scanpy as sc
from tests.contract._api import call, function, prepared, public, tiny
from tests.tl._frozen import frozen

import scgce

TOOLS = [name for name in public() if "key_added" in inspect.signature(function(name)).parameters]
BESIDE = {"tl.distill": "obsm/X_umap", "tl.scvis": "obsm/X_pca", "tl.programs": "varm/PCs", "tl.lineages": "obs/half"}


@pytest.fixture(scope="module")
def used() -> ad.AnnData:
    """What scanpy leaves behind."""
    adata = tiny()
    adata.uns["neighbors"] = {"connectivities_key": "connectivities", "params": {"method": "umap"}}
    sc.tl.rank_genes_groups(adata, "group")
    adata.uns["log1p"] = {}
    adata.uns["group_colors"] = np.array(["#ff0000", "#00ff00", "#0000ff"])
    adata.uns["notes"] = "mine"
    return adata


@pytest.mark.parametrize("name", TOOLS)
def test_no_tool_writes_where_another_has_written(used: ad.AnnData, name: str) -> None:
    adata = prepared(name, used.copy())
    before = frozen(adata)
    keys = {"neighbors", "rank_genes_groups", "log1p", "group_colors", "notes"} - {
        "rank_genes_groups" if name == "tl.rank_genes" else ""
    }
    for key in sorted(keys):
        with pytest.raises(ValueError, match=rf"key_added='{key}' would overwrite adata\.uns\['{key}'\].*another name"):
            call(name, adata, key_added=key)
    for key in ("pca", "umap", "leiden"):  # not there yet: scanpy would overwrite it
        with pytest.raises(ValueError, match=rf"key_added='{key}' is the key of a tool of scanpy"):
            call(name, adata, key_added=key)
    if name in BESIDE:
        slot, _, key = BESIDE[name].partition("/")
        with pytest.raises(ValueError, match=rf"key_added='{key}' would overwrite adata\.{slot}\['{key}'\]"):
            call(name, adata, key_added=key)
    assert frozen(adata) == before


@pytest.mark.parametrize("name", ["tl.evaluate", "tl.lineages", "tl.rank_genes"])
def test_an_explanation_is_not_replaced_by_what_is_made_of_it(used: ad.AnnData, name: str) -> None:
    adata = prepared(name, used.copy())
    before = frozen(adata)
    with pytest.raises(ValueError, match="key_added='tgt' would overwrite key='tgt' itself; choose another name"):
        call(name, adata, key_added="tgt")
    assert frozen(adata) == before


def test_a_map_and_programmes_are_not_replaced_by_what_explains_in_them(used: ad.AnnData) -> None:
    adata = used.copy()
    for tool in ("tl.autoencoder", "tl.programs"):
        call(tool, adata)
    before, how = frozen(adata), {"sparsity": 2, "judges": False}
    with pytest.raises(ValueError, match="key_added='X_autoencoder' would overwrite use_rep='X_autoencoder' itself"):
        scgce.tl.tgt(adata, "group", use_rep="X_autoencoder", key_added="X_autoencoder", **how)
    with pytest.raises(ValueError, match="key_added='programs' would overwrite programs='programs' itself"):
        scgce.tl.tgt(adata, "group", use_rep="X_pca", programs="programs", key_added="programs", **how)
    assert frozen(adata) == before
    for _ in range(2):  # called after its programmes, and made again
        scgce.tl.tgt(adata, "group", use_rep="X_pca", programs="profile", key_added="profile", **how)
    assert "programs" in adata.uns["profile"]


def test_a_result_of_its_own_is_replaced(used: ad.AnnData) -> None:
    adata = used.copy()
    scgce.tl.dbm(adata, "group", use_rep="X_pca", sparsity=2, judges=False, key_added="mine")
    scgce.tl.dbm(adata, "group", use_rep="X_pca", sparsity=3, judges=False, key_added="mine")
    assert int(adata.uns["mine"]["params"]["sparsity_selected"]) == 3


def test_marker_lists_replace_those_of_scanpy_with_a_warning(used: ad.AnnData) -> None:
    adata = prepared("tl.rank_genes", used.copy())
    with pytest.warns(UserWarning, match=r"adata\.uns\['rank_genes_groups'\], written by another tool, is replaced"):
        scgce.tl.rank_genes(adata)
    scgce.tl.rank_genes(adata)
    assert adata.uns["rank_genes_groups"]["params"]["method"] == "scgce"
