"""Adam: the same values as torch's optimisers and schedule, step by step."""

from __future__ import annotations

import pytest
import torch

from scgce.core.adam import Adam, one_cycle


def _loss(values: torch.Tensor) -> torch.Tensor:
    return (values.square() * torch.arange(1, 7)).sum() + (values - 1).sin().sum()


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("n_steps", [1, 7, 40, 100])
def test_the_same_bytes_as_torch(decay: float, n_steps: int) -> None:
    ours = torch.linspace(-1, 1, 6)
    theirs = ours.clone().requires_grad_(True)
    adam = Adam(ours, decay=decay)
    optimiser = torch.optim.AdamW([theirs], lr=0.05, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.05, total_steps=n_steps, pct_start=0.1)
    for step in range(n_steps):
        rate, memory = one_cycle(step, n_steps, 0.05)
        assert rate == pytest.approx(optimiser.param_groups[0]["lr"], rel=1e-12)
        assert memory == pytest.approx(optimiser.param_groups[0]["betas"][0], rel=1e-12)
        start = ours.clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(_loss(start), start)
        ours = adam.moved(ours, gradient, rate, memory=memory)
        optimiser.zero_grad()
        _loss(theirs).backward()
        optimiser.step()
        if step < n_steps - 1:
            schedule.step()
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-6, atol=1e-7)
