"""Estimated gradients, against autograd of the same function."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scgce.encoders._spsa import FunctionModule

D = 7
A = np.random.default_rng(1).normal(size=(D, 3))


def quadratic(rows: np.ndarray) -> np.ndarray:
    return rows @ A + (rows**2) @ A[::-1]


def exact_gradient(x: torch.Tensor, upstream: torch.Tensor) -> torch.Tensor:
    x = x.detach().requires_grad_(True)
    weights = torch.tensor(A).to(x)
    (gradient,) = torch.autograd.grad(x @ weights + x**2 @ weights.flip(0), x, upstream)
    return gradient


def estimated(module: FunctionModule, x: torch.Tensor, upstream: torch.Tensor) -> torch.Tensor:
    x = x.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(module(x), x, upstream)
    return gradient


def points(n: int = 5, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(n, width, generator=generator, dtype=torch.float64) for width in (D, 3))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), size=st.floats(0.01, 0.5))
def test_central_differences_are_exact_for_quadratics(seed, size):
    x, upstream = points(seed=seed)
    steps = size * np.linspace(0.5, 2, D)
    found = estimated(FunctionModule(quadratic, steps), x, upstream)
    torch.testing.assert_close(found, exact_gradient(x, upstream), rtol=1e-3, atol=2e-3)


def test_value_is_the_function():
    x, _ = points()
    module = FunctionModule(quadratic, np.ones(D))
    np.testing.assert_allclose(module(x).numpy(), quadratic(x.numpy()), rtol=1e-5, atol=1e-5)
    assert module(x).dtype == torch.float64 and module(x.float()).dtype == torch.float32


def test_perturbations_are_unbiased():
    """The mean over many independent sets of random directions is the gradient (Spall 1998)."""
    x, upstream = points(2)
    wanted = exact_gradient(x, upstream)
    draws = torch.stack(
        [
            estimated(FunctionModule(quadratic, np.full(D, 0.05), n_directions=3, rng=seed), x, upstream)
            for seed in range(600)
        ]
    )
    error = (draws.mean(dim=0) - wanted).abs()
    assert (error < 4 * draws.std(dim=0) / 600**0.5 + 1e-3).all()
    assert draws.std(dim=0).max() > 0.1


def test_same_input_same_gradient():
    x, upstream = points()
    module = FunctionModule(quadratic, np.ones(D), n_directions=2, rng=4)
    assert torch.equal(estimated(module, x, upstream), estimated(copy.deepcopy(module), x, upstream))


def test_blocks_of_directions_do_not_change_the_gradient(monkeypatch):
    x, upstream = points()
    module = FunctionModule(quadratic, np.ones(D))
    whole = estimated(module, x, upstream)
    monkeypatch.setattr("scgce.encoders._spsa._ROWS_A_CALL", 30)
    calls = []
    module.shared.function = lambda rows: calls.append(len(rows)) or quadratic(rows)
    torch.testing.assert_close(estimated(module, x, upstream), whole)
    assert max(calls) <= 30


def test_gradient_of_steps_between_plateaus_sees_the_slope():
    """A staircase has derivative zero almost everywhere; differences over a few stairs see its slope."""
    module = FunctionModule(lambda rows: np.round(rows * 10) / 10, np.full(2, 1.0))
    found = estimated(module, torch.full((1, 2), 0.33), torch.ones(1, 2))
    torch.testing.assert_close(found, torch.ones(1, 2), atol=0.1, rtol=0)


def test_copies_share_the_function():
    module = FunctionModule(quadratic, np.ones(D))
    assert copy.deepcopy(module).shared is module.shared


@pytest.mark.parametrize(
    "steps, directions, message",
    [
        (np.zeros(D), None, "steps"),
        (np.full(D, np.nan), None, "steps"),
        (np.ones(D), 0, "n_directions=0"),
        (np.ones(D), 8, "n_directions=8"),
    ],
)
def test_settings_are_checked(steps, directions, message):
    with pytest.raises(ValueError, match=message):
        FunctionModule(quadratic, steps, n_directions=directions)
