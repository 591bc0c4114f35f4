"""The scvis embedding of an AnnData."""

from __future__ import annotations

import numpy as np
from anndata import AnnData

from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce.embedding.scvis import DEFAULT_STEPS, ScvisLoss, fit_scvis
from scgce.embedding.warm import Init

from ._embed import Settings, read_source, store_fit


@checked()
@with_docs
def scvis(
    adata: AnnData,
    *,
    n_components: int = 2,
    init: Init = "pca",
    use_rep: str = "X_pca",
    layer: str | None = None,
    mask_var: str | np.ndarray | None = None,
    perplexity: float = 10.0,
    batch_size: int = 512,
    learning_rate: float = 0.01,
    weight_decay: float = 1e-3,
    n_epochs: int | None = None,
    patience: int = 0,
    validation_fraction: float = 0.1,
    per_cell: bool = False,
    rng: int | np.random.Generator = 0,
    device: str = "auto",
    key_added: str = "X_scvis",
    copy: bool = False,
) -> AnnData | None:
    """
    Fit scvis: a map of the cells that new cells can be put on, and that ``tl.tgt`` can explain.

    A variational autoencoder (encoder 128-64-32, decoder 32-32-32-64-128, ELU, Student-t likelihood) whose loss has
    an asymmetric t-SNE term between each mini-batch's neighbour probabilities and the positions. A step costs the
    same whatever the number of cells.

    Parameters
    ----------
    {adata}
    {n_components}
    {init}
    {reads}
    {layer}
    {read_mask}
    perplexity
        Effective number of neighbours of a cell within a mini-batch.
    batch_size
        Cells in a mini-batch.
    learning_rate, weight_decay
        Adam's rate at the start (it falls to a hundredth along half a cosine), and the L2 penalty on the weights beside
        the loss of the paper, whose t-SNE term weighs as much as the network has inputs.
    n_epochs
        Passes over the cells; ``None`` for as many as make 3,000 mini-batches.
    {patience}
    {held_out}
    per_cell
        Also store every cell's log-likelihood and latent variance.
    {rng}
    {device}
    {map_key}
    {copy}

    Returns
    -------
    {map_fields}
    ``adata.obs["scvis_log_likelihood"]``, ``adata.obs["scvis_variance_1"]`` …
        If ``per_cell``: named after ``key_added`` without its ``X_``.

    Raises
    ------
    ValueError
        If an argument is out of range, the matrix is not finite, ``use_rep`` has no loadings, or the loss diverges.
    KeyError
        If ``use_rep``, ``layer`` or ``mask_var`` is not there.

    References
    ----------
    Ding, Condon & Shah 2018, Nature Communications 9:2002.
    """
    settings = Settings(
        n_components, batch_size, learning_rate, weight_decay, n_epochs, patience, validation_fraction, rng
    )
    adata = adata.copy() if copy else adata
    source = read_source(adata, use_rep=use_rep, layer=layer, mask_var=mask_var, device=device)
    schedule = settings.schedule(adata.n_obs, DEFAULT_STEPS)
    loss = ScvisLoss(perplexity=perplexity)
    fit = fit_scvis(source.rows, n_components, loss, schedule, **settings.draws(), init=init)
    statistics = fit.per_cell(source.rows) if per_cell else None
    params = settings.params("scvis", schedule.n_steps) | {"perplexity": float(perplexity), "init": init}
    store_fit(adata, key_added, source, fit.mean_network(), name="scvis", params=params, history=fit.history)
    if statistics is not None:
        _write_per_cell(adata, key_added.removeprefix("X_"), *statistics)
    return adata if copy else None


def _write_per_cell(adata: AnnData, name: str, likelihood: np.ndarray, variances: np.ndarray) -> None:
    adata.obs[f"{name}_log_likelihood"] = likelihood
    for dimension, variance in enumerate(variances.T, start=1):
        adata.obs[f"{name}_variance_{dimension}"] = variance
