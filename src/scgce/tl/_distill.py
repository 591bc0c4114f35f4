"""A distilled student of any representation of an AnnData."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from anndata import AnnData

from scgce._api.adata import basis_key, check_finite, coordinates, gene_names, get_matrix
from scgce._api.constraints import NEW_NAME, NONE, TEXT, checked, whole
from scgce._api.device import resolve_device
from scgce._api.docs import with_docs
from scgce.embedding.source import gene_means
from scgce.encoders import Encoder, Training, distill_student, linear_from_pca
from scgce.encoders._linear import has_loadings, is_pca
from scgce.explain.params import stored_seed
from scgce.matrix.arrays import check_matrix

from ._embed import GENES, store

logger = logging.getLogger("scgce")


@checked(use_rep=TEXT, basis=TEXT, n_steps=whole(1) | NONE, key_added=NEW_NAME | NONE)
@with_docs
def distill(
    adata: AnnData,
    use_rep: str,
    *,
    basis: str = "X_pca",
    n_pcs: int = 50,
    hidden: Sequence[int] = (64, 64),
    noise: float | None = None,
    batch_size: int = 256,
    learning_rate: float = 1e-2,
    weight_decay: float = 0.1,
    n_steps: int | None = None,
    patience: int = 12,
    layer: str | None = None,
    rng: int | np.random.Generator = 0,
    device: str = "auto",
    key_added: str | None = None,
    copy: bool = False,
) -> AnnData | None:
    """
    Train a student: a network that gives a representation from genes, for one that came without.

    UMAP, t-SNE, Harmony, scVI … are coordinates of the cells they were fitted on. The student can be differentiated
    and put on new cells. ``tl.tgt(use_rep="X_umap")`` trains one on its own; call this to choose its form, to look at
    it, or to use it several times. How well it reproduces the representation is measured on cells that it never saw: a
    tenth of all, and another tenth stops the training. An explanation of this student can then report on cells that
    trained it; the one that ``tl.tgt(use_rep="X_umap")`` trains sees the fitting cells only.

    Parameters
    ----------
    {adata}
    use_rep
        Key of ``adata.obsm``, (n, m).
    basis
        What the network reads: a PCA with its loadings (``"X_pca"``), or ``"X"`` for the genes of the matrix, by
        their first ``n_pcs`` components computed here (centred, all genes), as for a PCA that has lost its loadings.
    n_pcs
        Components where ``basis="X"``.
    hidden
        Widths of the hidden layers: one number for each layer.
    noise
        Noise added to the input while training, in units of the distance between nearest neighbours. None: 1 for maps
        of up to three dimensions, 0.25 for more, where it would blur what is small.
    batch_size
        Cells in a mini-batch.
    learning_rate, weight_decay
        Of AdamW.
    n_steps
        Most mini-batches; ``None`` for 600 and one more for every 30 cells, at most 3,000.
    patience
        Early stopping: looks at a tenth of the cells, every 50 mini-batches, without a lower loss before it stops.
    {layer}
    {rng}
    {device}
    key_added
        Key of ``obsm`` and ``uns``; ``use_rep`` with ``_student`` appended if None.
    {copy}

    Returns
    -------
    ``None``, or a copy if ``copy=True``. Sets these fields:

    ``adata.obsm[key_added]`` : float32 (n, m)
        What the student makes of the cells.
    ``adata.uns[key_added]``
        ``params``; ``encoder``, which ``tl.tgt(use_rep=key_added)`` and ``tl.embed_new`` read, and whose ``fidelity``
        holds the held-out ``r2``, ``neighbours`` (share of 15 nearest neighbours kept) and ``n_cells``;
        ``gene_means`` (d,); ``history`` (empty).

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range, the matrix or the representation is not finite, or training diverges.
    KeyError
        If ``use_rep``, ``basis`` or ``layer`` is not there.

    Warns
    -----
    UserWarning
        If the held-out R² is below 0.8.
    """
    how = Training(tuple(hidden), noise, weight_decay, learning_rate, batch_size, n_steps, patience)
    found, key = resolve_device(device), basis_key(adata, use_rep)
    target = coordinates(adata, key)
    check_finite(target, adata, f"adata.obsm[{key!r}]")
    X = get_matrix(adata, layer)
    check_matrix(X, "adata.X" if layer is None else f"adata.layers[{layer!r}]")
    reads = _basis(adata, basis, key, layer)
    adata = adata.copy() if copy else adata
    student = distill_student(
        X,
        target,
        genes=gene_names(adata),
        basis=reads,
        n_pcs=n_pcs,
        how=how,
        rng=rng,
        device=found,
        order=np.argsort(adata.obs_names.to_numpy().astype(str), kind="stable"),
        name=key,
    )
    params = {
        "method": "distill",
        "use_rep": key,
        "basis": GENES if reads is None else basis,
        "layer": layer or "",
        "device": str(found),
        "hidden": np.array(how.hidden),
        "noise": how.noise_for(target.shape[1]),
        "batch_size": int(batch_size),
        "learning_rate": float(learning_rate),
        "weight_decay": float(weight_decay),
        "n_steps": how.steps(adata.n_obs),
        "patience": int(patience),
        "seed": stored_seed(rng),
    }
    store(adata, key_added or f"{key}_student", student, X=X, means=gene_means(X), params=params, history={})
    return adata if copy else None


def _basis(adata: AnnData, basis: str, taught: str, layer: str | None) -> Encoder | None:
    """What the student of obsm[taught] reads; None for components of the genes, also where the PCA cannot be read."""
    if basis == GENES:
        return None
    key = basis_key(adata, basis, "basis")
    if is_pca(adata, key) and not has_loadings(adata, key):
        logger.info("obsm[%r] has no loadings: the student reads principal components of the genes", key)
        return None
    try:
        return linear_from_pca(adata, key, layer=layer)
    except ValueError:
        if key != taught:
            raise
        logger.info("obsm[%r] is not what its loadings give: the student reads principal components of the genes", key)
        return None
