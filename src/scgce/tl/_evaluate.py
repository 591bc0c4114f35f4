"""`tl.evaluate`: metrics of a stored explanation on cells of the user's choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from anndata import AnnData

from scgce._api.constraints import DATA, FLAG, NEW_NAME, NONE, TEXT, checked
from scgce._api.device import resolve_device
from scgce.encoders import encoder_from_uns
from scgce.explain import params as _params
from scgce.explain.entry import Report, stored
from scgce.explain.judges import Panel
from scgce.explain.read import pick_epsilon
from scgce.explain.reopen import reopen, stored_explanations, with_stored_means
from scgce.explain.split import REPORT
from scgce.store.entries import read_result, write_result


@checked(reference=DATA | NONE, groupby=TEXT | NONE, clip=FLAG | NONE, key_added=NEW_NAME | NONE)
def evaluate(
    adata: AnnData,
    key: str = "tgt",
    *,
    reference: AnnData | None = None,
    groupby: str | None = None,
    layer: str | None = None,
    encoder: Any = None,
    epsilon: float | Literal["mean", "max"] | None = None,
    clip: bool | None = None,
    judges: bool | Mapping[str, Any] = True,
    min_cells: int = 1,
    rng: int | np.random.Generator = 0,
    device: str = "auto",
    key_added: str | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Score a stored explanation again: on its own reported cells, on held-out cells, on another donor.

    Parameters
    ----------
    adata
        Cells to score on, with the genes of the explanation.
    key
        The explanation, in ``reference.uns``.
    reference
        AnnData that holds the explanation; None: ``adata`` itself, scored on the cells it reported.
        Otherwise all labelled cells of ``adata`` are scored.
    groupby, layer
        Column of ``adata.obs`` and layer; None: as stored. Groups without cells in ``adata`` are left out.
    encoder
        The model, if it could not be stored with the explanation.
    epsilon
        A distance, or "mean" or "max" to find it anew in ``adata``; None: as stored.
    clip
        Translate by ``max(x + δ, 0)``; None: as stored.
    judges
        As in `tl.tgt`; fitted on the fitting cells of ``reference``.
    min_cells, rng, device
        As in `tl.tgt`.
    key_added
        Name of the result; None: ``f"{key}_evaluated"``.
    copy
        Return a copy with the result instead of writing to ``adata``.

    Returns
    -------
    None, or the copy. Sets ``adata.uns[key_added]`` in the form of `tl.tgt`: ``get.metrics(adata, key=key_added)``.

    Raises
    ------
    KeyError
        If the explanation, the column, the layer or a gene is not there.
    ValueError
        If fewer than two of the explanation's groups have cells, or ``adata`` lost some of the cells explained.
    """
    _params.check_epsilon(epsilon)
    home = adata if reference is None else reference
    same_cells = home is adata
    entry = read_result(home, key)
    params = entry["params"]
    if copy:
        adata = adata.copy()
    r = encoder_from_uns(entry["encoder"]) if encoder is None else encoder
    seed = _params.seed_of(rng)
    where = resolve_device(device)
    own = reopen(home, entry, None, None, r, min_cells=1, seed=seed, device=where)
    if reference is None and groupby is None and layer is None:
        scored = own
    else:
        scored = reopen(
            adata, entry, groupby, layer, r, min_cells=min_cells, seed=seed, device=where, same_cells=same_cells
        )
    scored = with_stored_means(scored, entry)
    reach = float(entry["epsilon"]) if epsilon is None else pick_epsilon(scored, epsilon)
    clipped = bool(params["clip"]) if clip is None else clip
    panel = Panel.fit(scored, judges, fitted_on=own) if judges else None
    report = Report(scored.part(REPORT), reach, clipped, panel)
    explained = stored_explanations(entry, scored)
    selected = [candidate.sparsity for candidate in explained].index(int(params["sparsity_selected"]))
    kept = {name: params[name] for name in ("use_rep", "method", "amplitude", "validation_fraction")}
    kept |= {"groupby": scored.groups.key, "layer": layer or params["layer"], "clip": clipped, "evaluated": key}
    kept["epsilon_rule"] = params["epsilon_rule"] if epsilon is None else _params.epsilon_rule(epsilon)
    write_result(adata, key_added or f"{key}_evaluated", stored(scored, report, explained, selected, kept))
    return adata if copy else None
