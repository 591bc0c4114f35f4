"""Training a small smooth network to reproduce a representation."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from scgce._api.progress import done, progress
from scgce.core.adam import Adam, one_cycle

from ._layers import bare_linear


@dataclass(frozen=True)
class Training:
    """How a student is trained; the defaults were tuned on UMAPs of pbmc3k, retina, paul15 and pbmc68k_reduced.

    Layers of 128 and twice the steps at half the rate took 2.5 times as long on the first three and gained .001 of R²
    and .008 of the neighbours; what is moved through the layers afterwards costs three times as much then.

    Attributes
    ----------
    hidden
        Widths of the hidden layers.
    noise
        Length of the noise added to each input, in units of the distance to the nearest neighbour.  It keeps the
        network from being steep between cells, where explanations move.  None for 1 in up to three dimensions (maps
        such as UMAP's, bent and steep) and 0.25 in more (latent spaces, nearly linear: noise would blur their small
        directions).
    weight_decay, learning_rate
        Of AdamW; the rate rises over the first tenth of the steps and falls to zero along a cosine.
    batch_size
        Cells a step.
    max_steps
        Number of steps; None for 600 and one more for every 30 cells, at most 3,000.
    patience
        Training stops when the held-out loss has not improved for this many checks (every 50 steps).
    """

    hidden: tuple[int, ...] = (64, 64)
    noise: float | None = None
    weight_decay: float = 0.1
    learning_rate: float = 1e-2
    batch_size: int = 256
    max_steps: int | None = None
    patience: int = 12

    def __post_init__(self) -> None:
        """Refuse values that no training can use."""
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError(f"hidden={self.hidden}: expected at least one positive width")
        for name in ("noise", "weight_decay"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < math.inf:
                raise ValueError(f"{name}={getattr(self, name)}: expected a finite number ≥ 0")
        for name in ("learning_rate", "batch_size", "patience"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name}={getattr(self, name)}: expected a finite number > 0")
        if self.max_steps is not None and self.max_steps < 1:
            raise ValueError(f"max_steps={self.max_steps}: expected a positive number or None")

    def noise_for(self, n_dims: int) -> float:
        """Length of the noise for a representation of so many dimensions."""
        return self.noise if self.noise is not None else 1.0 if n_dims <= 3 else 0.25

    def steps(self, n_cells: int) -> int:
        """Number of steps for so many cells."""
        return min(3000, 600 + n_cells // 30) if self.max_steps is None else self.max_steps


CHECK_EVERY = 50


def build_network(widths: list[int], generator: torch.Generator) -> nn.Sequential:
    """Linear layers with SiLU between them, initialised from the generator alone."""
    layers: list[nn.Module] = []
    for i, (n_in, n_out) in enumerate(pairwise(widths)):
        layer = bare_linear(n_in, n_out)
        last = i == len(widths) - 2
        nn.init.normal_(layer.weight, 0.0, (0.1 if last else math.sqrt(2.0)) / math.sqrt(n_in), generator=generator)
        nn.init.zeros_(layer.bias)
        layers += [layer] if last else [layer, nn.SiLU()]
    return nn.Sequential(*layers)


def train_network(
    inputs: np.ndarray,
    targets: np.ndarray,
    fit: np.ndarray,
    watch: np.ndarray,
    *,
    noise: float,
    how: Training,
    rng: np.random.Generator,
    device: torch.device,
) -> nn.Sequential:
    """Fit targets (n, m) from inputs (n, p) by mini-batches, keeping the weights that are best on the watched cells.

    Parameters
    ----------
    inputs, targets
        Float32, of unit order.
    fit, watch
        Row numbers of the cells trained on, and of those that stop the training.
    noise
        Standard deviation of the noise on each input.
    how
        Settings.
    rng
        Initial weights, batches and noise.
    device
        Where to compute.

    Returns
    -------
    Network (·, p) to (·, m), on the CPU, in evaluation mode.

    Raises
    ------
    ValueError
        If the loss becomes NaN.
    """
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    network = build_network([inputs.shape[1], *how.hidden, targets.shape[1]], generator).to(device)
    x, y = torch.from_numpy(inputs), torch.from_numpy(targets)
    x_watch, y_watch = x[watch].to(device), y[watch].to(device)
    x_fit, y_fit = x[fit].to(device), y[fit].to(device)
    n_steps, size = how.steps(len(fit)), min(how.batch_size, len(fit))
    weights = list(network.parameters())
    optimisers = [Adam(values, decay=how.weight_decay) for values in weights]
    best, best_loss, waited = copy.deepcopy(network.state_dict()), math.inf, 0
    with progress(total=n_steps, desc="distil") as bar:
        for step in range(1, n_steps + 1):
            rows = torch.randint(len(fit), (size,), generator=generator)
            jitter = noise * torch.randn((size, inputs.shape[1]), generator=generator)
            loss = (network(x_fit[rows.to(device)] + jitter.to(device)) - y_fit[rows.to(device)]).square().mean()
            rate, memory = one_cycle(step - 1, n_steps, how.learning_rate)
            gradients = torch.autograd.grad(loss, weights)
            with torch.no_grad():
                for values, optimiser, gradient in zip(weights, optimisers, gradients, strict=True):
                    values.copy_(optimiser.moved(values, gradient, rate, memory=memory))
            bar.update()
            if step % CHECK_EVERY and step != n_steps:
                continue
            held_out = _loss(network, x_watch, y_watch)
            bar.set_postfix(loss=f"{held_out:.4f}", refresh=False)
            waited = 0 if held_out < best_loss else waited + 1
            if held_out < best_loss:
                best, best_loss = copy.deepcopy(network.state_dict()), held_out
            if waited >= how.patience:
                break
        done(bar)
    network.load_state_dict(best)
    return network.cpu().eval().requires_grad_(False)


def _loss(network: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    with torch.no_grad():
        value = float((network(x) - y).square().mean())
    if not math.isfinite(value):
        raise ValueError(
            "training the student diverged (the loss is NaN or infinite); likely causes: learning_rate too high, "
            "or values of very different size in the matrix or the representation"
        )
    return value
