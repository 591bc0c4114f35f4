"""The loop: it minimises, stops early at the best weights, and refuses a loss that is not a number."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from scgce.embedding.networks import initialise, mlp
from scgce.encoders._loop import Schedule, train


def _line() -> tuple[nn.Linear, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(200, 3, generator=generator)
    layer = nn.Linear(3, 1)
    initialise(layer, generator)
    return layer, X, X @ torch.tensor([[1.0], [-2.0], [0.5]]) + 0.25


def test_finds_the_least_squares_line():
    layer, X, y = _line()
    history = train(layer, lambda: {"error": ((layer(X) - y) ** 2).mean()}, Schedule(600, 0.05))
    np.testing.assert_allclose(layer.weight.detach().numpy(), [[1.0, -2.0, 0.5]], atol=1e-3)
    assert history["step"].tolist() == list(range(50, 601, 50))
    assert history["loss"][-1] < 1e-5 < history["loss"][0]
    np.testing.assert_allclose(history["loss"], history["error"])
    assert not layer.training


def test_rate_falls_to_a_hundredth():
    layer, X, y = _line()
    history = train(layer, lambda: {"error": ((layer(X) - y) ** 2).mean()}, Schedule(100, 0.05, check_every=10))
    assert (np.diff(history["learning_rate"]) < 0).all()
    assert history["learning_rate"][-1] == pytest.approx(0.0005)


def test_a_short_last_stretch_is_averaged_over_its_own_steps():
    layer = nn.Linear(1, 1)
    count = iter(range(1, 100))
    history = train(
        layer, lambda: {"number": layer.bias.sum() * 0 + float(next(count))}, Schedule(12, 0.1, check_every=10)
    )
    assert history["step"].tolist() == [10, 12]
    np.testing.assert_allclose(history["number"], [5.5, 11.5])


def test_early_stopping_returns_the_best_weights():
    layer, X, y = _line()
    seen: list[tuple[float, torch.Tensor]] = []
    losses = iter([3.0, 1.0, 2.0, 2.5, 0.1])

    def held_out() -> float:
        seen.append((next(losses), layer.weight.detach().clone()))
        return seen[-1][0]

    schedule = Schedule(500, 0.05, check_every=10, patience=2)
    history = train(layer, lambda: {"e": ((layer(X) - y) ** 2).mean()}, schedule, held_out_loss=held_out)
    assert history["held_out"].tolist() == [3.0, 1.0, 2.0, 2.5]
    assert torch.equal(layer.weight, min(seen, key=lambda pair: pair[0])[1])


def test_a_loss_that_is_not_a_number_stops_with_its_causes():
    layer, X, _ = _line()
    with pytest.raises(ValueError, match=r"loss of toy is not finite by step 50.*error.*scaled.*learning_rate=0.05"):
        train(layer, lambda: {"error": layer(X).mean() * math.nan}, Schedule(100, 0.05), name="toy")


def test_the_shape_of_a_stack():
    layers = mlp((5, 4, 2), nn.ELU)
    assert [type(layer).__name__ for layer in layers] == ["Linear", "ELU", "Linear"]
    assert [type(layer).__name__ for layer in mlp((5, 4), nn.ELU, active_end=True)] == ["Linear", "ELU"]


def test_initial_weights_follow_the_generator_alone():
    first, second = mlp((6, 5, 2), nn.ELU), mlp((6, 5, 2), nn.ELU)
    for net in (first, second):
        initialise(net, torch.Generator().manual_seed(3))
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
        assert float(a.detach().abs().max()) <= 1 / math.sqrt(5)
