"""The training loop of every network fitted here: a history, early stopping, a stop where the loss is no number."""

from __future__ import annotations

import copy
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from scgce._api.progress import done, progress
from scgce.core.adam import Adam, one_cycle

Terms = dict[str, Tensor]


@dataclass(frozen=True)
class Schedule:
    """
    How long and how fast to train.

    Attributes
    ----------
    n_steps
        Most mini-batches.
    learning_rate
        Largest rate of the optimiser.
    weight_decay
        L2 penalty of `CosineAdam`, decay of `OneCycleAdamW`.
    check_every
        Steps between two entries of the history, and between two looks at the held-out cells.
    patience
        Checks without a better held-out loss after which training stops; 0 for never.
    """

    n_steps: int
    learning_rate: float
    weight_decay: float = 0.0
    check_every: int = 50
    patience: int = 0


class Optimiser(Protocol):
    """What moves the weights."""

    def step(self, loss: Tensor) -> None:
        """Move the weights once against the gradient of a 0-d loss."""
        ...

    @property
    def rate(self) -> float:
        """Learning rate of the next step."""
        ...


class CosineAdam:
    """Adam with an L2 penalty; its rate falls along half a cosine to a hundredth of what it starts with."""

    def __init__(self, network: nn.Module, schedule: Schedule) -> None:
        rate, penalty = schedule.learning_rate, schedule.weight_decay
        self._adam = torch.optim.Adam(network.parameters(), lr=rate, weight_decay=penalty, fused=True)
        n_steps = max(schedule.n_steps, 1)
        self._decay = torch.optim.lr_scheduler.LambdaLR(
            self._adam, lambda step: 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * (step / n_steps)))
        )

    def step(self, loss: Tensor) -> None:
        self._adam.zero_grad(set_to_none=True)
        loss.backward()
        self._adam.step()
        self._decay.step()

    @property
    def rate(self) -> float:
        return float(self._adam.param_groups[0]["lr"])


class OneCycleAdamW:
    """AdamW whose rate rises over the first tenth of the steps and falls to nothing (`one_cycle`)."""

    def __init__(self, network: nn.Module, schedule: Schedule) -> None:
        self._schedule, self._done = schedule, 0
        self._weights = list(network.parameters())
        # All weights side by side: one call a step instead of one for each, but for the copy.
        self._flat = torch.cat([values.detach().flatten() for values in self._weights])
        self._moments = Adam(self._flat, decay=schedule.weight_decay)

    def step(self, loss: Tensor) -> None:
        rate, memory = self._cycle()
        gradients = torch.autograd.grad(loss, self._weights)
        gradient = torch.cat([part.flatten() for part in gradients])
        self._flat.copy_(self._moments.moved(self._flat, gradient, rate, memory=memory))
        with torch.no_grad():
            for values, part in zip(self._weights, self._flat.split([w.numel() for w in self._weights]), strict=True):
                values.copy_(part.view_as(values))
        self._done += 1

    def _cycle(self) -> tuple[float, float]:
        return one_cycle(self._done, self._schedule.n_steps, self._schedule.learning_rate)

    @property
    def rate(self) -> float:
        return self._cycle()[0]


def train(
    network: nn.Module,
    step_terms: Callable[[], Terms],
    schedule: Schedule,
    *,
    held_out_loss: Callable[[], float] | None = None,
    optimiser: Callable[[nn.Module, Schedule], Optimiser] = CosineAdam,
    name: str = "embedding",
) -> dict[str, np.ndarray]:
    """
    Minimise the sum of ``step_terms()`` over the network's parameters, in place.

    Parameters
    ----------
    network
        Left in evaluation mode, with the weights of the best held-out loss where there is one.
    step_terms
        Draws one mini-batch and returns the terms of its loss, each a 0-d tensor.
    schedule
        Steps, rates and patience.
    held_out_loss
        Loss on cells kept out of training; ``None`` keeps the last weights.
    optimiser
        Makes what moves the weights.
    name
        Shown in the progress bar and in errors.

    Returns
    -------
    The history: ``step``, ``learning_rate``, one array for every term (mean since the entry before), ``loss``, and
    ``held_out`` where it was measured; all (checks,).

    Raises
    ------
    ValueError
        If the loss is not finite.
    """
    moves = optimiser(network, schedule)
    history: dict[str, list[float]] = {}
    best, best_state, waited = math.inf, None, 0
    sums: Terms = {}
    network.train()
    bar = progress(range(1, schedule.n_steps + 1), desc=f"fitting {name}")
    for step in bar:
        terms = step_terms()
        moves.step(reduce(operator.add, terms.values()))
        for term, value in terms.items():
            sums[term] = sums[term] + value.detach() if term in sums else value.detach()
        if step % schedule.check_every and step != schedule.n_steps:
            continue
        n_since = step - int(history["step"][-1] if history else 0)
        entry = {term: float(value) / n_since for term, value in sums.items()}
        entry, sums = {"step": step, "learning_rate": moves.rate, "loss": sum(entry.values()), **entry}, {}
        if held_out_loss is not None:
            entry["held_out"] = _measured(network, held_out_loss)
        _check_finite(entry, name, schedule.learning_rate)
        for field, number in entry.items():
            history.setdefault(field, []).append(number)
        bar.set_postfix(loss=f"{entry['loss']:.4f}")
        if held_out_loss is not None:
            waited = 0 if entry["held_out"] < best else waited + 1
            if not waited:
                best, best_state = entry["held_out"], copy.deepcopy(network.state_dict())
        if schedule.patience and waited >= schedule.patience:
            done(bar)
            break
    if best_state is not None:
        network.load_state_dict(best_state)
    network.eval()
    return {field: np.asarray(values) for field, values in history.items()}


def _measured(network: nn.Module, held_out_loss: Callable[[], float]) -> float:
    network.eval()
    with torch.no_grad():
        value = held_out_loss()
    network.train()
    return value


def _check_finite(entry: dict[str, float], name: str, learning_rate: float) -> None:
    """Stop with an error that names the term and what usually makes it diverge."""
    broken = [term for term, value in entry.items() if not math.isfinite(value)]
    if broken:
        raise ValueError(
            f"the loss of {name} is not finite by step {entry['step']:.0f} (terms: {', '.join(broken)}). "
            "Likely causes: the input is not normalised or scaled (raw counts instead of log1p values, or outliers); "
            f"learning_rate={learning_rate} is too large (try {learning_rate / 10:g})."
        )
