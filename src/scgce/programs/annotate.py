"""Which known set a programme is most like: over-representation by the hypergeometric test."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import false_discovery_control, hypergeom

from .base import Programs

_TIE = 1e-9


def over_representation(programs: Programs, sets: Programs) -> pd.DataFrame:
    """Test every programme against every set.

    A gene belongs to the programme that has its largest share (to each, if several have), so that factors that overlap
    are tested by what is theirs. Genes in no programme are not counted: where the least varying genes stay out of all
    programmes, counting them would make every set of expressed genes look over-represented.

    Parameters
    ----------
    programs, sets
        Over the same genes.

    Returns
    -------
    One row per programme and set: ``program``, ``set``, ``overlap`` (genes in both), ``n_genes`` (of the programme),
    ``n_set`` (of the set, among all programmes' genes), ``p_value`` (chance of at least that overlap for as many genes
    drawn from all programmes'), ``p_adjusted`` (Benjamini–Hochberg over all rows).
    """
    universe = programs.covered
    one, other = _most(programs.membership[universe]), (sets.membership[universe] > 0).astype(np.int64)
    overlap = (one.T @ other).toarray()
    sizes, n_set = (np.asarray(part.sum(axis=0)).ravel() for part in (one, other))
    p_value = hypergeom.sf(overlap - 1, int(universe.sum()), n_set[None, :], sizes[:, None])
    p_value = np.clip(p_value, 0.0, 1.0)
    n, m = overlap.shape
    return pd.DataFrame(
        {
            "program": np.repeat(programs.names, m),
            "set": np.tile(sets.names, n),
            "overlap": overlap.ravel(),
            "n_genes": np.repeat(sizes, m),
            "n_set": np.tile(n_set, n),
            "p_value": p_value.ravel(),
            "p_adjusted": false_discovery_control(p_value.ravel()),
        }
    )


def best_sets(programs: Programs, sets: Programs) -> pd.DataFrame:
    """The set of the smallest p-value for every programme, in their order; an empty name where none shares a gene."""
    table = over_representation(programs, sets)
    order = table.sort_values(["p_value", "overlap", "set"], ascending=[True, False, True], kind="stable")
    best = order.drop_duplicates("program").set_index("program").loc[list(programs.names)].reset_index()
    best.loc[best["overlap"] == 0, "set"] = ""
    return best


def _most(membership: sparse.csc_array) -> sparse.csc_array:
    """1 where a gene has its largest share."""
    rows = sparse.csr_array(membership)
    largest = rows.max(axis=1).toarray().ravel()
    found = rows.tocoo()
    kept = (found.data > 0) & (found.data >= largest[found.row] * (1 - _TIE))
    ones = np.ones(kept.sum(), dtype=np.int64)
    return sparse.csc_array((ones, (found.row[kept], found.col[kept])), shape=rows.shape)
