"""Functions and estimators: differences for few features, a student for many, the function itself as judge."""

from __future__ import annotations

import logging

import anndata as ad
import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.decomposition import PCA

from scgce.encoders import from_function, resolve


def two_sums(rows: np.ndarray) -> np.ndarray:
    return np.tanh(np.column_stack([rows[:, :5].sum(axis=1), rows[:, 5:10].sum(axis=1)]) / 4)


@pytest.fixture
def wide(blobs: ad.AnnData) -> ad.AnnData:
    """The blobs with 90 genes of noise more: too many features for differences."""
    noise = sparse.random(300, 90, density=0.1, random_state=np.random.default_rng(0), format="csr", dtype=np.float32)
    return ad.AnnData(sparse.csr_matrix(sparse.hstack([blobs.X, noise])))


def test_few_features_are_differenced(blobs, caplog):
    with caplog.at_level(logging.INFO, logger="scgce"):
        encoder = from_function(two_sums, blobs.X, genes=blobs.var_names)
    assert "two_sums has no gradient; 60 features, so differences are used" in caplog.text
    assert encoder.W is None and encoder.kind == "module" and encoder.teacher is None
    np.testing.assert_allclose(encoder(blobs.X), two_sums(blobs.X.toarray()), atol=1e-6)


def test_gradient_through_the_encoder(blobs):
    encoder = from_function(two_sums, blobs.X, genes=blobs.var_names)
    x = torch.tensor(blobs.X[:4].toarray(), dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(encoder.tail_as(torch.float64, "cpu")(x).sum(), x)
    z = two_sums(x.detach().numpy())
    wanted = np.zeros((4, 60))
    wanted[:, :5], wanted[:, 5:10] = (1 - z[:, :1] ** 2) / 4, (1 - z[:, 1:] ** 2) / 4
    np.testing.assert_allclose(found.numpy(), wanted, atol=2e-3)


def test_many_features_are_distilled_and_scored_on_the_function(wide, caplog):
    with caplog.at_level(logging.INFO, logger="scgce"):
        encoder = from_function(two_sums, wide.X, genes=wide.var_names)
    assert "so a student is distilled" in caplog.text
    assert encoder.kind == "mlp" and encoder.fidelity["r2"] > 0.8
    rows = wide.X[:7].toarray()
    np.testing.assert_allclose(encoder.teacher(rows), two_sums(rows), rtol=1e-6)


def test_estimator_with_transform(wide):
    estimator = PCA(3, random_state=0).fit(wide.X.toarray())
    encoder = resolve(wide, encoder=estimator)
    np.testing.assert_allclose(encoder.teacher(wide.X.toarray()), estimator.transform(wide.X.toarray()), atol=1e-5)
    assert encoder.name == "student of PCA"


def test_resolve_takes_functions(blobs):
    encoder = resolve(blobs, encoder=lambda rows: torch.from_numpy(rows[:, :2]))
    np.testing.assert_allclose(encoder(blobs.X), blobs.X[:, :2].toarray())


def test_function_is_fed_bounded_blocks(wide, monkeypatch):
    monkeypatch.setattr("scgce.encoders._function._BLOCK_BYTES", 4 * 150 * 64)
    sizes = []

    def counting(rows):
        sizes.append(len(rows))
        return two_sums(rows)

    from_function(counting, wide.X, genes=wide.var_names)
    assert max(sizes) <= 64 and sum(sizes) >= wide.n_obs


@pytest.mark.parametrize(
    "function, message",
    [
        (lambda rows: rows[:, 0], r"shape \(16,\) for 16 cells"),
        (lambda rows: rows[:3], r"shape \(3, 60\)"),
        (lambda rows: rows * np.nan, "NaN or infinite"),
        (lambda rows: rows[:, :2].astype(str), "returned <U"),
        (lambda rows: rows @ np.ones(4), "failed on rows of shape"),
        (
            lambda rows: rows[:, :2] + np.random.default_rng().normal(size=(len(rows), 2)),
            "different values for the same",
        ),
    ],
)
def test_functions_that_are_no_encoders(blobs, function, message):
    with pytest.raises(ValueError, match=message):
        from_function(function, blobs.X, genes=blobs.var_names)


def test_gene_names_must_match(blobs):
    with pytest.raises(ValueError, match="59 gene names were given for a matrix of 60"):
        from_function(two_sums, blobs.X, genes=blobs.var_names[1:])
