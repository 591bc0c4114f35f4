"""The loss of an embedding."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pytest

from scgce import pl
from scgce.pl._training import training_data


@pytest.fixture
def adata():
    adata = ad.AnnData(np.zeros((2, 2), np.float32))
    steps = np.array([50.0, 100.0, 150.0])
    history = {
        "step": steps,
        "learning_rate": steps / 1e4,
        "loss": 9 / steps,
        "kl": 8 / steps,
        "tsne": 1 / steps,
    }
    adata.uns["X_scvis"] = {"history": history, "params": {}}
    return adata


def test_terms_against_steps(adata):
    frame = training_data(adata, "X_scvis")
    assert set(frame["term"]) == {"loss", "kl", "tsne"}
    for term, part in frame.groupby("term"):
        np.testing.assert_array_equal(part["step"], [50, 100, 150])
        np.testing.assert_array_equal(part["value"], adata.uns["X_scvis"]["history"][term])


def test_terms_keep_their_colours_whatever_order_a_file_gave_them(adata):
    labels = [line.get_label() for line in pl.training(adata, "X_scvis").lines]
    history = adata.uns["X_scvis"]["history"]
    adata.uns["X_scvis"]["history"] = {name: history[name] for name in sorted(history, reverse=True)}
    assert [line.get_label() for line in pl.training(adata, "X_scvis").lines] == labels == ["loss", "kl", "tsne"]


def test_an_empty_history_is_said_so(adata):
    adata.uns["X_scvis"]["history"] = {}
    with pytest.raises(ValueError, match="key='X_scvis': its history is empty"):
        pl.training(adata, "X_scvis")


def test_a_history_without_steps(adata):
    del adata.uns["X_scvis"]["history"]["step"]
    assert training_data(adata, "X_scvis")["step"].max() == 3


def test_lines_and_scale(adata):
    ax = pl.training(adata, "X_scvis")
    assert len(ax.lines) == 3
    assert ax.get_yscale() == "log"
    adata.uns["X_scvis"]["history"]["tsne"] -= 1
    assert pl.training(adata, "X_scvis").get_yscale() == "linear"


def test_one_step_is_a_point(adata):
    history = adata.uns["X_scvis"]["history"]
    adata.uns["X_scvis"]["history"] = {name: values[:1] for name, values in history.items()}
    assert all(line.get_marker() == "o" for line in pl.training(adata, "X_scvis").lines)


def test_what_was_trained_is_named(adata):
    with pytest.raises(KeyError, match="key='scvis'.*found: X_scvis"):
        pl.training(adata, "scvis")
