"""Layers that can be written down as a line of text and a few arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

ACTIVATIONS: dict[str, tuple[str, ...]] = {
    "ReLU": (),
    "ReLU6": (),
    "LeakyReLU": ("negative_slope",),
    "ELU": ("alpha",),
    "CELU": ("alpha",),
    "SELU": (),
    "GELU": ("approximate",),
    "SiLU": (),
    "Mish": (),
    "Tanh": (),
    "Sigmoid": (),
    "Softplus": ("beta", "threshold"),
    "Softsign": (),
    "Hardtanh": ("min_val", "max_val"),
    "Hardswish": (),
}
"""Activations and the attributes that define each."""
NO_OPS = (nn.Identity, nn.Dropout, nn.AlphaDropout, nn.FeatureAlphaDropout)
"""Layers that do nothing in evaluation mode."""
_LINE = re.compile(r"(\w+)\(([^()]*)\)")


def flat_layers(module: nn.Module) -> list[nn.Module]:
    """Layers of nested ``Sequential`` modules in order, without those that do nothing in evaluation mode."""
    if type(module) is nn.Sequential and not _hooked(module):
        return [layer for child in module for layer in flat_layers(child)]
    return [] if type(module) in NO_OPS and not _hooked(module) else [module]


def is_known(layer: nn.Module) -> bool:
    """Whether the layer can be written down: exactly of a known type (a subclass may compute anything)."""
    if _hooked(layer):
        return False
    if type(layer) is nn.BatchNorm1d:
        return layer.running_mean is not None
    if type(layer) is nn.LayerNorm:
        return len(layer.normalized_shape) == 1
    name = type(layer).__name__
    return type(layer) in (nn.Linear, nn.PReLU) or (name in ACTIVATIONS and type(layer) is getattr(nn, name))


def describe(layer: nn.Module) -> tuple[str, dict[str, np.ndarray]]:
    """A line such as ``"LeakyReLU(0.01)"`` or ``"Linear(64,2)"`` and the layer's float32 arrays.

    Raises
    ------
    TypeError
        If the layer is not of a known type.
    """
    if not is_known(layer):
        raise TypeError(f"a layer of type {type(layer).__name__} cannot be written down")
    arrays = {
        name: tensor.detach().cpu().numpy().astype(np.float32)
        for name, tensor in layer.state_dict().items()
        if name != "num_batches_tracked"
    }
    arguments: list[object]
    match layer:
        case nn.Linear():
            arguments = [layer.in_features, layer.out_features]
        case nn.BatchNorm1d():
            arguments = [layer.num_features, layer.eps]
        case nn.LayerNorm():
            arguments = [layer.normalized_shape[0], layer.eps]
        case nn.PReLU():
            arguments = [layer.num_parameters]
        case _:
            arguments = [getattr(layer, name) for name in ACTIVATIONS[type(layer).__name__]]
    return f"{type(layer).__name__}({','.join(str(value) for value in arguments)})", arrays


def rebuild(line: str, arrays: Mapping[str, np.ndarray]) -> nn.Module:
    """The layer that :func:`describe` wrote down.

    Raises
    ------
    ValueError
        If the line or the arrays do not describe a layer.
    """
    match = _LINE.fullmatch(str(line))
    if match is None:
        raise ValueError(f"{line!r} does not describe a layer; expected a form such as 'Linear(64,2)'")
    layer = _empty(match[1], [value.strip() for value in match[2].split(",") if value.strip()], arrays)
    state = {name: torch.tensor(np.asarray(value, dtype=np.float32)) for name, value in arrays.items()}
    if isinstance(layer, nn.BatchNorm1d):
        state["num_batches_tracked"] = torch.tensor(0)
    try:
        layer.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"the arrays stored for {line!r} do not fit it: {error}") from error
    return layer.eval().requires_grad_(False)


def bare_linear(n_inputs: int, n_outputs: int, *, bias: bool = True) -> nn.Linear:
    """A linear layer whose weights are still to be set; torch's global generator stays as it is.

    `torch.nn.utils.skip_init` does the same and imports torch's reference implementations for it, 1.5 s.
    """
    with torch.random.fork_rng(devices=[]):
        return nn.Linear(n_inputs, n_outputs, bias=bias)


def _empty(name: str, values: list[str], arrays: Mapping[str, np.ndarray]) -> nn.Module:
    try:
        match name:
            case "Linear":
                return bare_linear(int(values[0]), int(values[1]), bias="bias" in arrays)
            case "BatchNorm1d":
                return nn.BatchNorm1d(int(values[0]), eps=float(values[1]), affine="weight" in arrays)
            case "LayerNorm":
                affine, bias = "weight" in arrays, "bias" in arrays
                return nn.LayerNorm(int(values[0]), eps=float(values[1]), elementwise_affine=affine, bias=bias)
            case "PReLU":
                return nn.PReLU(int(values[0]))
    except (ValueError, IndexError, RuntimeError) as error:
        raise ValueError(f"{name}({','.join(values)}) does not describe a layer: {error}") from error
    if name not in ACTIVATIONS:
        raise ValueError(
            f"unknown layer {name!r}; known: Linear, BatchNorm1d, LayerNorm, PReLU, {', '.join(ACTIVATIONS)}"
        )
    if len(values) != len(ACTIVATIONS[name]):
        raise ValueError(f"{name} needs the values {ACTIVATIONS[name]}, got {values}")
    arguments = [value if name == "GELU" else float(value) for value in values]
    return getattr(nn, name)(*arguments)


def _hooked(module: nn.Module) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks)
