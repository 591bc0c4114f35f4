"""Explanations in scanpy's own structure."""

from __future__ import annotations

import anndata as ad
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import scanpy as sc
from tests._results import blobs, store_result

from scgce import get
from scgce.tl._rank_genes import rank_genes

mpl.use("agg")


@pytest.fixture
def adata():
    adata = store_result(blobs())
    rank_genes(adata, by="translation")
    return adata


def test_structure_is_that_of_scanpy(adata):
    ours = adata.uns["rank_genes_groups"]
    sc.tl.rank_genes_groups(adata, "cell_type", method="t-test", key_added="theirs", use_raw=False)
    theirs = adata.uns["theirs"]
    assert set(ours) == set(theirs)
    for name in set(theirs) - {"params"}:
        assert ours[name].dtype == theirs[name].dtype
        assert ours[name].shape == theirs[name].shape
    assert set(theirs["params"]) - {"layer"} <= set(ours["params"])
    assert ours["params"]["use_raw"] is False
    assert ours["params"]["reference"] == "rest"


def test_frame_holds_markers_and_fold_changes(adata):
    sc.tl.rank_genes_groups(adata, "cell_type", method="t-test", key_added="theirs", use_raw=False)
    for group in adata.obs["cell_type"].cat.categories:
        frame = sc.get.rank_genes_groups_df(adata, group)
        assert frame["scores"].is_monotonic_decreasing
        assert sorted(frame["names"]) == sorted(adata.var_names)
        assert frame["pvals"].isna().all()
        by_gene = frame.set_index("names")
        markers = get.markers(adata, group).set_index("gene")["delta"]
        np.testing.assert_allclose(by_gene["scores"].loc[markers.index], markers, rtol=1e-6)
        assert (by_gene["scores"].drop(markers.index) == 0).all()
        theirs = sc.get.rank_genes_groups_df(adata, group, key="theirs").set_index("names")["logfoldchanges"]
        np.testing.assert_allclose(by_gene["logfoldchanges"], theirs.loc[by_gene.index], atol=1e-3)


def test_reference_group(adata):
    rank_genes(adata, key_added="ranked", by="translation", reference="Dendritic")
    names = adata.uns["ranked"]["names"].dtype.names
    assert names == tuple(g for g in adata.uns["tgt"]["groups"] if g != "Dendritic")
    assert adata.uns["ranked"]["params"]["reference"] == "Dendritic"
    frame = sc.get.rank_genes_groups_df(adata, "CD34+", key="ranked").set_index("names")
    basis = get.deltas(adata)
    expected = basis.loc["CD34+"] - basis.loc["Dendritic"]
    np.testing.assert_allclose(frame["scores"].loc[expected.index], expected, rtol=1e-5)


@pytest.mark.parametrize(
    "plot, n_groups",
    [("dotplot", 30), *((plot, 3) for plot in ("dotplot", "matrixplot", "stacked_violin", "heatmap", "tracksplot"))],
)
def test_scanpy_draws_it(plot, n_groups):
    adata = store_result(blobs(n_groups, n_genes=40, cells=4))
    rank_genes(adata)
    draw = getattr(sc.pl, f"rank_genes_groups_{plot}")
    listed = list(adata.uns["tgt"]["groups"][:1])  # genes of one group, shown in all: scanpy takes minutes for more
    draw(adata, n_genes=2, groups=listed, use_raw=False, dendrogram=False, show=False)
    assert plt.get_fignums()
    plt.close("all")


@pytest.mark.parametrize("n_groups", [3, 30])
def test_scanpy_plots_stored_values(n_groups):
    adata = store_result(blobs(n_groups, n_genes=40, cells=4))
    rank_genes(adata)
    for column in ("scores", "logfoldchanges"):
        axes = sc.pl.rank_genes_groups_dotplot(
            adata, n_genes=2, values_to_plot=column, use_raw=False, dendrogram=False, show=False
        )
        assert "mainplot_ax" in axes
    plt.close("all")


def test_scanpy_tools_read_it(adata):
    sc.tl.filter_rank_genes_groups(adata, min_fold_change=0.5, max_out_group_fraction=1.0, use_raw=False)
    kept = sc.get.rank_genes_groups_df(adata, None, key="rank_genes_groups_filtered")
    assert kept["names"].notna().any()
    overlap = sc.tl.marker_gene_overlap(adata, {"all": set(adata.var_names)}, top_n_markers=10)
    assert (overlap.loc["all"] == 10).all()


