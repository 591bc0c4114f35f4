"""What is said of a finished explanation: how good it is and, if it is weak, what would explain more."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from scgce._api.warn import QualityWarning, warn
from scgce.core.pairs import listed
from scgce.core.score.agree import disagreeing
from scgce.core.score.metrics import off_diagonal_mean

logger = logging.getLogger("scgce")

WEAK = 0.5
"""Mean correctness or coverage below which the user is told what would explain more."""
_FOUND = "%s a pair: correctness %.2f, coverage %.2f (real cells: %.2f) on the reported cells, mean over pairs"
_WEAK = (
    "few cells arrive with %s a pair inside amplitude=%g: correctness %.2f, coverage %.2f (real cells: %.2f), "
    "mean over pairs of groups. A larger sparsity or a wider amplitude may explain more; get.metrics and tl.evidence "
    "show at what price"
)
_DISAGREE = (
    "map and judges disagree in %d of %d pairs: %s. Their cells arrive on the map without looking like the target to "
    "classifiers that never saw it; do not rely on these pairs, or try more genes or a smaller amplitude"
)
_NAMED = 5
"""Pairs that the warning names."""


def tell(entry: dict[str, Any]) -> None:
    """Log the mean scores of the selected sparsity; warn where they are weak, and where the judges do not agree.

    Parameters
    ----------
    entry
        As stored in ``adata.uns``.
    """
    correctness, coverage = off_diagonal_mean(entry["correctness"]), off_diagonal_mean(entry["coverage"])
    ceiling = float(np.diagonal(entry["correctness"]).mean())
    selected, amplitude = entry["params"]["sparsity_selected"], entry["params"]["amplitude"]
    items = f"{selected} {'programme' if 'programs' in entry else 'gene'}{'' if selected == 1 else 's'}"
    if "programs" not in entry and amplitude > 0 and min(correctness, coverage) < WEAK:
        warn(_WEAK % (items, amplitude, correctness, coverage, ceiling), QualityWarning)
    else:
        logger.info(_FOUND, items, correctness, coverage, ceiling)
    _compare(entry)


def _compare(entry: dict[str, Any]) -> None:
    """Warn where the map counts a pair as explained and the judges do not."""
    names = [str(name) for name in entry["groups"]]
    found = disagreeing(entry["correctness"], [entry[name] for name in entry if name.startswith("judge_")])
    if found:
        shown = [f"{names[i]} → {names[j]} (map {ours:.2f}, judges {theirs:.2f})" for i, j, ours, theirs in found]
        more = f", … and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        pairs = len(listed(len(names), entry.get("asked")))
        warn(_DISAGREE % (len(found), pairs, ", ".join(shown[:_NAMED]) + more), QualityWarning)
