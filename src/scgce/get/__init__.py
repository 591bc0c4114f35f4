"""Public read access to stored results: tidy pandas objects."""

from __future__ import annotations

from scgce.get._attributions import attributions
from scgce.get._changes import changes
from scgce.get._codebook import codebook
from scgce.get._compare import compare
from scgce.get._contrasts import contrasts
from scgce.get._evidence import evidence, stability, unexplained
from scgce.get._explanation import deltas, explanation, pairs
from scgce.get._markers import markers
from scgce.get._metrics import metrics, sweep
from scgce.get._panel import panel, panel_curve, panel_pairs
from scgce.get._programs import programs

__all__ = [
    "attributions",
    "changes",
    "codebook",
    "compare",
    "contrasts",
    "deltas",
    "evidence",
    "explanation",
    "markers",
    "metrics",
    "pairs",
    "panel",
    "panel_curve",
    "panel_pairs",
    "programs",
    "stability",
    "sweep",
    "unexplained",
]
