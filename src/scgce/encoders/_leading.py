"""Finding the linear map that a module starts with, and taking it off, with a numerical proof."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from ._layers import NO_OPS, flat_layers

TOLERANCE = 1e-5
"""Largest difference allowed between a module and its factorised form, relative to the largest output."""
FORWARD_ERRORS = (RuntimeError, TypeError, ValueError, AttributeError, IndexError, KeyError, NotImplementedError)
"""What a module's forward may raise when it is given something that it was not made for."""


class _Trace:
    """Follows the input through layers that leave it alone or scale it, up to the Linear that reads it."""

    def __init__(self, rows: torch.Tensor) -> None:
        self.current = rows
        self.scale = torch.ones(rows.shape[1])
        self.shift = torch.zeros(rows.shape[1])
        self.passed: list[nn.Module] = []
        self.linear: nn.Linear | None = None

    def __call__(self, layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if self.linear is not None or len(inputs) != 1 or not isinstance(output, torch.Tensor):
            return
        (given,) = inputs
        if not isinstance(given, torch.Tensor) or not _same(given, self.current, tolerance=0.0):
            return
        if isinstance(layer, nn.Linear):
            self.linear = layer
        elif isinstance(layer, nn.BatchNorm1d) and layer.running_mean is not None and layer.running_var is not None:
            self._absorb(layer, layer.running_mean, layer.running_var)
        elif not (isinstance(layer, (*NO_OPS, nn.Flatten)) and _same(output, given, tolerance=0.0)):
            return
        self.passed.append(layer)
        self.current = output

    def _absorb(self, norm: nn.BatchNorm1d, mean: torch.Tensor, variance: torch.Tensor) -> None:
        factor = torch.rsqrt(variance + norm.eps) * (1.0 if norm.weight is None else norm.weight)
        offset = -mean * factor + (0.0 if norm.bias is None else norm.bias)
        self.scale, self.shift = self.scale * factor, self.shift * factor + offset


def split_leading(module: nn.Module, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, nn.Module] | None:
    """Write module(x) as tail(x @ W + b), if that is what it computes.

    The Linear that reads the input is found by watching a forward pass, so it may sit anywhere in the module; it
    is then replaced by the identity and the result compared with the module on all rows.

    Parameters
    ----------
    module
        In evaluation mode; not changed.
    rows
        Test rows (·, d); rows on which the module returns NaN must be NaN in the factorised form, too.

    Returns
    -------
    W (d, h), b (h,) and the tail, or None if the module does not start with a linear map.
    """
    with torch.no_grad():
        trace = _watch(module, rows)
        if trace.linear is None:
            return None
        weight = trace.linear.weight.detach()
        bias = torch.zeros(weight.shape[0]) if trace.linear.bias is None else trace.linear.bias.detach()
        W = (trace.scale[:, None] * weight.T).contiguous()
        b = bias + weight @ trace.shift
        tail = _without(module, trace.passed)
        hidden = rows @ W + b
        found = attempt(tail, hidden)
        if found is None or not _same(found, module(rows)):
            return None
        return W, b, simplify(tail, hidden)


def simplify(module: nn.Module, rows: torch.Tensor) -> nn.Module:
    """The plainest module that computes the same on the rows: shells around a Sequential are taken off."""
    wanted = attempt(module, rows)
    while wanted is not None and type(module) not in (nn.Sequential, nn.Identity):
        for candidate in _inner(module):
            found = attempt(candidate, rows)
            if found is not None and _same(found, wanted):
                module = candidate
                break
        else:
            break
    layers = flat_layers(module)
    return layers[0] if len(layers) == 1 else nn.Sequential(*layers) if layers else nn.Identity()


def attempt(module: nn.Module, rows: torch.Tensor) -> torch.Tensor | None:
    """module(rows), or None if it fails or returns no tensor."""
    try:
        with torch.no_grad():
            output = module(rows)
    except FORWARD_ERRORS:
        return None
    return output if isinstance(output, torch.Tensor) else None


def _watch(module: nn.Module, rows: torch.Tensor) -> _Trace:
    trace = _Trace(rows)
    leaves = [layer for layer in module.modules() if isinstance(layer, nn.Linear) or not any(layer.children())]
    hooks = [layer.register_forward_hook(trace) for layer in leaves]
    try:
        module(rows)
    finally:
        for hook in hooks:
            hook.remove()
    return trace


def _without(module: nn.Module, passed: list[nn.Module]) -> nn.Module:
    """A copy of the module in which the layers passed are identities, wherever they are registered."""
    if module in passed:
        return nn.Identity()
    # A memo that already knows the layers makes deepcopy put identities in their place.
    memo: dict[int, Any] = {id(layer): nn.Identity() for layer in passed}
    return copy.deepcopy(module, memo).eval()


def _inner(module: nn.Module) -> list[nn.Module]:
    """Simpler modules that might compute the same: none, each part, and all children in a row."""
    candidates: list[nn.Module] = [nn.Identity()]
    for part in module.modules():
        if isinstance(part, nn.ModuleList):
            candidates.append(nn.Sequential(*part))
        elif part is not module and not isinstance(part, nn.ModuleDict):
            candidates.append(part)
    children = [nn.Sequential(*child) if isinstance(child, nn.ModuleList) else child for child in module.children()]
    return [*candidates, nn.Sequential(*children)] if len(children) > 1 else candidates


def _same(a: torch.Tensor, b: torch.Tensor, tolerance: float = TOLERANCE) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if tolerance == 0.0:
        return torch.equal(torch.nan_to_num(a), torch.nan_to_num(b))
    finite = b[torch.isfinite(b)]
    scale = max(1.0, float(finite.abs().max())) if finite.numel() else 1.0
    return torch.allclose(a, b, rtol=0.0, atol=tolerance * scale, equal_nan=True)