def test_written_and_read(adata, tmp_path):
    adata.write_h5ad(tmp_path / "a.h5ad")
    read = ad.read_h5ad(tmp_path / "a.h5ad")
    expected, got = (sc.get.rank_genes_groups_df(a, None) for a in (adata, read))
    assert got.astype({"names": object}).equals(expected.astype({"names": object}))


def test_genes_dropped_since_are_left_out():
    adata = store_result(blobs())[:, :9].copy()
    rank_genes(adata, sparsity=2)
    names = adata.uns["rank_genes_groups"]["names"]
    assert names.shape == (9,)
    assert set(names["CD34+"]) == set(adata.var_names)


def test_layer_is_recorded_if_there_is_one():
    adata = store_result(blobs())
    adata.layers["logged"] = adata.X.copy()
    adata.uns["tgt"]["params"]["layer"] = "logged"
    rank_genes(adata)
    assert adata.uns["rank_genes_groups"]["params"]["layer"] == "logged"


def test_negative_values_have_no_fold_change():
    adata = store_result(blobs())
    adata.uns["tgt"]["means"] -= 5
    rank_genes(adata)
    frame = sc.get.rank_genes_groups_df(adata, None)
    assert np.isfinite(frame["scores"]).all()
    assert not np.isinf(frame["logfoldchanges"]).any()


def test_copy_and_mistakes_leave_the_data_alone():
    adata = store_result(blobs())
    before = set(adata.uns)
    copy = rank_genes(adata, copy=True)
    assert "rank_genes_groups" in copy.uns
    with pytest.raises(ValueError, match="key_added='tgt' would overwrite"):
        rank_genes(adata, key_added="tgt")
    with pytest.raises(ValueError, match=r"reference='rest'.*found"):
        rank_genes(adata, reference="rest")
    other = adata.copy()
    other.var_names = [f"other{i}" for i in range(other.n_vars)]
    with pytest.raises(ValueError, match="none of the 30 genes"):
        rank_genes(other)
    assert set(adata.uns) == before
    assert set(other.uns) == before


def test_fold_changes_are_of_the_base_of_the_logarithm():
    adata = store_result(blobs())
    adata.uns["log1p"] = {"base": 2.0}
    rank_genes(adata)
    sc.tl.rank_genes_groups(adata, "cell_type", method="t-test", key_added="theirs", use_raw=False)
    for group in adata.obs["cell_type"].cat.categories:
        ours, theirs = (
            sc.get.rank_genes_groups_df(adata, group, key=key).set_index("names")["logfoldchanges"]
            for key in ("rank_genes_groups", "theirs")
        )
        np.testing.assert_allclose(ours, theirs.loc[ours.index], atol=1e-3)
    adata.uns["log1p"] = {}
    rank_genes(adata, key_added="natural")
    assert not np.allclose(
        adata.uns["natural"]["logfoldchanges"]["CD34+"], adata.uns["rank_genes_groups"]["logfoldchanges"]["CD34+"]
    )


def means(*rows):
    """An AnnData whose groups have these means, one row a group, one column a gene."""
    adata = store_result(blobs(len(rows), n_genes=len(rows[0])))
    adata.uns["tgt"]["means"] = np.array(rows, dtype=np.float32)
    rank_genes(adata)
    return adata.uns["rank_genes_groups"], adata.var_names


def test_markers_separate_from_the_worst_groups_and_housekeeping_comes_late():
    #            own   kin   high in all, a little higher here
    ranked, genes = means(
        [1.0, 1.0, 4.8],
        [0.0, 1.0, 4.2],
        [0.0, 0.0, 4.2],
        [0.0, 0.0, 4.2],
        [0.0, 0.0, 4.2],
    )
    first = ranked["names"].dtype.names[0]
    names = ranked["names"][first].tolist()
    assert [genes.get_loc(name) for name in names] == [0, 1, 2]
    a, b = 1.0, 0.0
    expected = (a - b) / np.sqrt(a + b + 0.1)
    np.testing.assert_allclose(ranked["scores"][first][0], expected, rtol=1e-5)
    np.testing.assert_allclose(ranked["scores"][first][1], (0 + expected) / 2, rtol=1e-5)


def test_no_gene_leads_the_lists_of_more_than_half_of_the_groups():
    rng = np.random.default_rng(0)
    ranked, _ = means(*rng.gamma(0.5, 2.0, size=(9, 40)))
    for gene in ranked["names"]["CD34+"]:
        positive = [ranked["scores"][g][ranked["names"][g] == gene][0] > 0 for g in ranked["names"].dtype.names]
        assert sum(positive) <= 5
