"""New cells on a map that was fitted on others."""

from __future__ import annotations

import logging
from typing import Any, Literal

import numpy as np
import torch
from anndata import AnnData

from scgce._api.adata import gene_names, get_matrix, log_base, warn_if_counts
from scgce._api.constraints import DATA, NEW_NAME, NONE, checked
from scgce._api.docs import with_docs
from scgce._api.errors import listing
from scgce._api.warn import warn
from scgce.encoders import Encoder, encoder_from_uns
from scgce.explain.units import check_units
from scgce.matrix.arrays import check_matrix
from scgce.store.layout import PARAMS

from ._embed import store, stored_embedding

logger = logging.getLogger("scgce")

MANY_MISSING = 0.2
"""Share of the encoder's genes from which on missing ones are warned about."""


@checked(reference=DATA | NONE, key_added=NEW_NAME | NONE)
@with_docs
def embed_new(
    adata: AnnData,
    *,
    key: str = "X_scvis",
    reference: AnnData | None = None,
    layer: str | None = None,
    missing: Literal["mean", "zero", "error"] = "mean",
    key_added: str | None = None,
    copy: bool = False,
) -> AnnData | None:
    """
    Put new cells on a map with its stored encoder.

    Genes are matched by name, in whatever order; genes that the encoder does not know are ignored. The expression
    must be made as the reference's was (same normalisation, log1p).

    Parameters
    ----------
    adata
        The new cells, n × d.
    key
        What `tl.scvis`, `tl.autoencoder`, `tl.umap_loss` or `tl.distill` wrote: its ``key_added``.
    reference
        The AnnData that it was fitted on; None if ``adata`` itself holds it.
    {layer}
    missing
        What a gene counts as that the encoder reads and ``adata`` lacks, in every cell: ``"mean"``, its mean over
        the reference's cells; ``"zero"``, not expressed; ``"error"`` to refuse.
    key_added
        Key of ``obsm`` and ``uns``; ``key`` if None.
    {copy}

    Returns
    -------
    ``None``, or a copy if ``copy=True``. Sets these fields:

    ``adata.obsm[key_added]`` : float32 (n, m)
        Positions on the reference's map.
    ``adata.uns[key_added]``
        The encoder for the genes of ``adata`` (missing ones folded into its offset), so that ``tl.tgt`` and
        `tl.embed_new` work from here; ``missing_genes``; ``params``, ``gene_means`` and ``history`` as fitted.

    Raises
    ------
    KeyError
        If there is no such embedding, or no such layer.
    ValueError
        If the cells share no gene with the encoder, genes are missing and ``missing="error"``, or the matrix is in
        other units than the reference's: scaled, counts, another logarithm.

    Warns
    -----
    UserWarning
        If a fifth or more of the encoder's genes are missing, the matrix looks like raw counts, or it may be in other
        units than the reference's.
    """
    adata = adata.copy() if copy else adata
    entry = stored_embedding(adata if reference is None else reference, key)
    X, genes = get_matrix(adata, layer), gene_names(adata)
    where = "adata.X" if layer is None else f"adata.layers[{layer!r}]"
    check_matrix(X, where)
    encoder = encoder_from_uns(entry["encoder"])
    means = np.asarray(entry["gene_means"], dtype=np.float32)
    there = {str(gene): column for column, gene in enumerate(genes)}
    columns = np.array([there.get(str(gene), -1) for gene in encoder.genes])
    known: dict[str, Any] = {"stored": entry.get("units"), "base": log_base(adata, layer)}
    check_units(X, np.zeros(adata.n_obs, dtype=np.int64), means[None, :], columns, where, **known)
    warn_if_counts(X, where)
    fitted, absent = without(encoder, genes, means if missing == "mean" else np.zeros_like(means))
    _report(encoder, absent, missing, key)
    params = {**entry[PARAMS], "layer": layer or "", "missing": missing}
    known = dict(zip(encoder.genes, means, strict=True))
    store(
        adata,
        key_added or key,
        fitted,
        X=X,
        means=np.array([known.get(gene, 0.0) for gene in genes], dtype=np.float32),
        params=params,
        history=entry.get("history", {}),
        missing_genes=absent.astype(object),
    )
    return adata if copy else None


def without(encoder: Encoder, genes: np.ndarray, fill: np.ndarray) -> tuple[Encoder, np.ndarray]:
    """
    The encoder for another list of genes, and the names of those that it reads and the list lacks.

    Parameters
    ----------
    encoder
        With a leading linear map.
    genes
        (d',) names.
    fill
        (d,) what each of the encoder's genes counts as where it is missing.
    """
    W, b = encoder.W, encoder.b
    if W is None or b is None:
        raise ValueError(f"the encoder ({encoder.name}) has no leading linear map; missing genes cannot be filled in")
    present = np.isin(encoder.genes, genes.astype(str))
    absent = ~present
    used = (W != 0).any(dim=1).numpy()
    if not (present & used).any():
        raise ValueError(
            f"adata shares none of the {int(used.sum())} genes that the encoder reads (such as "
            f"{listing(encoder.genes[used][:3])}); its names are like {listing(genes[:3])}"
        )
    offset = torch.from_numpy(fill[absent]).double() @ W[torch.from_numpy(absent)].double()
    reduced = Encoder(
        kind=encoder.kind,
        genes=encoder.genes[present],
        W=W[torch.from_numpy(present)],
        b=b.double() + offset,
        tail=encoder.tail,
        n_dims=encoder.n_dims,
        fidelity=encoder.fidelity,
        name=encoder.name,
    )
    return reduced.align(genes), encoder.genes[absent & used]


def _report(encoder: Encoder, absent: np.ndarray, missing: str, key: str) -> None:
    """Say which genes are missing."""
    if not len(absent):
        return
    W: Any = encoder.W
    n_used = int((W != 0).any(dim=1).sum())
    message = f"{len(absent)} of the {n_used} genes that the encoder of {key!r} reads are missing: {listing(absent)}"
    if missing == "error":
        raise ValueError(f"{message}. missing='mean' or 'zero' fills them in")
    filled = "the reference's mean" if missing == "mean" else "0"
    if len(absent) >= MANY_MISSING * n_used:
        warn(f"{message}. They count as {filled}; positions may be off")
    else:
        logger.info("%s; they count as %s", message, filled)
