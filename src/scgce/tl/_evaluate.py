"""`tl.evaluate`: metrics of a stored explanation on cells of the user's choice."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from anndata import AnnData

from scgce._api.columns import reference_of
from scgce._api.constraints import DATA, NEW_NAME, NONE, SEED, TEXT, checked, one_of, sequence_of, whole
from scgce._api.device import resolve_device
from scgce._api.docs import with_docs
from scgce.encoders import encoder_from_uns
from scgce.explain import params as _params
from scgce.explain.entry import Report, stored
from scgce.explain.judges import Panel, stored_movable
from scgce.explain.read import MOST_CELLS, Prepared, pick_epsilon
from scgce.explain.reopen import (
    programs_of,
    reopen,
    seed_for,
    stored_explanations,
    stored_factors,
    with_stored_means,
)
from scgce.explain.split import FIT, REPORT, VALIDATE
from scgce.store.entries import read_result, write_result

logger = logging.getLogger("scgce")

COUNT = whole(1) | one_of("reported") | NONE


@checked(
    reference=DATA | NONE,
    groupby=TEXT | sequence_of(TEXT, 1) | NONE,
    key_added=NEW_NAME | NONE,
    rng=SEED | NONE,
    max_cells=COUNT,
)
@with_docs
def evaluate(
    adata: AnnData,
    key: str = "tgt",
    *,
    reference: AnnData | None = None,
    groupby: str | Sequence[str] | None = None,
    layer: str | None = None,
    encoder: Any = None,
    epsilon: float | Literal["mean", "max"] | None = None,
    clip: Literal["range", "zero"] | bool | None = None,
    judges: bool | Mapping[str, Any] = True,
    min_cells: int = 1,
    max_cells: int | Literal["reported"] | None = "reported",
    rng: int | np.random.Generator | None = None,
    device: str = "auto",
    key_added: str | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Score a stored explanation again: on its own reported cells, on held-out cells, on another donor.

    Cells are known by their names. Those that fitted or selected the explanation are never scored, wherever they stand
    and in whatever AnnData; the log says how many were left out. Scores rise with the number of cells (a cell of the
    target is nearer), so of every group as many are scored as the explanation was reported on, drawn at random; where
    ``adata`` has fewer, compare with the self-similarity in `get.metrics`.

    Parameters
    ----------
    adata
        Cells to score on, with the genes of the explanation.
    key
        The explanation, in ``reference.uns``.
    reference
        AnnData that holds the explanation, with the cells that were explained; None: ``adata`` itself.
    groupby
        Column of ``adata.obs``; None: the groups in which cells were explained and, for other cells, the column of
        that name. Groups without cells to score are left out.
    layer
        Layer of ``adata``; None: as stored.
    encoder
        The model, if it could not be stored with the explanation. It is given the genes in the order explained.
    epsilon
        A distance, or "mean" or "max" to find it anew in ``adata``; None: as stored.
    clip
        "range", "zero" or False (``x + δ``), as in `tl.tgt`, within the stored range of the genes; None: as stored.
    {judges}
        The fitting cells are those of ``reference``.
    min_cells
        Smallest number of scored cells a group may have.
    max_cells
        Most cells of a group that are scored: "reported", as many as the explanation was reported on; a number; or
        None for all, up to 2,000. Scores of other numbers of cells are not comparable.
    rng
        Seed or generator; None: the explanation's own seed, by which cells and judges are drawn as they were.
    {device}
    key_added
        Name of the result; None: ``f"{key}_evaluated"``.
    copy
        Return a copy with the result instead of writing to ``adata``.

    Returns
    -------
    None, or the copy. Sets ``adata.uns[key_added]`` in the form of `tl.tgt`: ``get.metrics(adata, key=key_added)``; in
    its ``params`` also ``cells_scored`` and ``cells_left_out``.

    Raises
    ------
    KeyError
        If the explanation, the column, the layer or a gene is not there.
    ValueError
        If fewer than two of the explanation's groups have cells to score, all cells fitted or selected, it cannot be
        known which did, or the matrix is in other units than the one explained: scaled, counts, another logarithm.

    Warns
    -----
    UserWarning
        If cells have other labels than they had when they were explained, or the matrix may be in other units.
    """
    home = adata if reference is None else reference
    entry = read_result(home, key)
    params = entry["params"]
    r = encoder_from_uns(entry["encoder"]) if encoder is None else encoder
    bounded = _bounded(entry, clip)
    opening: dict[str, Any] = {"seed": seed_for(entry, rng), "device": resolve_device(device), "clip": bounded}
    scored = reopen(adata, entry, groupby, layer, r, min_cells=min_cells, home=reference, fitting=False, **opening)
    own = scored
    if judges and (reference is not None or groupby is not None or layer is not None):
        with warnings.catch_warnings():
            if reference is None:  # what is to be said of these cells has been said
                warnings.simplefilter("ignore", UserWarning)
            own = reopen(home, entry, None, None, r, min_cells=1, **opening)
    if max_cells != "reported":
        bound = len(scored.order) if max_cells is None else int(max_cells)
        scored = replace(scored, most_reported=np.full(scored.groups.n, bound))
    counts = _told(scored, reference is not None)
    if copy:
        adata = adata.copy()
    scored = with_stored_means(scored, entry)
    reach = float(entry["epsilon"]) if epsilon is None else pick_epsilon(scored, epsilon)
    panel = None
    if judges:
        movable = stored_movable(entry, scored.genes)
        given: dict[str, Any] = {"fitted_on": own, "parents": _parents(entry), "genes": entry["genes"]}
        panel = Panel.fit(scored, judges, movable=movable, **given)
    report = Report(scored.part(REPORT), reach, panel, scored.asked, scored.seed)
    explained = stored_explanations(entry, scored)
    selected = [candidate.sparsity for candidate in explained].index(int(params["sparsity_selected"]))
    kept = {**params, **scored.groups.stored, "layer": layer or params["layer"], "clip": bounded}
    kept |= {"evaluated": key, **counts}
    kept["epsilon_rule"] = params["epsilon_rule"] if epsilon is None else _params.epsilon_rule(epsilon)
    gauge = reference_of(kept, [str(name) for name in scored.groups.names])
    factors = stored_factors(entry)
    found = stored(scored, report, explained, selected, kept, reference=gauge, factors=factors)
    found |= programs_of(entry, scored)
    write_result(adata, key_added or f"{key}_evaluated", found)
    return adata if copy else None


