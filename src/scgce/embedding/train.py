"""The training loop that every embedding shares: Adam, a falling rate, early stopping, a stop on NaN."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from scgce._api.progress import done, progress

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
        Adam's rate at the start; it falls along half a cosine to a hundredth of itself.
    weight_decay
        L2 penalty of Adam.
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


def train(
    network: nn.Module,
    step_terms: Callable[[], Terms],
    schedule: Schedule,
    *,
    held_out_loss: Callable[[], float] | None = None,
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
    optimiser = torch.optim.Adam(
        network.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay, fused=True
    )
    decay = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _cosine(step / max(schedule.n_steps, 1)))
    history: dict[str, list[float]] = {}
    best, best_state, waited = math.inf, None, 0
    sums: Terms = {}
    network.train()
    bar = progress(range(1, schedule.n_steps + 1), desc=f"fitting {name}")
    for step in bar:
        optimiser.zero_grad(set_to_none=True)
        terms = step_terms()
        torch.stack(list(terms.values())).sum().backward()
        optimiser.step()
        decay.step()
        for term, value in terms.items():
            sums[term] = sums[term] + value.detach() if term in sums else value.detach()
        if step % schedule.check_every and step != schedule.n_steps:
            continue
        n_since = step - int(history["step"][-1] if "step" in history else 0)
        entry = {term: float(value) / n_since for term, value in sums.items()}
        entry = {"step": step, "learning_rate": optimiser.param_groups[0]["lr"], "loss": sum(entry.values()), **entry}
        sums = {}
        _check_finite(entry, name, schedule.learning_rate)
        if held_out_loss is not None:
            network.eval()
            with torch.no_grad():
                entry["held_out"] = held_out_loss()
            network.train()
            if entry["held_out"] < best:
                best, best_state, waited = entry["held_out"], copy.deepcopy(network.state_dict()), 0
            else:
                waited += 1
        for field, number in entry.items():
            history.setdefault(field, []).append(number)
        bar.set_postfix(loss=f"{entry['loss']:.4f}")
        if schedule.patience and waited >= schedule.patience:
            done(bar)
            break
    if best_state is not None:
        network.load_state_dict(best_state)
    network.eval()
    return {field: np.asarray(values) for field, values in history.items()}


def _cosine(share: float) -> float:
    """Factor of the learning rate after ``share`` of the steps."""
    return 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * share))


def _check_finite(entry: dict[str, float], name: str, learning_rate: float) -> None:
    """Stop with an error that names the term and what usually makes it diverge."""
    broken = [term for term, value in entry.items() if not math.isfinite(value)]
    if broken:
        raise ValueError(
            f"the loss of {name} is not finite by step {entry['step']:.0f} (terms: {', '.join(broken)}). "
            "Likely causes: the input is not normalised or scaled (raw counts instead of log1p values, or outliers); "
            f"learning_rate={learning_rate} is too large (try {learning_rate / 10:g})."
        )
