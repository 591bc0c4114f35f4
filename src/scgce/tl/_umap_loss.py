"""The parametric UMAP of an AnnData."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from anndata import AnnData
from scipy import sparse
from scipy.optimize import curve_fit

from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce._api.errors import not_found
from scgce.embedding.umap import UmapLoss, fit_umap
from scgce.embedding.warm import Init

from ._embed import Settings, read_source, store_fit

DEFAULT_STEPS = 4000


@checked()
@with_docs
def umap_loss(
    adata: AnnData,
    *,
    n_components: int = 2,
    init: Init = "pca",
    use_rep: str = "X_pca",
    neighbors_key: str | None = None,
    layer: str | None = None,
    mask_var: str | np.ndarray | None = None,
    min_dist: float = 0.5,
    spread: float = 1.0,
    negative_sample_rate: int = 5,
    batch_size: int = 512,
    learning_rate: float = 5e-3,
    weight_decay: float = 0.0,
    n_epochs: int | None = None,
    patience: int = 0,
    validation_fraction: float = 0.1,
    rng: int | np.random.Generator = 0,
    device: str = "auto",
    key_added: str = "X_umap_loss",
    copy: bool = False,
) -> AnnData | None:
    """
    Fit a parametric UMAP: a network trained on UMAP's own loss, that new cells can be put through.

    A network (128-64-32, ELU) on the edges of ``sc.pp.neighbors``, drawn by weight, with negative samples. A step
    costs the same whatever the number of cells.

    Parameters
    ----------
    {adata}
    {n_components}
    {init}
    {reads}
        It should be what the neighbours were found in.
    neighbors_key
        Entry of ``adata.uns`` that ``sc.pp.neighbors(key_added=…)`` wrote; None for ``obsp["connectivities"]``.
    {layer}
    {read_mask}
    min_dist, spread
        Shape of the similarity on the map, as in ``sc.tl.umap``.
    negative_sample_rate
        Random cells that each edge is pushed from.
    batch_size
        Edges in a mini-batch.
    learning_rate, weight_decay
        Adam's rate at the start (it falls to a hundredth along half a cosine), and its L2 penalty.
    n_epochs
        Passes over the edges; ``None`` for as many as make 4,000 mini-batches.
    {patience}
    {held_out}
        Their edges are left out too.
    {rng}
    {device}
    {map_key}
    {copy}

    Returns
    -------
    {map_fields}

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range, the matrix is not finite, ``use_rep`` has no loadings, the graph has no edges,
        or the loss diverges.
    KeyError
        If the graph, ``use_rep``, ``layer`` or ``mask_var`` is not there.

    References
    ----------
    McInnes, Healy & Melville 2018; Sainburg, McInnes & Gentner 2021.
    """
    settings = Settings(
        n_components, batch_size, learning_rate, weight_decay, n_epochs, patience, validation_fraction, rng
    )
    a, b = _similarity(spread, min_dist)
    adata = adata.copy() if copy else adata
    graph = _connectivities(adata, neighbors_key)
    source = read_source(adata, use_rep=use_rep, layer=layer, mask_var=mask_var, device=device, unit="rms")
    schedule = settings.schedule(graph.nnz, DEFAULT_STEPS)
    loss = UmapLoss(a, b, negative_sample_rate)
    fit = fit_umap(source.rows, graph, n_components, loss, schedule, **settings.draws(), init=init)
    params = settings.params("umap_loss", schedule.n_steps) | {"init": init, "neighbors_key": neighbors_key or ""}
    params |= {"min_dist": float(min_dist), "spread": float(spread), "a": a, "b": b}
    params["negative_sample_rate"] = int(negative_sample_rate)
    store_fit(adata, key_added, source, fit.network, name="parametric UMAP", params=params, history=fit.history)
    return adata if copy else None


def _similarity(spread: float, min_dist: float) -> tuple[float, float]:
    """UMAP's a and b: of the curve 1 / (1 + a d^2b) nearest to one that falls exponentially from ``min_dist`` on.

    As `umap.umap_.find_ab_params`, whose import compiles for 7.5 s.
    """
    if not 0 <= min_dist <= 3 * spread:
        raise ValueError(f"min_dist={min_dist!r}: expected at least 0 and at most 3 times spread={spread!r}")
    distance = np.linspace(0, 3 * spread, 300)
    wanted = np.exp(-np.maximum(distance - min_dist, 0) / spread)
    (a, b), _ = curve_fit(lambda d, a, b: 1 / (1 + a * d ** (2 * b)), distance, wanted)
    return float(a), float(b)


def _connectivities(adata: AnnData, neighbors_key: str | None) -> sparse.csr_array:
    """The graph's weights, (n, n), in one order however they are stored: edges are drawn by their position."""
    key = "connectivities"
    if neighbors_key is not None:
        entry: Any = adata.uns.get(neighbors_key, {})
        if not isinstance(entry, Mapping) or "connectivities_key" not in entry:
            graphs = [name for name, item in adata.uns.items() if isinstance(item, Mapping)]
            found = [name for name in graphs if "connectivities_key" in adata.uns[name]]
            raise not_found("neighbors_key", neighbors_key, "the graphs of adata.uns", found)
        key = str(entry["connectivities_key"])
    if key not in adata.obsp:
        raise not_found("neighbors_key", neighbors_key, "adata.obsp", adata.obsp, hint="; run sc.pp.neighbors(adata)")
    graph = sparse.csr_array(adata.obsp[key])
    if graph.has_canonical_format:
        return graph
    graph = graph.copy()  # what the AnnData holds stays as it is
    graph.sum_duplicates()
    return graph
