"""Parts of a translation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from tests._results import NAMES, blobs, store_result

from scgce import get, pl
from scgce.encoders import encoder_from_uns
from scgce.pl._dose import dose_data

A, B = NAMES[0], NAMES[1]


@pytest.fixture
def adata():
    adata = store_result(blobs())
    adata.uns["tgt"]["epsilon"] = 1.0
    return adata


def by_hand(adata, dose, rows):
    encoder = encoder_from_uns(adata.uns["tgt"]["encoder"])
    delta = get.explanation(adata, A, B).set_index("gene")["delta"].reindex(adata.var_names).fillna(0).to_numpy()
    X, labels = adata.X.toarray()[rows], adata.obs["cell_type"].to_numpy()[rows]
    moved = encoder((X[labels == A] + dose * delta).astype(np.float32))
    near = cdist(moved, encoder(X[labels == B])) <= 1.0
    stays = (cdist(moved, encoder(X[labels == A])) <= 1.0).any(axis=1)
    return near.any(axis=1).mean(), near.any(axis=0).mean(), 1 - stays.mean()


@pytest.mark.parametrize("split", [True, False])
def test_scores_of_each_dose(adata, split):
    rows = np.ones(adata.n_obs, bool)
    if split:
        rows = adata.uns["tgt"]["split"] == 2
    else:
        adata.uns["tgt"]["split"] = np.zeros(adata.n_obs, np.int8)
    frame = dose_data(adata, A, B, doses=(0, 0.5, 1, 1.5))
    assert list(frame.columns) == ["dose", "correctness", "coverage", "left"]
    for record in frame.itertuples(index=False):
        assert tuple(record)[1:] == pytest.approx(by_hand(adata, record.dose, rows))
    assert frame["left"][0] == 0


def test_lines(adata):
    ax = pl.dose(adata, A, B, doses=(0, 1))
    frame = dose_data(adata, A, B, doses=(0, 1))
    drawn = [np.asarray(line.get_ydata()).tolist() for line in ax.lines]
    for name in ("correctness", "coverage", "left"):
        assert frame[name].tolist() in drawn


def test_without_an_encoder(adata):
    adata.uns["tgt"]["encoder"] = {"stored": False, "format": 1, "name": "mine"}
    with pytest.raises(ValueError, match="encoder is needed.*mine"):
        pl.dose(adata, A, B)
