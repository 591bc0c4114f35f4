"""A small panel of genes: of `tl.panel`, or for the explanations of all pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from scgce._api.constraints import NONE, checked, whole
from scgce._api.docs import with_docs
from scgce._api.symbols import with_symbols
from scgce.explain.shares import Shares
from scgce.store.panels import is_panel, read_panel
from scgce.store.result import Result

DEFAULT_LENGTH = 50


@checked(n_genes=whole(1) | NONE)
@with_docs
def panel(
    adata: AnnData,
    n_genes: int | None = None,
    *,
    sparsity: int | None = None,
    gene_symbols: str | None = None,
    key: str = "tgt",
) -> pd.DataFrame:
    """A short list of genes, in the order of choice.

    Of a panel (``key="panel"``, after :func:`scgce.tl.panel`): the genes that tell the groups apart. Of an explanation
    (``key="tgt"``): genes that serve the explanations of all pairs. The next gene is then the one that most raises the
    sum over pairs of the square root of the share of the pair's explanation (absolute amounts) that the list holds. The
    root makes a pair that is still badly served count for more; the sum is monotone and submodular, so greedy reaches
    at least 1 − 1/e of the best list's value.

    Parameters
    ----------
    adata
        Annotated data with a result of :func:`scgce.tl.panel`, or of :func:`scgce.tl.tgt` (or another tool of scgce).
    n_genes
        At most so many genes. If not given, the whole of a panel, and 50 for an explanation.
    sparsity
        Genes per pair, one of those computed; the selected number if not given. Of explanations only.
    {symbol_column}
    {key}

    Returns
    -------
    One row per gene: ``rank`` (from 1), ``gene``, and

    of a panel ``cost``, ``fixed``, ``highest`` (the group of the highest mean), ``helps_source`` and ``helps_target``
    (the pair it helped most), ``bound`` (the error bound after it, 1: nothing told apart), ``accuracy`` (mean recall
    on the scored cells by a linear discriminant on the genes so far), ``worst_source`` and ``worst_target`` (the pair
    worst separated so far), and if made with an explanation ``share`` and ``worst_share`` of it that is held so far;

    of an explanation ``n_pairs`` (unordered pairs whose explanation uses it), ``share`` (mean over pairs of the share
    held so far), ``worst_share``, ``worst_source`` and ``worst_target`` (the pair served worst so far).

    Raises
    ------
    KeyError
        If there is no result under ``key``, or no column ``gene_symbols``.
    ValueError
        If ``n_genes`` is below 1 or the sparsity is unknown, or given for a panel.
    """
    if is_panel(adata.uns.get(key)):
        if sparsity is not None:
            raise ValueError(f"sparsity={sparsity!r}: adata.uns[{key!r}] is a panel, which has none; expected None")
        frame = _of_panel(read_panel(adata, key)).head(n_genes if n_genes is not None else None)
    else:
        result = Result.read(adata, key)
        frame = _of_explanation(result, Shares.of(result, sparsity), n_genes or DEFAULT_LENGTH)
    return with_symbols(frame, adata, gene_symbols)


def _of_panel(entry: dict[str, Any]) -> pd.DataFrame:
    groups, helped, worst = entry["groups"], entry["helped"], entry["worst"]
    columns = {
        "rank": np.arange(1, len(entry["genes"]) + 1),
        "gene": entry["genes"],
        "cost": entry["costs"],
        "fixed": entry["fixed"],
        "highest": groups[entry["means"].argmax(axis=0)],
        "helps_source": groups[helped[:, 0]],
        "helps_target": groups[helped[:, 1]],
        "bound": entry["bound"],
        "accuracy": entry["accuracy"],
        "worst_source": groups[worst[:, 0]],
        "worst_target": groups[worst[:, 1]],
    }
    return pd.DataFrame(columns | {name: entry[name] for name in ("share", "worst_share") if name in entry})


def _of_explanation(result: Result, shares: Shares, n_genes: int) -> pd.DataFrame:
    chosen = shares.serving(n_genes)
    if not len(chosen):
        return pd.DataFrame(columns=["rank", "gene", "n_pairs", "share", "worst_share", "worst_source", "worst_target"])
    held = shares.held(shares.genes[chosen])
    worst = held.argmin(axis=1)
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(chosen) + 1),
            "gene": shares.genes[chosen],
            "n_pairs": (shares.values[:, chosen] > 0).sum(axis=0),
            "share": held.mean(axis=1),
            "worst_share": held.min(axis=1),
            "worst_source": result.groups[shares.first[worst]],
            "worst_target": result.groups[shares.second[worst]],
        }
    )


@checked()
@with_docs
def panel_curve(adata: AnnData, *, key: str = "panel") -> pd.DataFrame:
    """How well the first genes of a panel call the groups, against their number.

    Parameters
    ----------
    {panel}

    Returns
    -------
    One row per number of genes: ``n_genes``; ``accuracy`` (linear discriminant), ``judge_logreg`` and ``judge_knn``
    (logistic regression and 15 nearest neighbours, trained on the choosing cells), mean recall over the groups on the
    scored cells; judges at some numbers only, NaN elsewhere; with ``n_genes="auto"`` also ``validation``, the accuracy
    on the validation cells, from which the number was chosen, also beyond the panel's length.

    Raises
    ------
    KeyError
        If there is no panel under ``key``.
    ValueError
        If the entry was damaged.
    """
    entry = read_panel(adata, key)
    validation = entry.get("validation", np.zeros(0))
    numbers = np.arange(1, max(len(entry["genes"]), len(validation)) + 1)
    frame = pd.DataFrame({"n_genes": numbers}).set_index("n_genes")
    frame["accuracy"] = pd.Series(entry["accuracy"], index=numbers[: len(entry["accuracy"])])
    curve = entry["curve"]
    for name in ("judge_logreg", "judge_knn"):
        frame[name] = pd.Series(curve.get(name, []), index=curve.get("n_genes", []), dtype=np.float64)
    if len(validation):
        frame["validation"] = pd.Series(validation, index=numbers[: len(validation)])
    return frame.reset_index()


@checked()
@with_docs
def panel_pairs(adata: AnnData, *, key: str = "panel") -> pd.DataFrame:
    """How well a panel tells every pair of groups apart, the worst first.

    Parameters
    ----------
    {panel}

    Returns
    -------
    One row per unordered pair: ``source``, ``target``, ``accuracy`` (balanced accuracy on the scored cells, 0.5 is
    guessing) and ``distance`` (Mahalanobis distance of the means, on the choosing cells).

    Raises
    ------
    KeyError
        If there is no panel under ``key``.
    ValueError
        If the entry was damaged.
    """
    entry = read_panel(adata, key)
    first, second = np.triu_indices(len(entry["groups"]), 1)
    frame = pd.DataFrame(
        {
            "source": entry["groups"][first],
            "target": entry["groups"][second],
            "accuracy": entry["pair_accuracy"][first, second],
            "distance": entry["distance"][first, second],
        }
    )
    return frame.sort_values(["accuracy", "distance"], kind="stable", ignore_index=True)
