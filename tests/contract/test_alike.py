"""Calls that look alike work alike: what one function of a pair takes, the other takes too."""

from __future__ import annotations

import inspect

import anndata as ad
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from tests.contract._api import PAIR, function, public, tiny

import scgce
from scgce import get, pl, tl

OF_ONE_PAIR = {"pl.dose", "pl.explanation", "pl.stability", "pl.translation", "get.explanation", "get.attributions"}
"""A picture or frame of one pair; `get.pairs` has all of them."""


def test_a_frame_of_a_pair_is_there_for_all_pairs_too() -> None:
    for name in public():
        parameters = inspect.signature(function(name)).parameters
        if {"source", "target"} <= set(parameters) and name not in OF_ONE_PAIR:
            assert parameters["source"].default is None, name
            assert parameters["target"].default is None, name


def test_get_and_pl_of_one_name_read_the_same_result_by_default() -> None:
    for name in sorted(set(get.__all__) & set(pl.__all__)):
        ours, theirs = (inspect.signature(getattr(module, name)).parameters for module in (get, pl))
        for shared in ("key", "sparsity", "consistent", "include_self"):
            # get.panel reads an explanation by default, as it always did; pl.panel draws what tl.panel stored
            if shared in ours and shared in theirs and (name, shared) != ("panel", "key"):
                assert ours[shared].default == theirs[shared].default, (name, shared)


def test_stability_of_all_pairs_is_that_of_each(results: ad.AnnData) -> None:
    table = get.stability(results)
    assert list(table.columns[:2]) == ["source", "target"]
    one = table[(table["source"] == PAIR[0]) & (table["target"] == PAIR[1])].drop(columns=["source", "target"])
    pd.testing.assert_frame_equal(one.reset_index(drop=True), get.stability(results, *PAIR))
    assert len(table.groupby(["source", "target"])) == 6
    with pytest.raises(ValueError, match="give both for one pair, or none"):
        get.stability(results, PAIR[0])


def test_pictures_compare_as_frames_do(results: ad.AnnData) -> None:
    get.compare(results, ["tgt", "dbm"])
    by_list = pl.compare(results, ["tgt", "dbm"], show=False)
    by_keys = pl.compare(results, key="tgt", other_key="dbm", show=False)
    drawn, expected = (axes.images[0].get_array() for axes in (by_list, by_keys))
    np.testing.assert_array_equal(np.ma.getdata(drawn), np.ma.getdata(expected))
    for wrong in ("tgt", ["tgt"], ["tgt", "dbm", "tgt"]):
        with pytest.raises((ValueError, TypeError), match="other="):
            pl.compare(results, wrong, show=False)
    plt.close("all")


def test_lineages_take_both_directions_of_the_mapping(results: ad.AnnData) -> None:
    up = {"B/1": "one", "T cell": "other", "NK": "other"}
    down = {"one": ["B/1"], "other": ["T cell", "NK"]}
    first, second = (tl.lineages(results, mapping, judges=False, copy=True) for mapping in (up, down))
    np.testing.assert_array_equal(first.uns["lineages"]["deltas"], second.uns["lineages"]["deltas"])
    assert list(first.obs["lineages"]) == list(second.obs["lineages"])
    with pytest.raises(ValueError, match="'NK' is listed in 'one' and in 'other'"):
        tl.lineages(results, {"one": ["B/1", "NK"], "other": ("T cell", "NK")})
    with pytest.raises(KeyError, match="unknown groups: Z"):
        tl.lineages(results, {"one": ["B/1"], "other": ["Z"]})


def test_training_finds_the_one_embedding_there_is(results: ad.AnnData) -> None:
    found, named = (pl.training(results, *key, show=False).lines[0] for key in ((), ("X_autoencoder",)))
    np.testing.assert_array_equal(found.get_ydata(), named.get_ydata())
    results = results.copy()
    results.uns["X_second"] = results.uns["X_autoencoder"]
    with pytest.raises(KeyError, match="X_autoencoder, X_second"):
        pl.training(results, show=False)
    plt.close("all")


def test_without_leiden_the_message_says_what_makes_it(results: ad.AnnData, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyError, match=r"sc\.tl\.leiden\(adata\) first.*or name the column"):
        tl.tgt(results, use_rep="X_pca")
    monkeypatch.setattr("scgce._api.groups.find_spec", lambda name: None)
    with pytest.raises(KeyError, match="pip install igraph first"):
        tl.tgt(results, use_rep="X_pca")
    with pytest.raises(KeyError) as caught:
        tl.tgt(results, "cell type", use_rep="X_pca")
    assert "leiden" not in str(caught.value)


def test_a_layer_s_logarithm_is_made_on_the_fly() -> None:
    adata = tiny()
    adata.layers["counts"] = adata.X.copy()
    adata.layers["stored"] = adata.X.log1p()
    adata.obsm["X_pca"] = np.asarray(adata.layers["stored"] @ adata.varm["PCs"])
    options = {"use_rep": "X_umap", "sparsity": 2, "judges": False}
    for name, layer in (("stored", "stored"), ("made", "log1p(counts)"), ("of_X", "log1p(X)")):
        encoder = scgce.encoders.wrap_module(_linear(adata), adata.var_names)
        tl.tgt(adata, "group", encoder=encoder, layer=layer, **(options | {"use_rep": None}), key_added=name)
        tl.evaluate(adata, name, judges=False)
    for name in ("made", "of_X"):
        np.testing.assert_array_equal(adata.uns[name]["deltas"], adata.uns["stored"]["deltas"])
        scores = adata.uns[f"{name}_evaluated"]["correctness"]
        np.testing.assert_array_equal(scores, adata.uns["stored_evaluated"]["correctness"])
    with pytest.raises(KeyError, match="layer='raw'"):
        tl.tgt(adata, "group", use_rep="X_umap", layer="log1p(raw)")


def _linear(adata: ad.AnnData) -> object:
    import torch

    layer = torch.nn.Linear(adata.n_vars, 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(np.asarray(adata.varm["PCs"])[:, :2].T.astype(np.float32)))
    return layer
