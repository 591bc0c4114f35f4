"""Parametric UMAP: the cross-entropy between a neighbour graph and the positions that a network gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn

from scgce.embedding.autoencoder import Fit
from scgce.embedding.batches import Rows, start
from scgce.embedding.losses import edge_cross_entropy
from scgce.embedding.networks import initialise, mlp
from scgce.embedding.warm import STEPS, Init, start_at_pca
from scgce.encoders._loop import Schedule, Terms, train

HIDDEN = (128, 64, 32)


@dataclass(frozen=True)
class UmapLoss:
    """
    Constants of the loss.

    Attributes
    ----------
    a, b
        Shape of the similarity on the map, ``1 / (1 + a·d^(2b))``.
    n_negative
        Random cells that each sampled edge is pushed from.
    """

    a: float
    b: float
    n_negative: int = 5

    def terms(self, positions: Tensor, generator: torch.Generator) -> Terms:
        """The loss of sampled edges; ``positions`` (2e, m) are those of the heads and then of the tails."""
        heads, tails = positions.tensor_split(2)
        drawn = torch.randint(len(positions), (len(heads), self.n_negative), generator=generator)
        others = positions[drawn.to(positions.device)]
        return {"cross_entropy": edge_cross_entropy(heads, tails, others, self.a, self.b)}


class Edges:
    """
    Edges of a graph, drawn with probability proportional to their weight.

    Parameters
    ----------
    graph
        (n, n) weights.
    cells
        Only edges between two of these cells are drawn.
    """

    def __init__(self, graph: sparse.csr_array, cells: Tensor) -> None:
        inside = np.zeros(graph.shape[0], dtype=bool)
        inside[cells.numpy()] = True
        edges = sparse.coo_array(graph)
        kept = inside[edges.row] & inside[edges.col] & (edges.data > 0) & (edges.row != edges.col)
        self.heads = torch.from_numpy(edges.row[kept].astype(np.int64))
        self.tails = torch.from_numpy(edges.col[kept].astype(np.int64))
        self._until = torch.from_numpy(np.cumsum(edges.data[kept], dtype=np.float64))

    def __len__(self) -> int:
        return len(self.heads)

    def draw(self, size: int, generator: torch.Generator) -> Tensor:
        """The cells (2·size,) at the ends of ``size`` edges: heads, then tails."""
        at = torch.rand(size, generator=generator, dtype=torch.float64) * self._until[-1]
        which = torch.searchsorted(self._until, at, right=True).clamp_(max=len(self) - 1)
        return torch.cat([self.heads[which], self.tails[which]])


def fit_umap(
    rows: Rows,
    graph: sparse.csr_array,
    n_components: int,
    loss: UmapLoss,
    schedule: Schedule,
    *,
    batch_size: int,
    held_out: float,
    rng: np.random.Generator,
    init: Init = "pca",
) -> Fit:
    """
    Train a network on UMAP's loss.

    Parameters
    ----------
    rows
        The cells, (n, p).
    graph
        (n, n) weights of the neighbour graph.
    n_components
        Dimensions m of the map.
    loss, schedule
        What is minimised, and how.
    batch_size
        Edges in a mini-batch.
    held_out
        Share of the cells kept out of training, with their edges, for early stopping; 0 for none.
    rng
        Source of the initial weights, edges and negative samples.
    init
        Whether the map starts at the principal components or at random.

    Raises
    ------
    ValueError
        If the graph has no edge between the cells that are trained on.
    """
    generator, fitting, waiting = start(rows, held_out, rng, least=2)
    edges = Edges(graph, fitting)
    if not len(edges):
        raise ValueError("the neighbour graph has no edges; run sc.pp.neighbors(adata) on these cells first")
    network = mlp((rows.shape[1], *HIDDEN, n_components), nn.ELU)
    initialise(network, generator)
    network.to(rows.device)
    if init == "pca":
        few = min(STEPS, schedule.n_steps)
        start_at_pca(network, rows, fitting, n_components, generator=generator, n_steps=few)

    def step_terms() -> Terms:
        return loss.terms(network(rows(edges.draw(batch_size, generator))), generator)

    waiting_edges = Edges(graph, torch.cat(waiting)) if waiting else None
    held_out_loss = None
    if waiting_edges is not None and len(waiting_edges):
        fixed = waiting_edges.draw(4 * batch_size, generator)

        def held_out_loss() -> float:
            same = torch.Generator().manual_seed(0)
            return float(loss.terms(network(rows(fixed)), same)["cross_entropy"])

    history = train(network, step_terms, schedule, held_out_loss=held_out_loss, name="the UMAP loss")
    return Fit(network.cpu(), history)
