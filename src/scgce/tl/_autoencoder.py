"""The autoencoder embedding of an AnnData."""

from __future__ import annotations

import numpy as np
from anndata import AnnData

from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce.embedding.autoencoder import fit_autoencoder

from ._embed import Settings, read_source, store_fit

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
    {reads}
    {layer}
    {read_mask}
    batch_size
        Cells in a mini-batch.
    learning_rate, weight_decay
        Adam's rate at the start (it falls to a hundredth along half a cosine), and its L2 penalty.
    n_epochs
        Most passes over the cells; ``None`` for as many as make 5,000 mini-batches.
    {patience}
    {held_out}
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
    fit = fit_autoencoder(source.rows, n_components, schedule, **settings.draws())
    params = settings.params("autoencoder", schedule.n_steps)
    store_fit(adata, key_added, source, fit.network, name="autoencoder", params=params, history=fit.history)
    return adata if copy else None
