"""Public plots. Each takes ``ax``, ``show`` and ``return_fig`` as scanpy's do and never writes into the AnnData."""

from __future__ import annotations

from scgce.pl._codebook import codebook
from scgce.pl._compare import compare
from scgce.pl._contrasts import contrasts
from scgce.pl._dose import dose
from scgce.pl._embedding_shift import embedding_shift
from scgce.pl._explanation import explanation
from scgce.pl._groups import groups
from scgce.pl._heatmap import heatmap
from scgce.pl._label_distribution import label_distribution
from scgce.pl._levels import levels
from scgce.pl._markers import markers
from scgce.pl._metrics import metrics
from scgce.pl._panel import panel
from scgce.pl._path import path
from scgce.pl._stability import stability
from scgce.pl._sweep import sweep
from scgce.pl._training import training
from scgce.pl._translation import translation

__all__ = [
    "codebook",
    "compare",
    "contrasts",
    "dose",
    "embedding_shift",
    "explanation",
    "groups",
    "heatmap",
    "label_distribution",
    "levels",
    "markers",
    "metrics",
    "panel",
    "path",
    "stability",
    "sweep",
    "training",
    "translation",
]
