"""Layers run without autograd give what autograd gives."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from scgce.core.solve.layers import ACTIVATIONS, Layers
from scgce.core.solve.problem import Problem


def network(activation: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    inner = nn.Sequential(nn.Linear(6, 4), activation, nn.Dropout(0.5))
    return nn.Sequential(activation, nn.Linear(5, 6), nn.Identity(), inner, nn.Linear(4, 2, bias=False)).double().eval()


@pytest.mark.parametrize(
    "activation",
    [kind() for kind in ACTIVATIONS] + [nn.ELU(0.3), nn.GELU("tanh"), nn.LeakyReLU(0.2), nn.Softplus(2.0, 1.0)],
    ids=str,
)
def test_forwards_and_backwards_as_autograd(activation: nn.Module) -> None:
    tail = network(activation).requires_grad_(False)
    layers = Layers.of(tail)
    assert layers is not None
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(7, 5, generator=generator, dtype=torch.float64).requires_grad_(True)
    above = torch.randn(7, 2, generator=generator, dtype=torch.float64)
    expected = tail(x)
    (gradient,) = torch.autograd.grad(expected, x, above)
    with torch.no_grad():
        found, seen = layers.forward(x)
        torch.testing.assert_close(layers.backward(above, seen), gradient, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(found, expected.detach(), rtol=1e-14, atol=0.0)


@pytest.mark.parametrize(
    "tail",
    [torch.sin, nn.LayerNorm(2).eval(), nn.Sequential(nn.Linear(2, 2), nn.Mish()).eval(), nn.ELU(-1.0), nn.ReLU(True)],
    ids=["function", "module", "sequence", "falling ELU", "in place"],
)
def test_others_are_left_to_autograd(tail) -> None:
    assert Layers.of(tail.eval() if isinstance(tail, nn.Module) else tail) is None


@pytest.mark.parametrize("place", [1, 2, 3, None], ids=["layer", "identity", "inner sequence", "whole"])
def test_a_hooked_module_is_left_to_autograd(place: int | None) -> None:
    tail = network(nn.ELU())
    hooked = tail if place is None else tail[place]
    hooked.register_forward_hook(lambda module, inputs, out: out + 1)
    assert Layers.of(tail) is None


def test_a_replaced_forward_is_left_to_autograd() -> None:
    tail = network(nn.ELU())
    tail[1].forward = torch.sin
    assert Layers.of(tail) is None


def test_a_network_in_training_is_left_to_autograd() -> None:
    assert Layers.of(network(nn.ELU()).train()) is None


def test_a_subclass_may_do_anything_and_is_left_to_autograd() -> None:
    class Odd(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x).sin()

    assert Layers.of(nn.Sequential(Odd(2, 2)).eval()) is None


@pytest.mark.parametrize("block", [2**22, 3 * 5])
def test_the_objective_is_the_same_either_way(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scgce.core.solve.problem.MAX_GRID", block)
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    start, targets, W, hidden = draw(3, 5), draw(3, 2), draw(9, 5), draw(3, 5)
    tail = network(nn.Tanh()).requires_grad_(False)
    fast, slow = Problem(start, targets, W, tail), Problem(start, targets, W, lambda x: tail(x))
    assert fast.layers is not None and slow.layers is None
    assert fast.value(hidden) == pytest.approx(slow.value(hidden), rel=1e-13)
    for one, other in zip(fast.value_and_gradient(hidden), slow.value_and_gradient(hidden), strict=True):
        torch.testing.assert_close(torch.as_tensor(one), torch.as_tensor(other), rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(fast.residuals(hidden), slow.residuals(hidden), rtol=1e-12, atol=1e-14)
