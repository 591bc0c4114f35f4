"""Independent judges of translated cells: they took no part in the fit and never saw the representation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from scgce.core.truncate import PairCuts

from ._prepare import Prepared


@dataclass(frozen=True)
class Panel:
    """Judges fitted on the fitting cells, with the reported cells they are asked about."""

    judges: dict[str, Any]

    @classmethod
    def fit(cls, prepared: Prepared, judges: Any) -> Panel:
        return cls({})

    def scores(self, cuts: PairCuts, *, clip: bool) -> dict[str, np.ndarray]:
        return {}
