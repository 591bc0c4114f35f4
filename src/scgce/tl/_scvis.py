"""The scvis embedding of an AnnData."""

from __future__ import annotations

import numpy as np
from anndata import AnnData

from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce.embedding.scvis import DEFAULT_STEPS, ScvisLoss, fit_scvis
from scgce.embedding.warm import Init

from ._embed import Settings, read_source, store


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
    n_components
        Dimensions m of the map.
    init
        Where the map starts: at the principal components of what the network reads, which makes the broad layout depend
        less on the seed, or at ``"random"``.
    use_rep
        What the network reads: a PCA with its loadings (``"X_pca"``), or ``"X"`` for the genes themselves. Either way
        the stored encoder reads genes.
    {layer}
    mask_var
        Boolean column of ``adata.var`` or array (d,): genes that are read; only with ``use_rep="X"``.
    perplexity
        Effective number of neighbours of a cell within a mini-batch.
    batch_size
        Cells in a mini-batch.
    learning_rate, weight_decay
        Adam's rate at the start (it falls to a hundredth along half a cosine), and the L2 penalty on the weights beside
        the loss of the paper, whose t-SNE term weighs as much as the network has inputs.
    n_epochs
        Passes over the cells; ``None`` for as many as make 3,000 mini-batches.
    patience
        Early stopping: looks at the held-out cells, every 50 mini-batches, without a lower loss before training
        stops. 0 for never, and no cells are held out.
    validation_fraction
        Share of the cells that are held out of training for early stopping.
    per_cell
        Also store every cell's log-likelihood and latent variance.
    {rng}
    {device}
    key_added
        Key of ``obsm`` and ``uns``.
    {copy}

    Returns
    -------
    ``None``, or a copy if ``copy=True``. Sets these fields:

    ``adata.obsm[key_added]`` : float32 (n, m)
        Latent means: the map.
    ``adata.uns[key_added]``
        ``params``; ``encoder``, which ``tl.tgt(use_rep=key_added)`` and ``tl.embed_new`` read; ``gene_means`` (d,);
        ``history`` with the terms of the loss, one number for every 50 mini-batches.
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
    fit = fit_scvis(
        source.rows,
        n_components,
        ScvisLoss(perplexity=perplexity),
        schedule,
        batch_size=batch_size,
        held_out=settings.held_out,
        rng=np.random.default_rng(rng),
        init=init,
    )
    statistics = fit.per_cell(source.rows) if per_cell else None
    store(
        adata,
        key_added,
        source.encoder(fit.mean_network(), "scvis"),
        X=source.X,
        means=source.means,
        params={
            **source.params,
            **settings.params("scvis", schedule.n_steps),
            "perplexity": float(perplexity),
            "init": init,
        },
        history=fit.history,
    )
    if statistics is not None:
        name = key_added.removeprefix("X_")
        adata.obs[f"{name}_log_likelihood"] = statistics[0]
        for dimension, variance in enumerate(statistics[1].T, start=1):
            adata.obs[f"{name}_variance_{dimension}"] = variance
    return adata if copy else None