def _bounded(entry: dict[str, Any], clip: bool | str | None) -> str:
    """How far translated cells may go: as asked for, or as stored."""
    word = str(entry["params"]["clip"]) if clip is None else _params.clip_word(clip)
    if word == "range" and "low" not in entry:
        raise ValueError(
            "clip='range': the explanation was made by an earlier version, which did not store the genes' range; "
            "expected 'zero', False or None, or an explanation made anew"
        )
    return word


def _parents(entry: dict[str, Any]) -> dict[str, str]:
    """Lineage of each group of a result of `tl.lineages`; empty for another."""
    names = ([str(name) for name in entry.get(field, ())] for field in ("members", "member_of"))
    return dict(zip(*names, strict=True))


def _told(scored: Prepared, others: bool) -> dict[str, int]:
    """How many cells are scored and how many are left out because they fitted or selected; logged."""
    n_scored, labelled = len(scored.rows(REPORT, MOST_CELLS[REPORT])), int((scored.split >= 0).sum())
    n_fitted = int(((scored.split == FIT) | (scored.split == VALIDATE)).sum())
    if not (scored.split == REPORT).any():
        logger.info("%d cells scored, all of which fitted the explanation (validation_fraction=0)", n_scored)
        return {"cells_scored": n_scored, "cells_left_out": 0}
    tell = logger.warning if others and n_fitted else logger.info
    tell(
        "%d of %d cells scored; %d fitted or selected the explanation and are left out",
        n_scored, labelled, n_fitted,
    )  # fmt: skip
    return {"cells_scored": n_scored, "cells_left_out": n_fitted}
