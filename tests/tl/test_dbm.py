from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from tests.tl._frozen import frozen

import scgce

OPTIONS = {"use_rep": "X_pca", "sparsity": (2, 5, 60), "judges": False}


@pytest.fixture(scope="module")
def both(_blobs: ad.AnnData) -> ad.AnnData:
    adata = _blobs.copy()
    scgce.tl.dbm(adata, "group", **OPTIONS)
    scgce.tl.tgt(adata, "group", **OPTIONS, method="truncate")
    return adata


def test_translations_are_the_differences_of_the_means_of_the_fitting_cells(both: ad.AnnData) -> None:
    entry = both.uns["dbm"]
    fitting = both[entry["split"] == 0]
    means = np.stack(
        [fitting.X[(fitting.obs["group"] == g).to_numpy()].toarray().mean(axis=0) for g in entry["groups"]]
    )
    for block in range(3):
        basis = entry["sweep"]["deltas"][4 * block : 4 * block + 4].toarray()
        np.testing.assert_allclose(basis, means - means[0], atol=2e-6)


def test_it_is_scored_as_the_baseline_beside_tgt(both: ad.AnnData) -> None:
    dbm, tgt = both.uns["dbm"], both.uns["tgt"]
    np.testing.assert_array_equal(dbm["split"], tgt["split"])
    assert dbm["epsilon"] == tgt["epsilon"]
    for ours, theirs in (("correctness", "dbm_correctness"), ("coverage", "dbm_coverage")):
        np.testing.assert_allclose(dbm["sweep"][ours], tgt["sweep"][theirs], atol=1e-12)
    assert dbm["sweep"]["correctness"][-1].mean() > dbm["sweep"]["correctness"][0].mean() + 0.3


def test_every_reader_reads_it(both: ad.AnnData) -> None:
    sweep = scgce.get.sweep(both, key="dbm")
    assert sweep["sparsity"].tolist() == [2, 5, 60]
    pd.testing.assert_series_equal(sweep["correctness"], sweep["dbm_correctness"], check_names=False)
    explained = scgce.get.explanation(both, "NK", "3", sparsity=5, key="dbm")
    assert len(explained) == 5
    np.testing.assert_allclose(explained["delta"], explained["mean_difference"], atol=1e-5)
    assert len(scgce.get.metrics(both, key="dbm")) == 12


def test_all_genes_move_the_means_onto_each_other(both: ad.AnnData) -> None:
    explained = scgce.get.explanation(both, "NK", "3", sparsity=60, key="dbm")
    assert len(explained) >= 55
    assert both.uns["dbm"]["sweep"]["correctness"][-1][~np.eye(4, dtype=bool)].mean() > 0.7


def test_params_say_what_it_is(both: ad.AnnData) -> None:
    params = both.uns["dbm"]["params"]
    assert params["method"] == "dbm" and params["amplitude"] == 1.0 and params["pair_cut"] is True
    assert "path" not in both.uns["dbm"]


def test_copy_and_seed(blobs: ad.AnnData, both: ad.AnnData) -> None:
    before = frozen(blobs)
    copied = scgce.tl.dbm(blobs, "group", **OPTIONS, copy=True)
    assert frozen(blobs) == before
    assert frozen(copied.uns["dbm"]) == frozen(both.uns["dbm"])
    assert scgce.tl.dbm(blobs, "group", **(OPTIONS | {"sparsity": 3}), key_added="mine", rng=4) is None
    assert not np.array_equal(blobs.uns["mine"]["split"], copied.uns["dbm"]["split"])


def test_clipped_scores_differ(blobs: ad.AnnData, both: ad.AnnData) -> None:
    scgce.tl.dbm(blobs, "group", **OPTIONS, clip=True)
    assert not np.array_equal(blobs.uns["dbm"]["sweep"]["correctness"], both.uns["dbm"]["sweep"]["correctness"])


@pytest.mark.parametrize("arguments, message", [({"sparsity": 61}, "sparsity=61"), ({"epsilon": -1.0}, "epsilon=-1.0")])
def test_bad_values_are_refused(blobs: ad.AnnData, arguments: dict, message: str) -> None:
    before = frozen(blobs)
    with pytest.raises(ValueError, match=message):
        scgce.tl.dbm(blobs, "group", **(OPTIONS | arguments))
    assert frozen(blobs) == before
