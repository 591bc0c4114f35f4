"""Evidence beside an explanation, as frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce._api.errors import NotFoundError
from scgce._api.symbols import with_symbols
from scgce.core.score.donors import DESIGNS
from scgce.store.entries import read_result
from scgce.store.result import Result

# The columns of `evidence`, in this order.
_RANDOM = ("random_correctness", "random_coverage", "p_random_correctness", "p_random_coverage")
_PER_PAIR = ("off_manifold", "below_zero", "consistency_price", "p_correctness", "p_coverage")


def _stored(adata: AnnData, key: str, part: str) -> tuple[dict[str, Any], Mapping[str, Any]]:
    entry = read_result(adata, key)
    if part not in entry:
        raise NotFoundError(f"adata.uns[{key!r}] has no {part!r}; run scgce.tl.{part}(adata, key={key!r}) first")
    return entry, entry[part]


@checked()
@with_docs
def evidence(adata: AnnData, *, key: str = "tgt") -> pd.DataFrame:
    """Evidence for every ordered pair, from `tl.evidence`.

    Parameters
    ----------
    {result}
    {key}

    Returns
    -------
    One row per ordered pair: ``source``, ``target``; ``off_manifold`` (units of the target's own spacing),
    ``below_zero`` (share), ``consistency_price`` (ratio), ``p_correctness``, ``p_coverage``; ``p_floor``: the smallest
    p that so many permutations can give, 1 / (1 + permutations), so that a p equal to it says "at most that" and more
    permutations may lower it; ``best_dose``: the t at which the mean of correctness and coverage of ``x + tδ``
    peaks. Of more than 25 groups 600 pairs have been looked at; NaN for others.
    Of an explanation in programmes also what random programmes of the same sizes among the same genes reach, searched
    as the explanation was: ``random_correctness``, ``random_coverage``, means over the draws;
    ``p_random_correctness``, ``p_random_coverage``, share of the draws that explain the pair as well, and ``p_random``,
    all pairs together, the same in every row; the smallest that n draws can give is 1 / (1 + n).

    Raises
    ------
    KeyError
        If there is no such explanation, or `tl.evidence` has not been run.
    """
    entry, found = _stored(adata, key, "evidence")
    names = entry["groups"]
    rows, columns = np.nonzero(Result.read(adata, key).asked)
    frame = pd.DataFrame({"source": names[rows], "target": names[columns]})
    for name in _PER_PAIR:
        frame[name] = np.asarray(found[name])[rows, columns]
    drawn = int(found.get("n_permutations", 0))  # not in results of before
    frame["p_floor"] = 1 / (1 + drawn) if drawn else np.nan
    curve = 0.5 * (np.asarray(found["dose_correctness"]) + np.asarray(found["dose_coverage"]))
    curve = curve[:, rows, columns]
    frame["best_dose"] = np.where(np.isnan(curve).any(0), np.nan, np.asarray(found["doses"])[curve.argmax(0)])
    if "p_random" in found:
        for name in _RANDOM:
            frame[name] = np.asarray(found[name])[rows, columns]
        frame["p_random"] = float(found["p_random"])
    return frame


@checked()
@with_docs
def unexplained(adata: AnnData, *, key: str = "tgt") -> pd.DataFrame:
    """Pairs that the explanation does not explain, worst first, with the reason, from `tl.evidence`.

    Parameters
    ----------
    {result}
    {key}

    Returns
    -------
    ``source``, ``target``, ``reason``; no rows if every pair is explained. The reasons: the translated cells do not
    arrive, so that more genes or larger amounts are needed; the source is more, or less, spread out than the target,
    and a translation keeps its spread; or they arrive and are as spread out, but lie differently (several parts,
    another shape). The last three no number of genes can mend. After ``tl.evidence(by="donor")`` also the contrasts of
    which no gene or programme is known to hold over donors: donors do not agree, or there are too few to say.

    Raises
    ------
    KeyError
        If there is no such explanation, or `tl.evidence` has not been run.
    """
    entry = read_result(adata, key)
    names = ("source", "target", "reason")
    parts = [pd.DataFrame({name: np.zeros(0, dtype=object) for name in names})]
    if "donor_evidence" not in entry or "evidence" in entry:
        _, found = _stored(adata, key, "evidence")
        parts.append(pd.DataFrame({name: np.asarray(found[f"unexplained_{name}"]).astype(object) for name in names}))
    if "donor_evidence" in entry:
        parts.append(_disagreeing(entry))
    return pd.concat(parts, ignore_index=True)


def _disagreeing(entry: Mapping[str, Any]) -> pd.DataFrame:
    """Contrasts without an item that holds over donors, and why."""
    found, groups = entry["donor_evidence"], entry["groups"]
    table = pd.DataFrame({name: np.asarray(found[name]) for name in ("source", "target", "agree", "n", "design")})
    rows = []
    for (i, j), part in table.groupby(["source", "target"], sort=False):
        if (part["agree"] == 1).any():
            continue
        design, n = str(part["design"].iloc[0]), int(part["n"].iloc[0])
        reason = DESIGNS[design] if design in ("few", "confounded") else f"{n} donors agree on none of its items"
        if design not in ("few", "confounded") and part["agree"].isna().all():
            reason = "its programmes were learned from these donors"
        rows.append((groups[int(i)], groups[int(j)], reason))
    return pd.DataFrame(rows, columns=["source", "target", "reason"], dtype=object)


@checked()
@with_docs
def stability(
    adata: AnnData, source: Any = None, target: Any = None, *, gene_symbols: str | None = None, key: str = "tgt"
) -> pd.DataFrame:
    """How often each gene is chosen for a pair, or for every pair, over the bootstraps of `tl.stability`.

    Parameters
    ----------
    adata
        Annotated data.
    source, target
        Groups; "A → B" is what to add to cells of A. Neither for all ordered pairs.
    {symbol_column}
    key
        The explanation in ``adata.uns``.

    Returns
    -------
    One row per gene chosen at least once, most frequent first: ``gene``, ``frequency`` (share of the bootstraps),
    ``low``, ``high`` (quantiles of the amount, 0 where not chosen). For all pairs behind ``source`` and ``target``.

    Raises
    ------
    KeyError
        If there is no such explanation, `tl.stability` has not been run, or there is no column ``gene_symbols``.
    ValueError
        If a group is unknown, both are the same, or only one is given.
    """
    entry, found = _stored(adata, key, "stability")
    result = Result.read(adata, key)
    if source is not None or target is not None:
        if source is None or target is None:
            raise ValueError(f"source={source!r} and target={target!r}: give both for one pair, or none for all pairs")
        return with_symbols(_chosen(entry, found, *result.pair(source, target)), adata, gene_symbols)
    parts: list[pd.DataFrame] = []
    for i, j in result.ordered_pairs:
        part = _chosen(entry, found, i, j)
        if part.empty and parts:  # pandas minds frames without rows
            continue
        part.insert(0, "source", result.groups[i])
        part.insert(1, "target", result.groups[j])
        parts.append(part)
    return with_symbols(pd.concat(parts, ignore_index=True), adata, gene_symbols)


def _chosen(entry: Mapping[str, Any], found: Mapping[str, Any], i: int, j: int) -> pd.DataFrame:
    """The genes of one pair that some bootstrap chose."""
    if "program_frequency" in found:
        table = {name: np.asarray(found[f"program_{name}"])[:, i, j] for name in ("frequency", "low", "high")}
        chosen = np.flatnonzero(table["frequency"])
        names = np.array([str(name) for name in entry["programs"]["names"]], dtype=object)
        frame = pd.DataFrame({"program": names[chosen], **{name: values[chosen] for name, values in table.items()}})
        return frame.sort_values("frequency", ascending=False, kind="stable", ignore_index=True)
    row = i * len(entry["groups"]) + j
    table = {name: found[name][row].toarray().ravel() for name in ("frequency", "low", "high")}
    genes = np.flatnonzero(table["frequency"])
    frame = pd.DataFrame({"gene": entry["genes"][genes], **{name: values[genes] for name, values in table.items()}})
    return frame.sort_values("frequency", ascending=False, kind="stable", ignore_index=True)
