"""scvis: a variational autoencoder whose latent space also keeps each mini-batch's neighbours."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from scgce.embedding.affinities import conditional_probabilities, squared_distances
from scgce.embedding.batches import Rows, shuffled, start
from scgce.embedding.losses import gaussian_kl, neighbour_divergence, student_t_log_likelihood
from scgce.embedding.networks import Scvis, initialise
from scgce.embedding.warm import STEPS, Init, start_at_pca
from scgce.encoders._loop import Schedule, Terms, train

DEFAULT_STEPS = 3000


@dataclass(frozen=True)
class ScvisLoss:
    """
    Weights and constants of scvis's loss, per cell and divided by the number of input features p.

    The t-SNE term has weight p in the paper, since the likelihood grows with p; divided by p, that is 1 beside 1/p for
    the evidence bound. The bound's weight rises linearly from 0 over the first ``warm_up`` steps.

    Attributes
    ----------
    perplexity
        Of the neighbour probabilities within a mini-batch.
    degrees
        Degrees of freedom of the Student-t likelihood.
    kl_weight, likelihood_weight
        Final weights of the two parts of the evidence bound.
    warm_up
        Steps until the bound has its final weight.
    """

    perplexity: float = 10.0
    degrees: float = 2.0
    kl_weight: float = 1.0
    likelihood_weight: float = 1.0
    warm_up: int = 500

    def terms(self, network: Scvis, X: Tensor, step: int, noise: Tensor) -> Terms:
        """The three terms, 0-d each, of a mini-batch ``X`` (b, p) with standard normal ``noise`` (b, m)."""
        n_features = X.shape[1]
        ramp = min(1.0, step / self.warm_up) if self.warm_up else 1.0
        with torch.no_grad():
            neighbours = conditional_probabilities(squared_distances(X), self.perplexity, tolerance=1e-3)
        mean, log_variance = network.encode(X)
        latent = mean + noise * torch.exp(0.5 * log_variance)
        location, log_scale = network.decode(latent)
        likelihood = student_t_log_likelihood(X, location, log_scale, self.degrees).mean()
        divergence = gaussian_kl(mean, log_variance).mean()
        return {
            "neighbours": neighbour_divergence(latent, neighbours, self.kernel_degrees(latent.shape[1])),
            "likelihood": -ramp * self.likelihood_weight / n_features * likelihood,
            "prior": ramp * self.kl_weight / n_features * divergence,
        }

    @staticmethod
    def kernel_degrees(n_components: int) -> float:
        """Degrees of freedom of the latent kernel: m - 1, at least 1 (van der Maaten 2009)."""
        return float(max(n_components - 1, 1))


@dataclass(frozen=True)
class ScvisFit:
    """
    A trained scvis.

    Attributes
    ----------
    network
        The whole autoencoder, on the device that it was trained on.
    history
        See :func:`scgce.encoders._loop.train`.
    loss
        What it was trained with.
    """

    network: Scvis
    history: dict[str, np.ndarray]
    loss: ScvisLoss

    def mean_network(self) -> nn.Sequential:
        """Scaled rows (b, p) to latent means (b, m), on the CPU: the map itself."""
        return nn.Sequential(*self.network.body, self.network.mean).cpu()

    @torch.no_grad()
    def per_cell(self, rows: Rows, block: int = 4096) -> tuple[np.ndarray, np.ndarray]:
        """Log-likelihood (n,) of each cell decoded at its latent mean, and its latent variance (n, m)."""
        likelihoods, variances = [], []
        for index in torch.arange(rows.shape[0]).split(block):
            X = rows(index)
            mean, log_variance = self.network.encode(X)
            likelihoods.append(student_t_log_likelihood(X, *self.network.decode(mean), self.loss.degrees).cpu())
            variances.append(log_variance.exp().cpu())
        return torch.cat(likelihoods).numpy(), torch.cat(variances).numpy()


def fit_scvis(
    rows: Rows,
    n_components: int,
    loss: ScvisLoss,
    schedule: Schedule,
    *,
    batch_size: int,
    held_out: float,
    rng: np.random.Generator,
    init: Init = "pca",
) -> ScvisFit:
    """
    Train scvis.

    Parameters
    ----------
    rows
        The cells, (n, p).
    n_components
        Latent dimensions m.
    loss, schedule
        What is minimised, and how. The L2 penalty is divided by p as the loss is.
    batch_size
        Cells in a mini-batch, at most the cells that are trained on.
    held_out
        Share of the cells kept out of training for early stopping; 0 for none.
    rng
        Source of the initial weights, batches and noise.
    init
        Whether the map starts at the principal components or at random.
    """
    generator, fitting, waiting = start(
        rows, held_out, rng, least=int(loss.perplexity) + 3, why=f" for perplexity={loss.perplexity:g}"
    )
    batch_size = min(batch_size, len(fitting))
    network = Scvis(rows.shape[1], n_components)
    initialise(network, generator)
    network.to(rows.device)
    if init == "pca":
        mapping = nn.Sequential(network.body, network.mean)
        few = min(STEPS, schedule.n_steps)
        start_at_pca(mapping, rows, fitting, n_components, generator=generator, n_steps=few)
    batches = enumerate(shuffled(fitting, batch_size, generator))

    def noise(n_cells: int) -> Tensor:
        return torch.randn(n_cells, n_components, generator=generator).to(rows.device)

    def step_terms() -> Terms:
        step, index = next(batches)
        return loss.terms(network, rows(index), step, noise(batch_size))

    def held_out_loss() -> float:
        parts = [loss.terms(network, rows(part), loss.warm_up, 0.0 * noise(len(part))) for part in waiting]
        return float(sum(sum(terms.values()) for terms in parts)) / len(parts)

    schedule = replace(schedule, weight_decay=schedule.weight_decay / rows.shape[1])
    history = train(network, step_terms, schedule, held_out_loss=held_out_loss if waiting else None, name="scvis")
    return ScvisFit(network, history, loss)
