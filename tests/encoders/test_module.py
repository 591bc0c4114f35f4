"""Wrapped torch modules: the leading linear map, the chain rule, and modules that are no encoders."""

from __future__ import annotations

import copy

import anndata as ad
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from scgce.encoders import Output, wrap_module

D = 60


class Functional(nn.Module):
    """Activations as functions, normalisation after the first layer."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.norm, self.fc2 = nn.Linear(D, 16), nn.BatchNorm1d(16), nn.Linear(16, 3)

    def forward(self, x):
        return self.fc2(F.elu(self.norm(self.fc1(F.dropout(x, 0.5, self.training)))))


class Shell(nn.Module):
    def __init__(self, name: str = "net") -> None:
        super().__init__()
        layers = [nn.Dropout(0.5), nn.BatchNorm1d(D), nn.Linear(D, 12), nn.SiLU(), nn.LayerNorm(12), nn.Linear(12, 2)]
        inner = nn.Sequential(nn.Sequential(*layers[:3]), *layers[3:])
        self.layers = nn.ModuleList(layers) if name == "list" else inner

    def forward(self, x):
        if isinstance(self.layers, nn.ModuleList):
            for layer in self.layers:
                x = layer(x)
            return x
        return self.layers(x)


class LogFirst(nn.Module):
    """No leading linear map: a logarithm comes first."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(D, 4)

    def forward(self, x):
        return self.fc(torch.log1p(x.clamp(min=0)))


