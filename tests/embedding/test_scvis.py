"""scvis: the loss is the sum it says, the map follows the seed, keeps groups apart and places unseen cells."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scgce.embedding.batches import Rows
from scgce.embedding.networks import Scvis, initialise
from scgce.embedding.scvis import ScvisFit, ScvisLoss, fit_scvis
from scgce.embedding.warm import Init
from scgce.encoders._loop import Schedule

CPU = torch.device("cpu")
QUICK = Schedule(150, 0.01, 1e-3)
BRIEF = Schedule(20, 0.01, 1e-3)


def _cells(seed: int = 0, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, n)
    centres = np.random.default_rng(9).normal(scale=4, size=(4, 6))
    return (centres[codes] + rng.normal(size=(n, 6))).astype(np.float32), codes


def _fit(
    X: np.ndarray, seed: int = 0, schedule: Schedule = QUICK, held_out: float = 0.0, m: int = 2, init: Init = "pca"
) -> ScvisFit:
    loss = ScvisLoss(warm_up=50)
    rng = np.random.default_rng(seed)
    return fit_scvis(Rows(X, CPU), m, loss, schedule, batch_size=128, held_out=held_out, rng=rng, init=init)


def _positions(fit: ScvisFit, X: np.ndarray, scale: float) -> np.ndarray:
    with torch.no_grad():
        return fit.mean_network()(torch.from_numpy(X) / scale).numpy()


def _neighbours_agree(Z: np.ndarray, codes: np.ndarray, Z_ref: np.ndarray, codes_ref: np.ndarray) -> float:
    distances = ((Z[:, None] - Z_ref[None]) ** 2).sum(axis=-1)
    nearest = distances.argsort(axis=1)[:, 1:16]
    return float((codes_ref[nearest] == codes[:, None]).mean())


def test_groups_are_apart_and_unseen_cells_fall_on_them():
    X, codes = _cells()
    scale = float(np.abs(X).max())
    fit = _fit(X)
    Z = _positions(fit, X, scale)
    new, new_codes = _cells(1)
    inside = _neighbours_agree(Z, codes, Z, codes)
    assert inside > 0.9
    assert _neighbours_agree(_positions(fit, new, scale), new_codes, Z, codes) > inside - 0.05


def test_loss_falls():
    schedule = Schedule(200, 0.01, 1e-3, check_every=5)
    history, warm = (_fit(_cells()[0], schedule=schedule, init=init).history for init in ("random", "pca"))
    assert history["neighbours"][-5:].mean() < 0.8 * history["neighbours"][0]
    assert warm["neighbours"][-5:].mean() < warm["neighbours"][0] < 0.9 * history["neighbours"][0]
    np.testing.assert_allclose(
        history["loss"], history["neighbours"] + history["likelihood"] + history["prior"], rtol=1e-6
    )


def test_same_seed_same_bytes():
    X, _ = _cells()
    first, second, other = (_fit(X, seed, BRIEF) for seed in (3, 3, 4))
    for a, b in zip(first.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first.network.mean.weight, other.network.mean.weight)


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    _fit(_cells()[0], schedule=BRIEF)
    assert torch.equal(torch.get_rng_state(), before)


def test_warm_up_scales_the_evidence_bound_only():
    X = torch.from_numpy(_cells(n=40)[0]) / 10
    network, noise = Scvis(6, 2), torch.zeros(40, 2)
    initialise(network, torch.Generator().manual_seed(0))
    loss = ScvisLoss(warm_up=100)
    half, full = loss.terms(network, X, 50, noise), loss.terms(network, X, 1000, noise)
    assert torch.equal(half["neighbours"], full["neighbours"])
    for term in ("likelihood", "prior"):
        torch.testing.assert_close(2 * half[term], full[term])


@pytest.mark.parametrize("m", [1, 3])
def test_other_numbers_of_dimensions(m: int):
    X, _ = _cells()
    assert _positions(_fit(X, schedule=BRIEF, m=m), X, 1.0).shape == (400, m)


def test_early_stopping_watches_cells_held_out():
    X, _ = _cells()
    history = _fit(X, schedule=Schedule(2000, 0.01, 1e-3, check_every=10, patience=3), held_out=0.2).history
    assert len(history["held_out"]) == len(history["step"])
    assert history["step"][-1] < 2000
    assert history["held_out"].argmin() == len(history["step"]) - 4


def test_outlying_cells_have_a_low_likelihood():
    X, _ = _cells()
    X[0] = 3 * X.max()  # far off, and alone
    fit = _fit(X)
    likelihood, variance = fit.per_cell(Rows(X, CPU))
    assert likelihood.shape == (400,)
    assert variance.shape == (400, 2)
    assert likelihood[0] < np.quantile(likelihood, 0.02)
    assert (variance > 0).all()


def test_weights_are_held_small_by_the_penalty():
    X, _ = _cells()
    free, held = (_fit(X, schedule=Schedule(60, 0.01, decay)).network.body[0].weight for decay in (0.0, 3.0))
    assert float(held.detach().square().sum()) < 0.5 * float(free.detach().square().sum())
