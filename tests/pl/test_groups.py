"""The map with its groups."""

from __future__ import annotations

import time

import anndata as ad
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from matplotlib.colors import to_hex
from tests._results import blobs, group_names, store_result
from tests.pl._legible import assert_legible, drawn_texts

from scgce import pl
from scgce.pl._groups import groups_data
from scgce.pl._map import cell_map
from scgce.pl._style import default_palette, group_colors


def words(figure):
    return {text.replace("\n", " ") for text, _ in drawn_texts(figure)}


@pytest.mark.parametrize("labels", ["auto", "legend"])
@pytest.mark.parametrize("n_groups", [3, 9, 30])
def test_every_group_is_named_and_legible(n_groups, labels):
    adata = blobs(n_groups, n_genes=40, cells=5)
    figure = pl.groups(adata, "cell_type", labels=labels, return_fig=True)
    assert_legible(figure)
    found = " ".join(words(figure)).replace("+ ", "+").replace("/ ", "/").replace("- ", "-")
    for name in group_names(n_groups):
        assert name.replace("+ ", "+").replace("/ ", "/").replace("- ", "-") in found


def test_data_are_the_map_and_the_groups():
    adata = blobs()
    adata.obs["cell_type"] = adata.obs["cell_type"].where(np.arange(adata.n_obs) > 4)
    frame = groups_data(adata, "cell_type", cell_map(adata, basis="umap"))
    np.testing.assert_array_equal(frame[["x", "y"]], adata.obsm["X_umap"])
    assert frame["group"].isna().sum() == 5
    assert frame["cell"].tolist() == adata.obs_names.tolist()


def test_groupby_comes_from_the_explanation():
    adata = store_result(blobs())
    assert pl.groups(adata).get_title() == "cell_type"
    with pytest.raises(KeyError, match="key='tgt'"):
        pl.groups(blobs())
    with pytest.raises(KeyError, match="groupby='leiden'"):
        pl.groups(adata, "leiden")


def test_colours_are_those_of_scanpy():
    adata = blobs(3)
    names = group_names(3)
    adata.uns["cell_type_colors"] = ["#ff0000", "#00ff00", "#0000ff"]
    assert group_colors(adata, "cell_type", names[::-1]) == dict(zip(names, adata.uns["cell_type_colors"], strict=True))
    ax = pl.groups(adata, "cell_type", labels=None)
    colors = {to_hex(color) for color in ax.collections[0].get_facecolors()}
    assert colors == set(adata.uns["cell_type_colors"])
    for unusable in (["#ff0000"], ["#ff0000", "", "#0000ff"], np.array(["#ff0000", "nan", "#0000ff"])):
        adata.uns["cell_type_colors"] = unusable
        assert group_colors(adata, "cell_type", names) == dict(zip(names, default_palette(3), strict=True))


@pytest.mark.parametrize(("count", "distinct"), [(10, 10), (20, 20), (28, 28), (102, 102), (103, 1)])
def test_default_palettes(count, distinct):
    assert len(default_palette(count)) == count
    assert len(set(default_palette(count))) == distinct


def test_axes_show_and_figure(monkeypatch):
    adata = blobs(3)
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(True))
    figure, ax = plt.subplots()
    assert pl.groups(adata, "cell_type", ax=ax) is ax
    assert pl.groups(adata, "cell_type", ax=ax, return_fig=True) is figure
    assert not shown
    pl.groups(adata, "cell_type", ax=ax, show=True)
    assert len(shown) == 1


def test_a_hundred_thousand_cells_are_rasterised_in_seconds(tmp_path):
    rng = np.random.default_rng(0)
    n = 120_000
    obs = pd.DataFrame(
        {"g": pd.Categorical.from_codes(rng.integers(0, 9, n), group_names(9))}, index=np.arange(n).astype(str)
    )
    adata = ad.AnnData(sp.csr_matrix((n, 1)), obs=obs, obsm={"X_umap": rng.standard_normal((n, 2))})
    start = time.process_time()  # whatever else the machine does
    pl.groups(adata, "g", return_fig=True).savefig(tmp_path / "map.pdf")
    assert time.process_time() - start < 10
    assert (tmp_path / "map.pdf").stat().st_size < 1_500_000
