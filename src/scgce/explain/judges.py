"""Independent judges of translated cells: they took no part in the fit and never saw the representation."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from scgce._api.columns import label_among
from scgce._api.errors import NotFoundError, listing
from scgce.core.choose.truncate import PairCuts
from scgce.core.score.judges import Judge, fit_judges
from scgce.core.score.translator import dense_rows
from scgce.core.score.verdicts import Verdicts
from scgce.encoders import Encoder
from scgce.matrix import arrays

from .read import Prepared
from .split import FIT, REPORT

MOST_JUDGED, LEAST_JUDGED = 100, 20
"""Reported cells per group that are put before the judges: of up to `_ALL` groups, and of very many."""
MOST_TAUGHT, LEAST_TAUGHT = 200, 30
"""Fitting cells per group that teach them."""
_ALL = 20
_TRIED = 50
"""Real cells that a user's judge is asked about first."""


def _per_group(most: int, least: int, n_groups: int) -> int:
    """Cells per group: as many in all as `_ALL` groups would have, but a few of each."""
    return max(least, min(most, most * _ALL // n_groups))


@dataclass(frozen=True)
class Panel:
    """Judges with the reported cells they are asked about."""

    verdicts: dict[str, Verdicts]
    movable: np.ndarray
    """Genes that the two standard judges read, bool (d,)."""

    @classmethod
    def fit(
        cls,
        prepared: Prepared,
        judges: bool | Mapping[str, Any],
        fitted_on: Prepared | None = None,
        parents: Mapping[str, str] | None = None,
        movable: np.ndarray | None = None,
        genes: np.ndarray | None = None,
    ) -> Panel:
        """Logistic regression and kNN fitted on the fitting cells; in a mapping, more by name, fitted by the user.

        A user's judge has ``predict`` from dense cells (n, d) to the groups' labels; where groups are lineages, also to
        those of their members, which ``parents`` maps to lineages. ``movable`` are the genes that the two standard
        judges read; `movable_genes` of the encoder if None. ``genes`` are those explained, in the order in which a
        user's judge reads them if it names none; those of ``prepared`` if None.
        """
        home = prepared if fitted_on is None else fitted_on
        rows = home.rows(FIT, _per_group(MOST_TAUGHT, LEAST_TAUGHT, home.groups.n))
        place = {name: index for index, name in enumerate(prepared.groups.names)}
        codes = np.array([place.get(name, -1) for name in home.groups.names])[home.groups.codes[rows]]
        taught, there = _by_name(arrays.csr_rows(home.X, rows), home.genes, prepared.genes)
        read = (movable_genes(prepared.encoder) if movable is None else movable) & there
        found = _fitted(taught, codes, read, home.seed)
        given = dict(judges) if isinstance(judges, Mapping) else {}
        rows = prepared.rows(REPORT, _per_group(MOST_JUDGED, LEAST_JUDGED, prepared.groups.n))
        cells, codes = arrays.csr_rows(prepared.X, rows), prepared.groups.codes[rows]
        labels = [str(name) for name in prepared.groups.names]
        n, bounds = prepared.groups.n, prepared.bounds
        verdicts = {name: Verdicts(judge, cells, codes, n, bounds=bounds) for name, judge in found.items()}
        explained = prepared.genes if genes is None else genes
        for name, judge in given.items():
            named = _Named(judge, labels, parents or {}, _columns_read(name, judge, prepared.genes, explained))
            named.check(name, dense_rows(cells)(slice(0, None, max(1, cells.shape[0] // _TRIED))).numpy())
            verdicts[name] = Verdicts(named, cells, codes, n, labels=labels, bounds=bounds)
        return cls({f"judge_{name}": verdict for name, verdict in verdicts.items()}, read)

    def scores(self, cuts: PairCuts, pairs: Sequence[tuple[int, int]] | None = None) -> dict[str, np.ndarray]:
        """Share of the translated cells of i that each judge calls j, (l, l) each; of some pairs, NaN elsewhere."""
        return {name: verdict.score(cuts, pairs) for name, verdict in self.verdicts.items()}


def movable_genes(encoder: Encoder, costs: np.ndarray | None = None) -> np.ndarray:
    """Genes that an explanation may move, bool (d,): those that the map reads, without those that are forbidden.

    A judge that reads more is told by the others that nothing has changed; where the map reads the variable genes and X
    holds all, that is what it mostly hears.
    """
    read = np.ones(encoder.n_genes, bool) if encoder.W is None else (encoder.W != 0).any(dim=1).numpy()
    allowed = read if costs is None else read & np.isfinite(costs)
    return allowed if allowed.any() else read


def stored_movable(entry: Mapping[str, Any], genes: np.ndarray) -> np.ndarray | None:
    """The genes that a stored explanation could move, among ``genes``, bool (d,); None if it does not say."""
    if "movable" not in entry:
        return None
    known = dict(zip(entry["genes"], np.asarray(entry["movable"], dtype=bool), strict=True))
    return np.array([known.get(name, False) for name in genes])


_MOST_KEPT = 8
_kept: OrderedDict[str, dict[str, Judge]] = OrderedDict()


def _fitted(X: sparse.csr_array, codes: np.ndarray, read: np.ndarray, seed: int) -> dict[str, Any]:
    """The two judges of these cells, fitted once: every tool asks the same ones about one AnnData and split.

    They are known by a digest of all that they are made from, so that no change of the cells goes unnoticed.
    """
    digest = hashlib.blake2b(repr((X.shape, seed)).encode())
    for part in (X.indptr, X.indices, X.data, codes, read):
        digest.update(np.ascontiguousarray(part).tobytes())
    key = digest.hexdigest()
    if key not in _kept:
        _kept[key] = fit_judges(X, codes, genes=read, rng=seed)
        while len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    return dict(_kept[key])


class _Named:
    """A user's judge with its genes by name, and its answers as text, members of a lineage as the lineage."""

    def __init__(self, judge: Any, labels: list[str], parents: Mapping[str, str], columns: np.ndarray | None) -> None:
        self.judge, self.columns = judge, columns
        self.meant = {**{label: label for label in labels}, **parents}

    def check(self, name: str, X: np.ndarray) -> None:
        """Refuse a judge none of whose answers is a group: it would score 0 everywhere, whatever it has learned."""
        answers = {*self.predict(X), *self._called(getattr(self.judge, "classes_", ()))}
        if not answers & set(self.meant.values()):
            raise ValueError(
                f"judges: {name!r} answers {listing(sorted(answers))}, none of the groups: {listing(self.meant)}; "
                "expected a classifier whose predict gives the groups' labels, not their numbers"
            )

    def _called(self, answers: Any) -> list[str]:
        """Answers by the names of the groups, members of a lineage by the lineage's."""
        given = np.asarray(answers).ravel().tolist()
        names = {one: label_among(one, self.meant) for one in set(given)}
        return [self.meant.get(names[one], names[one]) for one in given]

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Labels (n,) of dense cells (n, d)."""
        cells = X if self.columns is None else X[:, self.columns]
        if hasattr(self.judge, "feature_names_in_"):
            cells = pd.DataFrame(cells, columns=self.judge.feature_names_in_)
        answers = np.asarray(self.judge.predict(cells)).ravel()
        if len(answers) != len(X):
            given = type(self.judge).__name__
            raise ValueError(f"judges: predict of {given} gave {len(answers)} labels for {len(X)} cells")
        return np.array(self._called(answers), dtype=object)


def _columns_read(name: str, judge: Any, genes: np.ndarray, explained: np.ndarray) -> np.ndarray | None:
    """Where the genes that a user's judge reads stand among ``genes``; None if it reads them as they stand."""
    wanted = np.asarray(getattr(judge, "feature_names_in_", explained)).astype(str)
    if np.array_equal(wanted, genes.astype(str)):
        return None
    place = {str(gene): index for index, gene in enumerate(genes)}
    missing = [gene for gene in wanted if gene not in place]
    if missing:
        raise NotFoundError(f"judges: {name!r} reads {len(missing)} genes that adata lacks: {listing(missing)}")
    return np.array([place[gene] for gene in wanted])


def _by_name(X: sparse.csr_array, names: np.ndarray, wanted: np.ndarray) -> tuple[sparse.csr_array, np.ndarray]:
    """Columns of X under the wanted genes, empty for one that it lacks; and which it has, bool."""
    if np.array_equal(names, wanted):
        return X, np.ones(len(wanted), dtype=bool)
    place = {name: index for index, name in enumerate(names)}
    column = np.array([place.get(name, -1) for name in wanted])
    there = column >= 0
    shape = (len(names), len(wanted))
    takes = sparse.csr_array((np.ones(there.sum(), X.dtype), (column[there], np.flatnonzero(there))), shape=shape)
    found = sparse.csr_array(X @ takes)
    found.sort_indices()  # so that sums run in one order, whatever the order there
    return found, there
