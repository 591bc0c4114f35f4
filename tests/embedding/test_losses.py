"""Every term against a plain double loop in numpy or a library, and its gradient against finite differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch.autograd import gradcheck

from scgce.embedding.losses import edge_cross_entropy, gaussian_kl, neighbour_divergence, student_t_log_likelihood


def _probabilities(n: int, rng: np.random.Generator) -> np.ndarray:
    P = rng.gamma(0.5, size=(n, n))
    np.fill_diagonal(P, 0.0)
    return P / P.sum(axis=1, keepdims=True)


def _naive_divergence(Z: np.ndarray, P: np.ndarray, degrees: float) -> float:
    total = 0.0
    for i in range(len(Z)):
        kernel = [
            0.0 if i == j else (1 + ((Z[i] - Z[j]) ** 2).sum() / degrees) ** (-(degrees + 1) / 2) for j in range(len(Z))
        ]
        total += sum(
            P[i, j] * (math.log(P[i, j]) - math.log(kernel[j] / sum(kernel))) for j in range(len(Z)) if P[i, j] > 0
        )
    return total / len(Z)


@pytest.mark.parametrize(("m", "degrees"), [(2, 1.0), (3, 2.0), (5, 4.0)])
def test_neighbour_divergence_is_the_double_loop(m: int, degrees: float):
    rng = np.random.default_rng(0)
    Z, P = rng.normal(size=(15, m)), _probabilities(15, rng)
    P[2, 5] = 0.0
    P /= P.sum(axis=1, keepdims=True)
    found = neighbour_divergence(torch.tensor(Z), torch.tensor(P), degrees)
    assert float(found) == pytest.approx(_naive_divergence(Z, P, degrees), rel=1e-12)


@pytest.mark.parametrize("degrees", [1.0, 3.0])
def test_neighbour_divergence_has_the_right_gradient(degrees: float):
    rng = np.random.default_rng(1)
    P = torch.tensor(_probabilities(9, rng))
    Z = torch.tensor(rng.normal(size=(9, 2)), requires_grad=True)
    assert gradcheck(lambda latent: 3.0 * neighbour_divergence(latent, P, degrees), (Z,))


def test_neighbour_divergence_is_zero_where_q_is_p():
    Z = torch.tensor(np.random.default_rng(2).normal(size=(12, 2)))
    kernel = 1 / (1 + torch.cdist(Z, Z) ** 2)
    kernel.fill_diagonal_(0)
    assert float(neighbour_divergence(Z, kernel / kernel.sum(1, keepdim=True))) == pytest.approx(0.0, abs=1e-12)


def test_likelihood_is_that_of_scipy():
    rng = np.random.default_rng(3)
    X, mean, log_scale = rng.normal(size=(3, 7, 4))
    expected = stats.t.logpdf(X, df=2.5, loc=mean, scale=np.exp(log_scale)).sum(axis=1)
    found = student_t_log_likelihood(*(torch.tensor(a) for a in (X, mean, log_scale)), 2.5)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


def test_kl_is_that_of_torch():
    generator = torch.Generator().manual_seed(4)
    mean, log_variance = torch.randn(2, 6, 3, generator=generator, dtype=torch.float64)
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(normal(mean, (log_variance / 2).exp()), normal(0.0, 1.0)).sum(dim=1)
    np.testing.assert_allclose(gaussian_kl(mean, log_variance).numpy(), expected.numpy(), rtol=1e-10)


def test_edge_cross_entropy_is_the_formula():
    rng = np.random.default_rng(5)
    heads, tails, others, a, b = rng.normal(size=(8, 2)), rng.normal(size=(8, 2)), rng.normal(size=(8, 3, 2)), 1.6, 0.9

    def similarity(x: np.ndarray, y: np.ndarray) -> float:
        return 1 / (1 + a * ((x - y) ** 2).sum() ** b)

    expected = np.mean(
        [
            -math.log(similarity(h, t)) - sum(math.log(1 - similarity(h, o)) for o in row)
            for h, t, row in zip(heads, tails, others, strict=True)
        ]
    )
    found = edge_cross_entropy(*(torch.tensor(x) for x in (heads, tails, others)), a, b)
    assert float(found) == pytest.approx(expected, rel=1e-10)


def test_edge_cross_entropy_has_the_right_gradient():
    generator = torch.Generator().manual_seed(6)
    shapes = [(5, 2), (5, 2), (5, 4, 2)]
    points = [torch.randn(s, generator=generator, dtype=torch.float64, requires_grad=True) for s in shapes]
    assert gradcheck(lambda h, t, o: edge_cross_entropy(h, t, o, 1.6, 0.9), tuple(points))


def test_edge_cross_entropy_stays_finite_where_cells_coincide():
    points = torch.zeros(4, 2, requires_grad=True)
    loss = edge_cross_entropy(points, points.detach(), torch.zeros(4, 3, 2), 1.6, 0.9)
    loss.backward()
    assert math.isfinite(float(loss.detach()))
    assert torch.isfinite(points.grad).all()
