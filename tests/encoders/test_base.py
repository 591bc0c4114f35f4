"""The contract: blocks, precision, alignment by gene name, refusal of bad shapes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse
from torch import nn

from scgce.encoders import Encoder, check_fidelity, wrap_module

GENES = ["a", "b", "c", "d"]


def encoder(W=None, b=None, tail=None, n_dims=3, **more) -> Encoder:
    W = np.arange(12.0).reshape(4, 3) if W is None else W
    return Encoder(kind="mlp", genes=GENES, W=W, b=b, tail=tail or nn.Tanh(), n_dims=n_dims, **more)


def test_value_is_tail_of_product():
    X = sparse.random(50, 4, density=0.5, random_state=np.random.default_rng(0), format="csr")
    r = encoder(W=np.eye(4)[:, :3] * 0.3, b=[0.1, 0.2, 0.3])
    np.testing.assert_allclose(r(X), np.tanh(X.toarray()[:, :3] * 0.3 + [0.1, 0.2, 0.3]), atol=1e-6)
    assert r(X).dtype == np.float32 and r.hidden(X).dtype == np.float32


def test_bias_defaults_to_zero():
    assert torch.equal(encoder().b, torch.zeros(3))


def test_blocks_do_not_change_the_result():
    r = encoder()
    H = np.random.default_rng(0).normal(size=(101, 3)).astype(np.float32)
    np.testing.assert_array_equal(r.embed_hidden(H, block=7), r.embed_hidden(H))


def test_no_cells():
    assert encoder()(np.empty((0, 4), dtype=np.float32)).shape == (0, 3)


def test_tail_is_frozen_and_in_evaluation_mode():
    tail = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.9)).train()
    r = encoder(tail=tail)
    assert not r.tail.training and not any(parameter.requires_grad for parameter in r.tail.parameters())


def test_tail_as_is_cached_and_converted():
    r = encoder(tail=nn.Linear(3, 3))
    double = r.tail_as(torch.float64, "cpu")
    assert double is r.tail_as(torch.float64, torch.device("cpu"))
    assert double.weight.dtype == torch.float64 and r.tail.weight.dtype == torch.float32


def test_nan_from_the_tail_is_an_error():
    class Log(nn.Module):
        def forward(self, x):
            return torch.log(x)

    with pytest.raises(ValueError, match="NaN or infinite values for 2 of 3 cells"):
        encoder(tail=Log()).embed_hidden(np.array([[1, 1, 1], [0, 1, 1], [-1, 1, 1]]))


@pytest.mark.parametrize("width", [3, 5])
def test_wrong_width_is_an_error(width):
    with pytest.raises(ValueError, match=rf"reads 4 genes, the matrix has shape \(2, {width}\)"):
        encoder()(np.ones((2, width)))
    with pytest.raises(ValueError, match=r"expected \(n, 3\)"):
        encoder().embed_hidden(np.ones((2, 4)))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"W": np.ones((3, 3))}, r"W has shape \(3, 3\), expected \(4, h\)"),
        ({"b": np.ones(2)}, r"b has shape \(2,\), expected \(3,\)"),
    ],
)
def test_shapes_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        encoder(**arguments)


def test_empty_genes():
    with pytest.raises(ValueError, match="genes is empty"):
        Encoder(kind="linear", genes=[], W=None, b=None, tail=nn.Identity(), n_dims=1)


def test_align_permutes_by_name():
    X = np.random.default_rng(0).random((10, 4)).astype(np.float32)
    r = encoder(tail=nn.Identity())
    order = [2, 0, 3, 1]
    moved = r.align(np.array(GENES)[order])
    np.testing.assert_allclose(moved(X[:, order]), r(X), rtol=1e-6)
    np.testing.assert_array_equal(moved.align(GENES).W, r.W)
    assert r.align(GENES) is r


def test_align_ignores_unknown_genes_and_drops_unused_ones():
    W = np.arange(12.0).reshape(4, 3)
    W[1] = 0
    r = encoder(W=W, tail=nn.Identity())
    moved = r.align(["x", "d", "c", "a"])
    np.testing.assert_array_equal(moved.W.numpy(), np.array([np.zeros(3), W[3], W[2], W[0]]))


def test_align_names_missing_genes():
    with pytest.raises(ValueError, match="2 of the 4 genes used by the encoder are missing: b, d"):
        encoder(W=np.ones((4, 3))).align(["a", "c", "z"])
    with pytest.raises(ValueError, match="unique"):
        encoder().align(["a", "a", "b", "c", "d"])


def test_align_without_leading_map():
    class Squares(nn.Module):
        def forward(self, x):
            return x**2

    X = np.random.default_rng(0).random((6, 4)).astype(np.float32)
    r = wrap_module(Squares(), GENES, X)
    moved = r.align(["d", "new", "c", "b", "a"])
    given = np.column_stack([X[:, 3], np.full(6, 9), X[:, 2], X[:, 1], X[:, 0]])
    np.testing.assert_allclose(moved(given), X**2, rtol=1e-6)
    with pytest.raises(ValueError, match="are missing: a"):
        r.align(["b", "c", "d"])


def test_align_takes_the_teacher_along():
    r = encoder(teacher=lambda rows: rows[:, :1])
    moved = r.align(["d", "c", "b", "a"])
    np.testing.assert_array_equal(moved.teacher(np.array([[4, 3, 2, 1]])), [[1]])


def test_fidelity_of_itself_and_of_noise():
    X = np.random.default_rng(0).random((300, 4)).astype(np.float32)
    r = encoder(W=np.eye(4)[:, :3], tail=nn.Identity())
    same = check_fidelity(r, X, r(X))
    assert same == {"r2": 1.0, "neighbours": 1.0, "n_cells": 300.0}
    shifted = check_fidelity(r, X, r(X) + 100)
    assert shifted["r2"] < 0 and shifted["neighbours"] > 0.99
    shuffled = check_fidelity(r, X, np.random.default_rng(1).permutation(r(X)))
    assert shuffled["neighbours"] < 0.15
    with pytest.raises(ValueError, match="3 dimensions, the representation 2"):
        check_fidelity(r, X, r(X)[:, :2])


def test_fidelity_samples_cells():
    X = np.random.default_rng(0).random((300, 4)).astype(np.float32)
    r = encoder(W=np.eye(4)[:, :3], tail=nn.Identity())
    assert check_fidelity(r, sparse.csr_array(X), r(X), max_cells=40)["n_cells"] == 40


def test_repr_says_what_it_is():
    assert repr(encoder(name="mine")) == "Encoder(kind='mlp', mine, d=4, h=3, m=3)"
