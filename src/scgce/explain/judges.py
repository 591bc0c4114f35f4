"""Independent judges of translated cells: they took no part in the fit and never saw the representation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from scgce._api.errors import NotFoundError
from scgce.core.choose.truncate import PairCuts
from scgce.core.score.judges import fit_judges
from scgce.core.score.verdicts import Verdicts
from scgce.matrix import arrays

from .read import Prepared
from .split import FIT, REPORT

MOST_JUDGED = 100
"""Reported cells per group that are put before the judges."""


@dataclass(frozen=True)
class Panel:
    """Judges with the reported cells they are asked about."""

    verdicts: dict[str, Verdicts]

    @classmethod
    def fit(
        cls,
        prepared: Prepared,
        judges: bool | Mapping[str, Any],
        fitted_on: Prepared | None = None,
        parents: Mapping[str, str] | None = None,
    ) -> Panel:
        """Logistic regression and kNN fitted on the fitting cells; in a mapping, more by name, fitted by the user.

        A user's judge has ``predict`` from dense cells (n, d) to the groups' labels; where groups are lineages, also to
        those of their members, which ``parents`` maps to lineages.
        """
        home = prepared if fitted_on is None else fitted_on
        rows = home.rows(FIT, MOST_JUDGED * 2)
        place = {name: index for index, name in enumerate(prepared.groups.names)}
        codes = np.array([place.get(name, -1) for name in home.groups.names])[home.groups.codes[rows]]
        columns = _positions(home.genes, prepared.genes)
        found: dict[str, Any] = dict(fit_judges(arrays.csr_rows(home.X, rows)[:, columns], codes, rng=home.seed))
        given = dict(judges) if isinstance(judges, Mapping) else {}
        rows = prepared.rows(REPORT, MOST_JUDGED)
        cells, codes = arrays.csr_rows(prepared.X, rows), prepared.groups.codes[rows]
        labels = [str(name) for name in prepared.groups.names]
        n, bounds = prepared.groups.n, prepared.bounds
        verdicts = {name: Verdicts(judge, cells, codes, n, bounds=bounds) for name, judge in found.items()}
        verdicts |= {
            name: Verdicts(_Named(judge, parents or {}), cells, codes, n, labels=labels, bounds=bounds)
            for name, judge in given.items()
        }
        return cls({f"judge_{name}": verdict for name, verdict in verdicts.items()})

    def scores(self, cuts: PairCuts) -> dict[str, np.ndarray]:
        """Share of the translated cells of i that each judge calls j, (l, l) each."""
        return {name: verdict.score(cuts) for name, verdict in self.verdicts.items()}


class _Named:
    """A user's judge with its answers as text, members of a lineage as the lineage."""

    def __init__(self, judge: Any, parents: Mapping[str, str]) -> None:
        self.judge, self.parents = judge, parents

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Labels (n,) of dense cells (n, d)."""
        answers = [str(answer) for answer in np.asarray(self.judge.predict(X)).ravel()]
        return np.array([self.parents.get(answer, answer) for answer in answers], dtype=object)


def _positions(names: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where each wanted gene stands among the names."""
    place = {name: index for index, name in enumerate(names)}
    missing = [name for name in wanted if name not in place]
    if missing:
        raise NotFoundError(f"judges cannot be fitted: {len(missing)} genes are not in the reference: {missing[:5]}")
    return np.array([place[name] for name in wanted])
