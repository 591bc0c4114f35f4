"""Mean metrics of several stored results side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from anndata import AnnData

from scgce._api.constraints import checked
from scgce.get._metrics import metrics, sweep
from scgce.store.result import Result

DIFFERENCES = ("dbm_correctness", "dbm_coverage", "dbm_scaled_correctness", "dbm_scaled_coverage", "dbm_factor")
_NOTHING = dict.fromkeys(DIFFERENCES, np.nan)


@checked()
def compare(adata: AnnData, keys: Sequence[str], *, include_self: bool = False) -> pd.DataFrame:
    """Mean metrics of several results at every sparsity they hold.

    Parameters
    ----------
    adata
        Annotated data with the results.
    keys
        Names in ``adata.uns``.
    include_self
        Average over the full matrix including each group against itself, the paper's convention.

    Returns
    -------
    One row per key and sparsity: ``key``, ``method``, ``amplitude`` (NaN when unbounded), ``sparsity``, ``selected``
    and the means over pairs of ``n_genes``, ``correctness``, ``coverage``, ``percent_explained``, ``judge_logreg``
    and ``judge_knn``; beside them the difference of means cut to as many genes at real
    amounts (``dbm_correctness``, ``dbm_coverage``) and times its best factor (``dbm_scaled_correctness``,
    ``dbm_scaled_coverage``, ``dbm_factor``), NaN where it is not stored.

    Raises
    ------
    KeyError
        If a key is absent.
    TypeError
        If ``keys`` is one string.
    ValueError
        If ``keys`` is empty.
    """
    if isinstance(keys, str):
        raise TypeError(f"keys={keys!r}: expected a list of names in adata.uns, such as [{keys!r}, 'dbm']")
    if not len(keys):
        raise ValueError("keys=[]: expected at least one name in adata.uns")
    rows = []
    for key in keys:
        result = Result.read(adata, key)
        amplitude = float(result.params.get("amplitude", -1.0))
        beside = _differences(adata, result, include_self=include_self)
        for k in result.swept:
            table = metrics(adata, sparsity=k, include_self=include_self, key=key)
            head: dict[str, object] = {"key": key, "method": str(result.params.get("method", key))}
            head |= {"amplitude": np.nan if amplitude < 0 else amplitude, "sparsity": k}
            head["selected"] = k == result.selected
            rows.append(head | table.drop(columns=["source", "target"]).mean().to_dict() | beside.get(k, _NOTHING))
    return pd.DataFrame(rows)


def _differences(adata: AnnData, result: Result, *, include_self: bool) -> dict[int, dict[str, float]]:
    """The difference of means beside the result, at every sparsity."""
    if "sweep" not in result.raw:
        return {}
    frame = sweep(adata, key=result.key, include_self=include_self).set_index("sparsity")
    return {int(k): {name: float(row[name]) for name in DIFFERENCES} for k, row in frame.iterrows()}
