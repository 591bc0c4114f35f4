"""Plain networks run forwards and backwards without autograd, whose bookkeeping costs more than small matrices do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

_aten = torch.ops.aten
Backward = Callable[[Any, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]

ACTIVATIONS: dict[type[nn.Module], Backward] = {
    nn.ELU: lambda layer, above, _, out: _aten.elu_backward(above, layer.alpha, 1.0, 1.0, True, out),
    nn.GELU: lambda layer, above, x, _: _aten.gelu_backward(above, x, approximate=layer.approximate),
    nn.LeakyReLU: lambda layer, above, x, _: _aten.leaky_relu_backward(above, x, layer.negative_slope, False),
    nn.ReLU: lambda _, above, x, __: _aten.threshold_backward(above, x, 0.0),
    nn.Sigmoid: lambda _, above, __, out: _aten.sigmoid_backward(above, out),
    nn.SiLU: lambda _, above, x, __: _aten.silu_backward(above, x),
    nn.Softplus: lambda layer, above, x, _: _aten.softplus_backward(above, x, layer.beta, layer.threshold),
    nn.Tanh: lambda _, above, __, out: _aten.tanh_backward(above, out),
}
"""Activation → its gradient, of the module, the gradient above, the input and the output."""


@dataclass(frozen=True)
class Layers:
    """Linear layers and activations, in order."""

    modules: tuple[nn.Module, ...]

    @classmethod
    def of(cls, tail: object) -> Layers | None:
        """The layers of a sequence of linear layers and known activations in evaluation mode; ``None`` for others."""
        if not isinstance(tail, nn.Module) or any(_altered(module) for module in tail.modules()):
            return None
        modules = _flat(tail)
        plain = [module for module in modules if type(module) not in (nn.Identity, nn.Dropout)]
        return cls(tuple(plain)) if all(_known(module) for module in plain) else None

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The output (b, m) for ``x`` (b, h), and what `backward` needs."""
        seen = [x]
        for module in self.modules:
            # Not by calling the module: the bookkeeping of a call is what is saved here.
            seen.append(module.forward(seen[-1]))
        return seen[-1], seen

    def backward(self, gradient: torch.Tensor, seen: list[torch.Tensor]) -> torch.Tensor:
        """Gradient in the input (b, h) from that in the output (b, m)."""
        for place in range(len(self.modules) - 1, -1, -1):
            module = self.modules[place]
            if isinstance(module, nn.Linear):
                gradient = gradient @ module.weight
            else:
                gradient = ACTIVATIONS[type(module)](module, gradient, seen[place], seen[place + 1])
        return gradient


def _altered(module: nn.Module) -> bool:
    """Whether something else than the module's own class, in evaluation mode, decides what it does."""
    hooked = bool(module._forward_hooks or module._forward_pre_hooks)
    return module.training or hooked or "forward" in vars(module) or hasattr(module, "parametrizations")


def _known(module: nn.Module) -> bool:
    # An ELU of negative alpha cannot be undone from its output; one in place destroys its input.
    if isinstance(module, nn.ELU) and not module.alpha >= 0:
        return False
    return not getattr(module, "inplace", False) and (type(module) is nn.Linear or type(module) in ACTIVATIONS)


def _flat(tail: nn.Module) -> list[nn.Module]:
    """The modules of nested sequences, in order."""
    if type(tail) is not nn.Sequential:
        return [tail]
    return [module for part in tail for module in _flat(part)]
