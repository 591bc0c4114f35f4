"""The autoencoder reconstructs as well as the best linear map of the same width, and stops in time."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from scgce.embedding.autoencoder import fit_autoencoder
from scgce.embedding.batches import Rows
from scgce.encoders._loop import Schedule

CPU = torch.device("cpu")


def _plane(n: int = 400) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.normal(size=(n, 2)) @ rng.normal(size=(2, 10)) + 0.05 * rng.normal(size=(n, 10))).astype(np.float32)


def _fit(X: np.ndarray, steps: int = 800, held_out: float = 0.0, patience: int = 0, m: int = 2):
    schedule = Schedule(steps, 2e-3, check_every=20, patience=patience)
    rows, rng = Rows(X, CPU, unit="rms"), np.random.default_rng(0)
    return fit_autoencoder(rows, m, schedule, batch_size=64, held_out=held_out, rng=rng)


def test_a_plane_is_found_again():
    X = _plane()
    fit = _fit(X)
    assert fit.history["reconstruction"][-1] < 0.02  # of a mean square of 1; one dimension less leaves over 0.2
    assert _fit(X, m=1).history["reconstruction"][-1] > 0.1
    with torch.no_grad():
        Z = fit.network(torch.from_numpy(X)).numpy()
    wanted = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[0][:, :2]
    design = np.column_stack([Z, Z**2, np.ones(len(Z))])
    residual = wanted - design @ np.linalg.lstsq(design, wanted, rcond=None)[0]
    assert 1 - residual.var() / wanted.var() > 0.95  # the two coordinates can be read off the map


def test_the_network_is_the_one_of_the_paper():
    layers = _fit(_plane(), steps=2).network
    assert [layer.out_features for layer in layers if isinstance(layer, nn.Linear)] == [100, 100, 2]
    assert sum(isinstance(layer, nn.LeakyReLU) for layer in layers) == 2


def test_stops_when_held_out_cells_gain_nothing():
    noise = np.random.default_rng(1).normal(size=(120, 30)).astype(np.float32)
    history = _fit(noise, steps=4000, held_out=0.3, patience=4).history
    assert history["step"][-1] < 4000
    assert history["held_out"].argmin() == len(history["step"]) - 5
