"""Two stored results, gene by gene."""

from __future__ import annotations

import pandas as pd
from anndata import AnnData

from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce._api.symbols import with_symbols
from scgce.get._explanation import pairs
from scgce.store.result import Result


@checked()
@with_docs
def changes(
    adata: AnnData,
    other: AnnData | None = None,
    *,
    key: str = "tgt",
    other_key: str = "tgt",
    sparsity: int | None = None,
    other_sparsity: int | None = None,
    gene_symbols: str | None = None,
) -> pd.DataFrame:
    """How two results explain the same pairs, gene by gene.

    Parameters
    ----------
    adata
        Annotated data with the original result.
    other
        Annotated data with the result compared to it; ``adata`` if not given (then ``other_key`` must differ).
    key, other_key
        Where in ``uns`` the two results are.
    sparsity, other_sparsity
        Genes per pair of each. The original's selected number if not given; the other's the same if it was computed,
        else its selected number.
    {symbol_column}

    Returns
    -------
    One row per ordered pair of groups and gene that either result uses: ``source``, ``target``, ``gene``, ``delta``
    (original), ``delta_other``, ``change`` (other minus original) and ``relative_change``, the absolute change
    divided by the pair's largest absolute original delta (paper, Figures 30–32: 0 same, 1 as large as the original).

    Raises
    ------
    KeyError
        If there is no result under a key, or no column ``gene_symbols``.
    ValueError
        If the two have fewer than two groups in common, or both arguments name the same result.
    """
    second = adata if other is None else other
    original, compared = Result.read(adata, key), Result.read(second, other_key)
    sparsity = original.check_sparsity(sparsity)
    if other_sparsity is None:
        other_sparsity = sparsity if sparsity in compared.sparsities else compared.selected
    if second is adata and key == other_key and sparsity == other_sparsity:
        raise ValueError(f"key={key!r} and other_key={other_key!r} are the same result; name two")
    common = set(original.groups) & set(compared.groups)
    if len(common) < 2:
        raise ValueError(f"key={key!r} and other_key={other_key!r} have {len(common)} groups in common; need 2 or more")
    by = ["source", "target", "gene"]
    left = pairs(adata, sparsity=sparsity, key=key)[[*by, "delta"]]
    right = pairs(second, sparsity=other_sparsity, key=other_key)[[*by, "delta"]]
    frame = left.merge(right.rename(columns={"delta": "delta_other"}), on=by, how="outer")
    frame = frame[frame["source"].isin(common) & frame["target"].isin(common)].fillna(
        {"delta": 0.0, "delta_other": 0.0}
    )
    frame["change"] = frame["delta_other"] - frame["delta"]
    largest = frame["delta"].abs().groupby([frame["source"], frame["target"]]).transform("max")
    frame["relative_change"] = frame["change"].abs() / largest.where(largest > 0)
    order = {group: row for row, group in enumerate(original.groups)}
    rank = {"source": frame["source"].map(order), "target": frame["target"].map(order)}
    rank["size"] = -frame[["delta", "delta_other"]].abs().max(axis=1)
    frame = frame.loc[pd.DataFrame(rank).sort_values(list(rank), kind="stable").index].reset_index(drop=True)
    return with_symbols(frame, adata, gene_symbols)
