"""Tools: each reads an AnnData, computes, and writes its result back (``copy=True`` returns a copy instead)."""

from __future__ import annotations

from ._dbm import dbm
from ._evaluate import evaluate
from ._rank_genes import rank_genes
from ._scvis import scvis
from ._tgt import tgt

__all__ = ["dbm", "evaluate", "rank_genes", "scvis", "tgt"]
