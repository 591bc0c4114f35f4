"""Public plots. Each takes ``ax``, ``show`` and ``return_fig`` as scanpy's do and never writes into the AnnData."""

from __future__ import annotations

from scgce.pl._explanation import explanation
from scgce.pl._groups import groups
from scgce.pl._metrics import metrics
from scgce.pl._sweep import sweep

__all__ = ["explanation", "groups", "metrics", "sweep"]
