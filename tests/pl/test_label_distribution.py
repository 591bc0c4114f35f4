"""Labels per group."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests._results import blobs
from tests.pl._legible import assert_legible

from scgce import pl
from scgce.pl._label_distribution import label_distribution_data


@pytest.fixture
def adata():
    adata = blobs(3)
    rng = np.random.default_rng(0)
    adata.obs["risk"] = rng.choice(["no", "yes", "unknown/other"], adata.n_obs)
    adata.obs["price"] = rng.gamma(2.0, 10.0, adata.n_obs)
    adata.obs["sick"] = rng.random(adata.n_obs) > 0.5
    return adata


def test_counts_and_shares(adata):
    frame = label_distribution_data(adata, "cell_type", "risk")
    counts = pd.crosstab(adata.obs["cell_type"], adata.obs["risk"])
    for record in frame.to_dict("records"):
        count = counts.loc[record["group"], record["label"]]
        assert record["count"] == count
        assert record["share"] == pytest.approx(count / counts.loc[record["group"]].sum())
    assert frame.groupby("group")["share"].sum().to_numpy() == pytest.approx(1)
    assert len(frame) == 9


def test_cells_without_group_or_label_do_not_count(adata):
    adata.obs["risk"] = adata.obs["risk"].where(np.arange(adata.n_obs) > 9)
    adata.obs["cell_type"] = adata.obs["cell_type"].where(np.arange(adata.n_obs) < adata.n_obs - 5)
    frame = label_distribution_data(adata, "cell_type", "risk")
    assert frame["count"].sum() == adata.n_obs - 15


def test_bars_and_their_numbers(adata):
    ax = pl.label_distribution(adata, "cell_type", "risk")
    frame = label_distribution_data(adata, "cell_type", "risk")
    assert sorted(bar.get_width() for bar in ax.patches) == pytest.approx(sorted(frame["share"]))
    assert sorted(text.get_text() for text in ax.texts) == sorted(frame["count"].astype(str))


def test_booleans_are_labels(adata):
    assert set(label_distribution_data(adata, "cell_type", "sick")["label"]) == {"False", "True"}


def test_numbers_become_boxes(adata):
    adata.obs.loc[adata.obs_names[0], "price"] = np.nan
    frame = label_distribution_data(adata, "cell_type", "price")
    assert list(frame.columns) == ["group", "value"]
    assert len(frame) == adata.n_obs - 1
    figure = pl.label_distribution(adata, "cell_type", "price", return_fig=True)
    assert_legible(figure)
    medians = frame.groupby("group", observed=True)["value"].median()
    drawn = {round(float(line.get_xdata()[0]), 6) for line in figure.axes[0].lines}
    assert {round(value, 6) for value in medians} <= drawn


def test_mistakes(adata):
    with pytest.raises(KeyError, match="label='rsk'.*mean 'risk'"):
        pl.label_distribution(adata, "cell_type", "rsk")
    with pytest.raises(KeyError, match="groupby='x'"):
        pl.label_distribution(adata, "x", "risk")
