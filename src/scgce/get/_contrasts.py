"""Contrasts: what turns the reference into the condition within each cell type, and how far it holds over donors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce._api.symbols import with_symbols
from scgce.store.contrasts import Contrast, contrasts_of
from scgce.store.programs import StoredPrograms
from scgce.store.result import Result


@checked()
@with_docs
def contrasts(
    adata: AnnData,
    *,
    reference: Any = None,
    sparsity: int | None = None,
    gene_symbols: str | None = None,
    key: str = "tgt",
) -> pd.DataFrame:
    """Every pair once, from the reference to the condition, gene by gene or programme by programme.

    Parameters
    ----------
    adata
        Annotated data with a result of :func:`scgce.tl.tgt`, best with ``groupby=["cell_type", "condition"]``,
        ``pairs="within:cell_type"`` and ``reference="ctrl"``. Of a result of all pairs of several columns, those that
        differ in one column only; of one column, all.
    reference
        Group, or label of one of the columns, that contrasts are read from; as given to `tl.tgt` if None. A pair
        without it is read from the group that comes first.
    sparsity
        Genes or programmes per pair, one of those computed; the selected number if not given.
    {symbol_column}
    {key}

    Returns
    -------
    One row per contrast and item of its explanation, largest ``strength`` first within each:

    - ``within`` the labels that the two groups share ("B"), ``contrast`` those that differ ("ctrl → stim")
    - ``source``, ``target`` the two groups
    - ``item`` gene or programme
    - ``shift`` real difference, target minus source: of the gene's means, or of the two levels over the programme's
      genes; units of the explained matrix, fitting cells
    - ``strength`` how far the item moves a gene: of a gene the absolute ``shift``; of a programme the root mean square
      of what the explanation adds to its genes, each weighted by its share. ``shift`` averages the genes of a set that
      respond with those that do not
    - ``delta`` what the explanation adds to each cell of the source; the same as ``shift`` for programmes
    - ``scope`` "shared" if the item moves within all labels, to the same side; "specific" if within one; else "some"
    - ``donors``, ``donors_agreeing`` donors that decide, and those of them with the sign of ``shift``
    - ``agree`` whether the interval over donors lies on the side of ``shift``; missing if nothing can be said
    - ``donor_low``, ``donor_high`` that interval, of the mean over donors; all of them hold together
    - ``design`` "paired", "unpaired", "confounded" (one donor a group) or "few" (fewer than two donors)
    - ``correctness``, ``coverage`` of the pair; ``donor_correctness`` mean over donors of the correctness on each
      donor's own reported cells; ``left_out_correctness`` mean over donors of the correctness on a donor's cells when
      the explanation was made without it (``leave_one_out=True``; missing otherwise)

    Columns on donors are missing (0 donors) until ``tl.evidence(by="donor")`` was run for this number of genes.

    Raises
    ------
    KeyError
        If there is no result under ``key``, or no column ``gene_symbols``.
    ValueError
        If the sparsity or reference is unknown, or no two groups differ in one column only.
    """
    result = Result.read(adata, key)
    k = result.check_sparsity(sparsity)
    found = contrasts_of(result, reference)
    programs = StoredPrograms.read(result, k) if "programs" in result.raw else None
    parts = [_columns(result, programs, one, k) for one in found]
    parts = [part for part in parts if len(part["item"])] or parts[:1]
    frame = pd.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    frame.insert(frame.columns.get_loc("delta") + 1, "scope", _scopes(frame, found))
    items = "item" if programs is None else "gene"
    return with_symbols(_with_donors(frame, result, k), adata, gene_symbols, items)


def _columns(result: Result, programs: StoredPrograms | None, contrast: Contrast, k: int) -> dict[str, NDArray[Any]]:
    i, j = contrast.source, contrast.target
    if programs is not None:
        chosen = programs.between(i, j)
        items, shift = programs.names[chosen], programs.amounts[chosen, j] - programs.amounts[chosen, i]
        delta, strength = shift, programs.strengths(i, j)[chosen]
    else:
        amounts = result.delta(i, j, k)
        chosen = np.flatnonzero(amounts)
        items, shift = result.genes[chosen], (result.means[j] - result.means[i])[chosen]
        delta, strength = amounts[chosen].astype(np.float64), np.abs(shift)
    order = np.argsort(-strength, kind="stable")
    head = {"within": contrast.within, "contrast": contrast.contrast}
    head |= {"source": str(result.groups[i]), "target": str(result.groups[j])}
    columns = {"item": items, "shift": shift, "strength": strength, "delta": delta}
    return {
        **{name: np.full(len(order), value, dtype=object) for name, value in head.items()},
        **{name: values[order] for name, values in columns.items()},
        **{name: np.full(len(order), result.scores(name, k)[i, j]) for name in ("correctness", "coverage")},
    }


def _scopes(frame: pd.DataFrame, found: list[Contrast]) -> NDArray[np.object_]:
    """Whether an item moves within all labels, one or some, of one contrast."""
    places = pd.Series([one.within for one in found]).groupby([one.contrast for one in found]).nunique()
    scopes = np.full(len(frame), "some", dtype=object)
    several = frame[frame["contrast"].map(places).gt(1)]
    for (contrast, _), part in several.groupby(["contrast", "item"], sort=False):
        everywhere, here = int(places[contrast]), part["within"].nunique()
        alike = part["shift"].gt(0).nunique() == 1
        if here in (1, everywhere) and (alike or here == 1):
            scopes[part.index] = "specific" if here == 1 else "shared"
    return scopes


_FACTS = {"n": "donors", "agreeing": "donors_agreeing", "agree": "agree", "low": "donor_low", "high": "donor_high"}

_SCORES = {"donor_correctness": "correctness", "left_out_correctness": "left_out_correctness"}


def _with_donors(frame: pd.DataFrame, result: Result, k: int) -> pd.DataFrame:
    """The columns on donors, of the evidence stored for this sparsity."""
    stored: Mapping[str, Any] | None = result.raw.get("donor_evidence")
    if stored is None or int(stored["sparsity"]) != k:
        nothing = {"donor_low": np.nan, "donor_high": np.nan, "design": "", **dict.fromkeys(_SCORES, np.nan)}
        return _ordered(
            frame.assign(donors=0, donors_agreeing=0, agree=pd.array([pd.NA] * len(frame), "boolean"), **nothing)
        )
    rows = {
        (int(i), int(j), str(item)): row
        for row, (i, j, item) in enumerate(zip(stored["source"], stored["target"], stored["item"], strict=True))
    }
    place = {str(name): row for row, name in enumerate(result.groups)}
    ends = [(place[s], place[t]) for s, t in zip(frame["source"], frame["target"], strict=True)]
    turned = np.array([(*pair, item) not in rows for pair, item in zip(ends, frame["item"], strict=True)])
    at = [
        rows[(*(pair[::-1] if flip else pair), item)]
        for pair, flip, item in zip(ends, turned, frame["item"], strict=True)
    ]
    facts: dict[str, Any] = {name: np.asarray(stored[field])[at] for field, name in _FACTS.items()}
    low, high = facts["donor_low"], facts["donor_high"]
    facts |= {"donor_low": np.where(turned, -high, low), "donor_high": np.where(turned, -low, high)}
    facts["agree"] = pd.array([pd.NA if np.isnan(one) else bool(one) for one in facts["agree"]], "boolean")
    facts["design"] = np.array([str(one) for one in stored["design"]], dtype=object)[at]
    for name, field in _SCORES.items():
        scores = np.asarray(stored[field], dtype=np.float64) if field in stored else None
        facts[name] = np.nan if scores is None else [_mean(scores[:, i, j]) for i, j in ends]
    return _ordered(frame.assign(**facts))


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan


def _ordered(frame: pd.DataFrame) -> pd.DataFrame:
    last = ["donors", "donors_agreeing", "agree", "donor_low", "donor_high", "design"]
    scores = ["correctness", "coverage", *_SCORES]
    return frame[[name for name in frame.columns if name not in last + scores] + last + scores]
