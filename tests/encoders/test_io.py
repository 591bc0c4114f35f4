"""Encoders in uns and in files: real h5ad, zarr and safetensors files, and damaged entries."""

from __future__ import annotations

import copy

import anndata as ad
import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from tests._files import reread
from torch import nn

from scgce.encoders import (
    encoder_from_uns,
    encoder_to_uns,
    linear_from_pca,
    load_safetensors,
    save_safetensors,
    wrap_module,
)

D = 60
LAYERS = {
    "relu": [nn.ReLU()],
    "leaky": [nn.LeakyReLU(0.2), nn.Linear(6, 6, bias=False), nn.ELU(0.7)],
    "norms": [nn.BatchNorm1d(6), nn.SiLU(), nn.LayerNorm(6), nn.GELU(approximate="tanh")],
    "plain norms": [nn.BatchNorm1d(6, affine=False), nn.Softplus(2.0), nn.LayerNorm(6, elementwise_affine=False)],
    "prelu": [nn.PReLU(6), nn.Dropout(0.5), nn.Hardtanh(-0.5, 0.5), nn.Mish()],
    "clipped": [
        nn.Hardtanh(-0.5, 0.75),
        nn.SELU(),
        nn.Tanh(),
        nn.Softsign(),
        nn.CELU(0.3),
        nn.LayerNorm(6, bias=False),
    ],
}


def network(name: str) -> nn.Module:
    module = nn.Sequential(nn.Linear(D, 6), *copy.deepcopy(LAYERS[name]), nn.Linear(6, 2))
    generator = torch.Generator().manual_seed(1)
    for key, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            tensor.uniform_(0.2, 1.2, generator=generator) if "var" in key else tensor.normal_(generator=generator)
    return module


@pytest.fixture
def stored(blobs: ad.AnnData) -> dict:
    return encoder_to_uns(wrap_module(network("leaky"), blobs.var_names, blobs.X))


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_round_trip_through_files(blobs, tmp_path, suffix):
    encoders = {name: wrap_module(network(name), blobs.var_names, blobs.X) for name in LAYERS}
    encoders["pca"] = linear_from_pca(blobs)
    blobs.uns["result"] = {name: {"encoder": encoder_to_uns(encoder)} for name, encoder in encoders.items()}
    read = reread(blobs, suffix, tmp_path)
    for name, encoder in encoders.items():
        again = encoder_from_uns(read.uns["result"][name]["encoder"])
        np.testing.assert_array_equal(again(blobs.X), encoder(blobs.X))
        assert again.kind == encoder.kind == ("linear" if name == "pca" else "mlp")
        assert again.genes.tolist() == blobs.var_names.tolist()
        assert again.fidelity == encoder.fidelity and again.name == encoder.name


@pytest.mark.parametrize("name", [*LAYERS, "pca"])
def test_round_trip_through_safetensors(blobs, tmp_path, name):
    encoder = linear_from_pca(blobs) if name == "pca" else wrap_module(network(name), blobs.var_names, blobs.X)
    save_safetensors(encoder, tmp_path / "r.safetensors")
    again = load_safetensors(str(tmp_path / "r.safetensors"))
    np.testing.assert_array_equal(again(blobs.X), encoder(blobs.X))
    assert again.genes.tolist() == encoder.genes.tolist() and again.fidelity == encoder.fidelity


def test_only_plain_values_are_stored(stored):
    def kinds(value):
        return set().union(*map(kinds, value.values())) if isinstance(value, dict) else {type(value)}

    assert kinds(stored) <= {int, bool, str, float, np.ndarray}
    assert stored["layers"].tolist() == ["LeakyReLU(0.2)", "Linear(6,6)", "ELU(0.7)", "Linear(6,2)"]


def test_stored_arrays_are_copies(blobs):
    encoder = linear_from_pca(blobs)
    encoder_to_uns(encoder)["W"][:] = 0
    assert (encoder.W != 0).any()


