"""The autoencoder embedding of an AnnData."""

from __future__ import annotations

import numpy as np
from anndata import AnnData

from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce.embedding.autoencoder import fit_autoencoder

from ._embed import Settings, read_source, store

DEFAULT_STEPS = 5000


@checked()
@with_docs
def autoencoder(
    adata: AnnData,
    *,
    n_components: int = 2,
    use_rep: str = "X_pca",
    layer: str | None = None,
    mask_var: str | np.ndarray | None = None,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.0,
    n_epochs: int | None = None,
    patience: int = 10,
    validation_fraction: float = 0.1,
    rng: int | np.random.Generator = 0,
    device: str = "auto",
    key_added: str = "X_autoencoder",
    copy: bool = False,
) -> AnnData | None:
    """
    Fit an autoencoder: the map from which the input can best be computed back.

    Encoder 100-100-m and its mirror image, leaky ReLU, mean squared error, Adam: the network of the paper's synthetic
    example. It keeps large distances rather than neighbours; `tl.scvis` and `tl.umap_loss` show groups better.

    Parameters
    ----------
    {adata}
    n_components
        Width m of the bottleneck: dimensions of the map.
    use_rep
        What the network reads: a PCA with its loadings (``"X_pca"``), or ``"X"`` for the genes themselves. Either way
        the stored encoder reads genes.
    {layer}
    mask_var
        Boolean column of ``adata.var`` or array (d,): genes that are read; only with ``use_rep="X"``.
    batch_size
        Cells in a mini-batch.
    learning_rate, weight_decay
        Adam's rate at the start (it falls to a hundredth along half a cosine), and its L2 penalty.
    n_epochs
        Most passes over the cells; ``None`` for as many as make 5,000 mini-batches.
    patience
        Early stopping: looks at the held-out cells, every 50 mini-batches, without a lower loss before training
        stops. 0 for never, and no cells are held out.
    validation_fraction
        Share of the cells that are held out of training for early stopping.
    {rng}
    {device}
    key_added
        Key of ``obsm`` and ``uns``.
    {copy}

    Returns
    -------
    ``None``, or a copy if ``copy=True``. Sets these fields:

    ``adata.obsm[key_added]`` : float32 (n, m)
        The map.
    ``adata.uns[key_added]``
        ``params``; ``encoder``, which ``tl.tgt(use_rep=key_added)`` and ``tl.embed_new`` read; ``gene_means`` (d,);
        ``history`` with the loss, one number for every 50 mini-batches.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range, the matrix is not finite, ``use_rep`` has no loadings, or the loss diverges.
    KeyError
        If ``use_rep``, ``layer`` or ``mask_var`` is not there.

    References
    ----------
    Kramer 1991; Plumb et al. 2020, section 4.1.
    """
    settings = Settings(
        n_components, batch_size, learning_rate, weight_decay, n_epochs, patience, validation_fraction, rng
    )
    adata = adata.copy() if copy else adata
    source = read_source(adata, use_rep=use_rep, layer=layer, mask_var=mask_var, device=device, unit="rms")
    schedule = settings.schedule(adata.n_obs, DEFAULT_STEPS)
    fit = fit_autoencoder(
        source.rows,
        n_components,
        schedule,
        batch_size=batch_size,
        held_out=settings.held_out,
        rng=np.random.default_rng(rng),
    )
    store(
        adata,
        key_added,
        source.encoder(fit.network, "autoencoder"),
        X=source.X,
        means=source.means,
        params={**source.params, **settings.params("autoencoder", schedule.n_steps)},
        history=fit.history,
    )
    return adata if copy else None
