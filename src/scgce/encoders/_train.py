"""Training a small smooth network to reproduce a representation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from ._layers import bare_linear
from ._loop import OneCycleAdamW, Schedule, Terms, train


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
        If the loss is not finite.
    """
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    network = build_network([inputs.shape[1], *how.hidden, targets.shape[1]], generator).to(device)
    x, y = torch.from_numpy(inputs), torch.from_numpy(targets)
    x_watch, y_watch = x[watch].to(device), y[watch].to(device)
    x_fit, y_fit = x[fit].to(device), y[fit].to(device)
    size = min(how.batch_size, len(fit))

    def step_terms() -> Terms:
        rows = torch.randint(len(fit), (size,), generator=generator)
        jitter = noise * torch.randn((size, inputs.shape[1]), generator=generator)
        found = network(x_fit[rows.to(device)] + jitter.to(device))
        return {"error": (found - y_fit[rows.to(device)]).square().mean()}

    def held_out_loss() -> float:
        return float((network(x_watch) - y_watch).square().mean())

    schedule = Schedule(how.steps(len(fit)), how.learning_rate, how.weight_decay, patience=how.patience)
    train(network, step_terms, schedule, held_out_loss=held_out_loss, optimiser=OneCycleAdamW, name="the student")
    return network.cpu().eval().requires_grad_(False)
