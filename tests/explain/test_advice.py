"""What `tl.tgt` says of its result: the mean scores, and a warning where bounded amounts explain little."""

from __future__ import annotations

import logging

import anndata as ad
import numpy as np
import pytest

import scgce
from scgce._api.warn import QualityWarning

QUICK = {"use_rep": "X_pca", "judges": False, "method": "path"}


def said(caplog: pytest.LogCaptureFixture, adata: ad.AnnData, **options: object) -> tuple[str, str]:
    """Level and text of the record with the mean scores; a slow machine says after it how long the call took."""
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="scgce"):
        scgce.tl.tgt(adata, "group", **(QUICK | options))
    (record,) = [one for one in caplog.records if " a pair: " in one.getMessage()]
    return record.levelname, record.getMessage()


def means(adata: ad.AnnData) -> tuple[float, float]:
    table = scgce.get.metrics(adata)
    return table["correctness"].mean(), table["coverage"].mean()


def test_mean_scores_are_logged(blobs: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
    level, text = said(caplog, blobs, sparsity=[5, 20], amplitude=3.0)
    correctness, coverage = means(blobs)
    assert min(correctness, coverage) >= 0.5
    k = blobs.uns["tgt"]["params"]["sparsity_selected"]
    assert level == "INFO"
    assert text.startswith(f"{k} genes a pair: correctness {correctness:.2f}, coverage {coverage:.2f}")


def test_weak_bounded_explanations_are_warned_about(blobs: ad.AnnData) -> None:
    with pytest.warns(QualityWarning, match="few cells arrive") as caught:
        scgce.tl.tgt(blobs, "group", **(QUICK | {"sparsity": 1, "amplitude": 0.1}))
    correctness, coverage = means(blobs)
    assert min(correctness, coverage) < 0.5
    (text,) = {str(one.message) for one in caught if "few cells arrive" in str(one.message)}
    for part in ("with 1 gene a pair", "amplitude=0.1", f"correctness {correctness:.2f}", f"coverage {coverage:.2f}"):
        assert part in text


def test_no_wider_amplitude_is_advised_where_there_is_none(blobs: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
    level, text = said(caplog, blobs, sparsity=1, amplitude=None, gene_costs=np.r_[1.0, np.full(59, np.inf)])
    assert min(means(blobs)) < 0.5
    assert level == "INFO"
    assert "amplitude" not in text
