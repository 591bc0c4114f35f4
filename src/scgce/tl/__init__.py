"""Tools: each reads an AnnData, computes, and writes its result back (``copy=True`` returns a copy instead)."""

from __future__ import annotations

from ._autoencoder import autoencoder
from ._dbm import dbm
from ._distill import distill
from ._embed_new import embed_new
from ._evaluate import evaluate
from ._evidence import evidence
from ._integrated_gradients import integrated_gradients
from ._lasso import lasso
from ._lineages import lineages
from ._marker_tests import marker_tests
from ._panel import panel
from ._programs import programs
from ._random_genes import random_genes
from ._rank_genes import rank_genes
from ._scvis import scvis
from ._stability import stability
from ._tgt import tgt
from ._umap_loss import umap_loss

__all__ = [
    "autoencoder",
    "dbm",
    "distill",
    "embed_new",
    "evaluate",
    "evidence",
    "integrated_gradients",
    "lasso",
    "lineages",
    "marker_tests",
    "panel",
    "programs",
    "random_genes",
    "rank_genes",
    "scvis",
    "stability",
    "tgt",
    "umap_loss",
]
