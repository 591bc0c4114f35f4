"""Training a student: seeds, early stopping, divergence, and settings that are refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scgce.encoders import Training
from scgce.encoders._train import build_network, train_network

CPU = torch.device("cpu")


def data(n: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(0).normal(size=(n, 6)).astype(np.float32)
    return x, np.tanh(x[:, :2] @ np.array([[1, 0.5], [-0.5, 1]], dtype=np.float32))


def fit(how: Training, *, noise: float = 0.0, seed: int = 0, x=None, y=None):
    x, y = data() if x is None else (x, y)
    rows = np.arange(len(x))
    rng = np.random.default_rng(seed)
    return train_network(x, y, rows[100:], rows[:100], noise=noise, how=how, rng=rng, device=CPU)


def mse(network, x, y) -> float:
    with torch.no_grad():
        return float((network(torch.from_numpy(x)) - torch.from_numpy(y)).square().mean())


def test_learns_a_smooth_function():
    x, y = data()
    network = fit(Training(hidden=(64, 64), max_steps=400), noise=0.05)
    assert mse(network, x[:100], y[:100]) < 0.03 * y.var()
    assert not network.training and not any(parameter.requires_grad for parameter in network.parameters())


def test_same_seed_same_bytes_whatever_the_global_seed():
    how = Training(hidden=(8,), max_steps=60)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = fit(how, noise=0.3)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    again, other = fit(how, noise=0.3), fit(how, noise=0.3, seed=1)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not torch.equal(first[0].weight, other[0].weight)


def test_keeps_the_best_weights_on_the_watched_cells():
    """Pure noise: training on is worse than the start, so what is kept must not be worse than predicting the mean."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200, 20)).astype(np.float32), rng.normal(size=(200, 2)).astype(np.float32)
    network = fit(Training(hidden=(64,), max_steps=1500, weight_decay=0.0), x=x, y=y)
    assert mse(network, x[:100], y[:100]) < 1.3 * y[:100].var()


def test_noise_makes_the_network_flatter():
    def steepness(noise: float) -> float:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(300, 10)).astype(np.float32)
        y = np.sign(x[:, :1]) + 0.3 * rng.normal(size=(300, 1)).astype(np.float32)
        network = fit(Training(hidden=(32,), max_steps=400), noise=noise, x=x, y=y.astype(np.float32))
        points = torch.from_numpy(x[:100]).requires_grad_(True)
        (gradient,) = torch.autograd.grad(network(points).sum(), points)
        return float(gradient.norm(dim=1).mean())

    assert steepness(1.0) < 0.7 * steepness(0.0)


def test_network_is_linear_layers_and_smooth_activations():
    network = build_network([5, 7, 3, 2], torch.Generator().manual_seed(0))
    assert [type(layer).__name__ for layer in network] == ["Linear", "SiLU", "Linear", "SiLU", "Linear"]
    assert network[-1].weight.abs().max() < 1


def test_divergence_names_likely_causes():
    x, y = data()
    with pytest.raises(ValueError, match="loss of the student is not finite.*learning_rate"):
        fit(Training(hidden=(8,), max_steps=100), x=x * np.float32(1e30), y=y)


def test_number_of_steps_grows_with_the_cells_to_a_bound():
    assert [Training().steps(n) for n in (150, 15_000, 10**7)] == [605, 1100, 3000]
    assert Training(max_steps=7).steps(10**6) == 7


def test_noise_depends_on_the_dimensions_unless_given():
    assert [Training().noise_for(m) for m in (2, 3, 10)] == [1.0, 1.0, 0.25]
    assert Training(noise=0.0).noise_for(2) == 0.0


@pytest.mark.parametrize(
    "setting, message",
    [
        ({"hidden": ()}, r"hidden=\(\)"),
        ({"hidden": (8, 0)}, "positive width"),
        ({"noise": -1.0}, "noise=-1.0"),
        ({"weight_decay": float("nan")}, "weight_decay=nan"),
        ({"learning_rate": 0.0}, "learning_rate=0.0"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"max_steps": 0}, "max_steps=0"),
    ],
)
def test_settings_are_checked(setting, message):
    with pytest.raises(ValueError, match=message):
        Training(**setting)
