"""The compiled loss of refinement against the same as tensors, whose gradient autograd knows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scgce.core.choose.reach import Missed


@pytest.mark.parametrize("cells, goals, m", [(16, 16, 2), (7, 12, 50), (2, 5, 3)])
def test_the_compiled_loss_is_the_one_of_tensors(cells: int, goals: int, m: int) -> None:
    generator = torch.Generator().manual_seed(m)
    moved = torch.randn(6, cells, m, generator=generator).requires_grad_()
    there = torch.randn(6, goals, m, generator=generator)
    there[0, 0] = moved.detach()[0, 1]  # met exactly, where a distance has no gradient
    how = Missed(reach=0.7 * m**0.5, width=0.2, share=0.6, pull=0.1)
    loss = how(moved, there)
    (gradient,) = torch.autograd.grad(3 * loss, moved)
    exact = moved.detach().double().requires_grad_()  # float64 is not compiled
    expected = how(exact, there.double())
    (oracle,) = torch.autograd.grad(3 * expected, exact)
    assert float(loss.detach()) == pytest.approx(float(expected.detach()), rel=1e-6)
    assert np.abs(oracle.numpy()).max() > 1e-3
    np.testing.assert_allclose(gradient.numpy(), oracle.numpy(), atol=1e-7, rtol=1e-4)


def test_positions_that_are_no_numbers_are_told_by_the_gradient() -> None:
    moved = torch.full((2, 3, 2), torch.nan).requires_grad_()
    loss = Missed(reach=1.0, width=0.2, share=0.6, pull=0.1)(moved, torch.zeros(2, 4, 2))
    (gradient,) = torch.autograd.grad(loss, moved)
    assert not loss.isfinite()
    assert gradient.isnan().all()
