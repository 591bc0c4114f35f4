"""What is said of a finished explanation: how good it is and, if it is weak, what would explain more."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from scgce._api.warn import QualityWarning, warn
from scgce.core.score.metrics import off_diagonal_mean

logger = logging.getLogger("scgce")

WEAK = 0.5
"""Mean correctness or coverage below which the user is told what would explain more."""
_FOUND = "%d gene(s) a pair: correctness %.2f, coverage %.2f (real cells: %.2f) on the reported cells, mean over pairs"
_PROGRAMS = _FOUND.replace("gene(s)", "programme(s)")
_WEAK = (
    "few cells arrive with %d gene(s) a pair inside amplitude=%g: correctness %.2f, coverage %.2f (real cells: %.2f), "
    "mean over pairs of groups. A larger sparsity or a wider amplitude may explain more; get.metrics and tl.evidence "
    "show at what price"
)


def tell(entry: dict[str, Any]) -> None:
    """Log the mean scores of the selected sparsity; warn where bounded amounts of so few genes explain little.

    Parameters
    ----------
    entry
        As stored in ``adata.uns``.
    """
    correctness, coverage = off_diagonal_mean(entry["correctness"]), off_diagonal_mean(entry["coverage"])
    ceiling = float(np.diagonal(entry["correctness"]).mean())
    genes, amplitude = entry["params"]["sparsity_selected"], entry["params"]["amplitude"]
    if "programs" in entry:
        logger.info(_PROGRAMS, genes, correctness, coverage, ceiling)
    elif amplitude > 0 and min(correctness, coverage) < WEAK:
        warn(_WEAK % (genes, amplitude, correctness, coverage, ceiling), QualityWarning)
    else:
        logger.info(_FOUND, genes, correctness, coverage, ceiling)