class TwoReaders(nn.Module):
    """The input is read twice, so no single linear map comes first, although both are as wide as the input."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(D, D), nn.Linear(D, D)

    def forward(self, x):
        return self.a(x) + torch.tanh(self.b(x))


class Returns(nn.Module):
    def __init__(self, form) -> None:
        super().__init__()
        self.net, self.form = nn.Linear(D, 2), form

    def forward(self, x):
        return self.form(self.net(x), x)


def trained_looking(module: nn.Module, seed: int = 0) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in module.state_dict().items():
        if "running_var" in name:
            tensor.uniform_(0.5, 2.0, generator=generator)
        elif tensor.is_floating_point():
            tensor.normal_(0.0, 0.4, generator=generator)
    return module


FACTORISED = {
    "linear": lambda: nn.Linear(D, 2),
    "no bias": lambda: nn.Sequential(nn.Linear(D, 5, bias=False), nn.Tanh(), nn.Linear(5, 2)),
    "sequential": lambda: nn.Sequential(nn.Linear(D, 9), nn.GELU(), nn.Linear(9, 2)),
    "shell": Shell,
    "module list": lambda: Shell("list"),
    "functional": Functional,
    "output": lambda: Output(Returns(lambda z, x: (z, z)), 0),
}


@pytest.mark.parametrize("name", FACTORISED)
def test_factorised_form_is_the_module(blobs, name):
    module = trained_looking(FACTORISED[name]()).eval()
    encoder = wrap_module(module, blobs.var_names, blobs.X)
    assert encoder.W is not None
    expected = module(torch.from_numpy(blobs.X.toarray())).detach().numpy()
    np.testing.assert_allclose(encoder(blobs.X), expected, atol=1e-5 * max(1, abs(expected).max()))
    assert encoder.kind == {"linear": "linear", "output": "linear", "functional": "module"}.get(name, "mlp")


@pytest.mark.parametrize("name", FACTORISED)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_chain_rule(name, seed):
    """Gradients through x @ W + b and the tail equal autograd through the module as it was given."""
    module = trained_looking(FACTORISED[name](), seed).double().eval()
    encoder = wrap_module(module, [f"g{i}" for i in range(D)])
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(5, D, generator=generator, dtype=torch.float64, requires_grad=True)
    direct = module(x)
    upstream = torch.randn(direct.shape, generator=generator, dtype=torch.float64)
    (expected,) = torch.autograd.grad(direct, x, upstream)
    factorised = encoder.tail_as(torch.float64, "cpu")(x @ encoder.W.double() + encoder.b.double())
    (found,) = torch.autograd.grad(factorised, x, upstream)
    torch.testing.assert_close(found, expected, atol=1e-5 * float(expected.abs().max()), rtol=0)


@pytest.mark.parametrize("cls", [LogFirst, TwoReaders])
def test_other_modules_take_the_slow_path(blobs, cls):
    module = trained_looking(cls()).eval()
    encoder = wrap_module(module, blobs.var_names, blobs.X)
    assert encoder.W is None and encoder.b is None and encoder.kind == "module"
    expected = module(torch.from_numpy(blobs.X.toarray())).detach().numpy()
    np.testing.assert_allclose(encoder(blobs.X), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(encoder.hidden(blobs.X), blobs.X.toarray())


def test_coinciding_on_the_data_is_not_enough(blobs):
    """log-like functions that vanish on the data are caught by the random rows."""
    net = nn.Linear(D, 2)
    module = Returns(lambda z, x: z + x.clamp(max=0).sum(dim=1, keepdim=True))
    module.net = net
    assert wrap_module(module, blobs.var_names, blobs.X).W is None


def test_the_given_module_is_untouched(blobs):
    module = Functional().train()
    module.norm.eval()
    before = copy.deepcopy(module.state_dict())
    encoder = wrap_module(module, blobs.var_names, blobs.X)
    encoder(blobs.X)
    assert module.training and module.fc1.training and not module.norm.training
    assert all(parameter.requires_grad for parameter in module.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    assert not any(parameter.requires_grad for parameter in encoder.tail.parameters())
    module.fc2.weight.data.zero_()
    assert encoder(blobs.X).std() > 0


def test_wrong_width_names_both(blobs: ad.AnnData):
    with pytest.raises(ValueError, match="reads 50 inputs but the matrix has 60 genes"):
        wrap_module(nn.Sequential(nn.Linear(50, 2)), blobs.var_names, blobs.X)
    with pytest.raises(ValueError, match="59 gene names were given for a matrix of 60"):
        wrap_module(nn.Linear(D, 2), blobs.var_names[1:], blobs.X)


def test_nan_output(blobs):
    module = nn.Linear(D, 2)
    module.weight.data[0, 0] = float("nan")
    with pytest.raises(ValueError, match="returned NaN or infinite values for"):
        wrap_module(module, blobs.var_names, blobs.X)


def test_nan_on_negative_values_only_is_no_error(blobs):
    class Root(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(D, 2)

        def forward(self, x):
            return self.fc(x.sqrt())

    assert np.isfinite(wrap_module(Root(), blobs.var_names, blobs.X)(blobs.X)).all()


@pytest.mark.parametrize(
    "form, error, message",
    [
        (lambda z, x: (z, z), TypeError, r"returned a tuple.*Output\(module, 0\)"),
        (lambda z, x: z[:, 0], ValueError, r"returned shape \(32,\) for 32 cells"),
        (lambda z, x: z.sum(dim=0, keepdim=True), ValueError, r"returned shape \(1, 2\)"),
        (lambda z, x: z + torch.randn_like(z), ValueError, "different values for the same cells"),
        (lambda z, x: z - z.mean(dim=0), ValueError, "depends on the other cells"),
        (lambda z, x: z @ torch.ones(3, 2), ValueError, "failed on a float32 tensor"),
    ],
)
def test_modules_that_are_no_encoders(blobs, form, error, message):
    with pytest.raises(error, match=message):
        wrap_module(Returns(form), blobs.var_names, blobs.X)


def test_uninitialised_module(blobs):
    with pytest.raises(ValueError, match="uninitialised"):
        wrap_module(nn.Sequential(nn.LazyLinear(2)), blobs.var_names, blobs.X)


def test_module_that_cannot_be_copied(blobs):
    module = nn.Linear(D, 2)
    module.cache = module.weight * 2
    with pytest.raises(TypeError, match="cannot be copied"):
        wrap_module(module, blobs.var_names, blobs.X)


def test_output_picks_by_name():
    x = torch.ones(2, D)
    by_key = Output(Returns(lambda z, x: {"mean": z + 1}), "mean")
    assert torch.equal(by_key(x), by_key.module.net(x) + 1)

    class Distribution:
        def __init__(self, mean):
            self.mean = mean

    by_attribute = Output(Returns(lambda z, x: Distribution(z)), "mean")
    assert torch.equal(by_attribute(x), by_attribute.module.net(x))