class Custom(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(D, 2)

    def forward(self, x):
        return torch.sin(self.fc(x))


class SlyReLU(nn.ReLU):
    """A subclass may compute anything: it must not be stored as a ReLU."""

    def forward(self, x):
        return -super().forward(x)


def hooked() -> nn.Module:
    module = nn.Sequential(nn.Linear(D, 3), nn.Linear(3, 2))
    module[1].register_forward_hook(double_output)
    return module


def double_output(module, inputs, output):
    return 2 * output


@pytest.mark.parametrize("make", [Custom, lambda: nn.Sequential(nn.Linear(D, 2), SlyReLU()), hooked])
def test_what_cannot_be_stored_says_so(blobs, tmp_path, make):
    encoder = wrap_module(make(), blobs.var_names, blobs.X)
    entry = encoder_to_uns(encoder)
    assert entry["stored"] is False and "W" not in entry and entry["name"] == encoder.name
    blobs.uns["e"] = entry
    read = reread(blobs, "h5ad", tmp_path)
    with pytest.raises(ValueError, match=f"{encoder.name}.*could not be stored.*encoder="):
        encoder_from_uns(read.uns["e"])
    with pytest.raises(ValueError, match="cannot be stored"):
        save_safetensors(encoder, tmp_path / "x.safetensors")


def edit(key, value):
    return lambda entry: entry.__setitem__(key, value)


@pytest.mark.parametrize("field", ["format", "genes", "W", "b", "layers", "weights", "n_dims"])
def test_truncated_entry_names_the_field(stored, field):
    del stored[field]
    with pytest.raises(ValueError, match=f"the field '{field}' is missing"):
        encoder_from_uns(stored)


@pytest.mark.parametrize(
    "damage, message",
    [
        (edit("format", 99), "format 99 is unknown"),
        (edit("format", "x"), "format='x' is not a number"),
        (edit("kind", "tree"), "kind='tree'"),
        (edit("genes", np.array(["a"])), "do not fit together"),
        (edit("genes", 3), "do not fit together"),
        (edit("W", np.ones((D, 7))), "do not fit together"),
        (edit("W", np.full((D, 6), np.nan)), "W holds NaN"),
        (edit("W", "text"), "W holds something else"),
        (edit("n_dims", 5), "last layer has 2 outputs, n_dims is 5"),
        (edit("layers", np.array(["rm -rf"] * 4)), "does not describe a layer"),
        (edit("layers", np.array(["System(1)"] * 4)), "unknown layer 'System'"),
        (
            edit("layers", np.array(["Linear(6)", "Linear(6,6)", "ELU(0.7)", "Linear(6,2)"])),
            "does not describe a layer",
        ),
        (edit("layers", np.array(["ELU(1,2)", "Linear(6,6)", "ELU(0.7)", "Linear(6,2)"])), "needs the values"),
        (edit("layers", np.array(["ELU(0.7)"])), "belongs to none of the 1 layers"),
        (edit("weights", {"0.weight": np.ones(3)}), "do not fit"),
        (edit("weights", {"weight": np.ones(3)}), "belongs to none"),
        (edit("weights", np.ones(3)), "must be a dict"),
    ],
)
def test_edited_entry_is_refused(stored, damage, message):
    damage(stored)
    with pytest.raises(ValueError, match=message):
        encoder_from_uns(stored)


@pytest.mark.parametrize("entry", [None, "encoder", [1, 2]])
def test_entry_of_another_kind(entry):
    with pytest.raises(ValueError, match="is a dict"):
        encoder_from_uns(entry)


def test_foreign_and_broken_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_safetensors(tmp_path / "none.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"not a tensor file")
    with pytest.raises(ValueError, match="not a readable safetensors file"):
        load_safetensors(tmp_path / "broken.safetensors")
    save_file({"a": np.ones(2, dtype=np.float32)}, str(tmp_path / "foreign.safetensors"))
    with pytest.raises(ValueError, match="holds no scgce encoder"):
        load_safetensors(tmp_path / "foreign.safetensors")
