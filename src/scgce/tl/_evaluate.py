"""`tl.evaluate`: metrics of a stored explanation on cells of the user's choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from anndata import AnnData

from scgce import _arrays
from scgce._adata import gene_names, get_matrix, read_result, write_result
from scgce._device import resolve_device
from scgce._groups import Groups, read_groups
from scgce._split import REPORT
from scgce.core.metrics import Scores
from scgce.core.select import Explained
from scgce.core.translations import Translations
from scgce.encoders import encoder_from_uns, resolve

from . import _params
from ._judge import Panel
from ._prepare import Prepared, pick_epsilon, read
from ._report import Report, stored


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
        If fewer than two of the explanation's groups have cells.
    """
    _params.check_epsilon(epsilon)
    home = adata if reference is None else reference
    entry = read_result(home, key)
    params = entry["params"]
    if copy:
        adata = adata.copy()
    r = encoder_from_uns(entry["encoder"]) if encoder is None else encoder
    seed = int(rng.integers(2**31)) if isinstance(rng, np.random.Generator) else int(rng)
    where = resolve_device(device)
    own = _load(home, entry, None, None, r, min_cells=1, seed=seed, device=where)
    if reference is None and groupby is None and layer is None:
        scored = own
    else:
        scored = _load(adata, entry, groupby, layer, r, min_cells=min_cells, seed=seed, device=where)
    scored = _with_means(scored, entry)
    reach = float(entry["epsilon"]) if epsilon is None else pick_epsilon(scored, epsilon)
    clipped = bool(params["clip"]) if clip is None else clip
    panel = Panel.fit(scored, judges, fitted_on=own) if judges else None
    report = Report(scored.part(REPORT), reach, clipped, panel)
    explained = _explanations(entry, scored)
    selected = [candidate.sparsity for candidate in explained].index(int(params["sparsity_selected"]))
    kept = {name: params[name] for name in ("use_rep", "method", "amplitude", "validation_fraction")}
    kept |= {"groupby": scored.groups.key, "layer": layer or params["layer"], "clip": clipped, "evaluated": key}
    kept["epsilon_rule"] = params["epsilon_rule"] if epsilon is None else _params.epsilon_rule(epsilon)
    write_result(adata, key_added or f"{key}_evaluated", stored(scored, report, explained, selected, kept))
    return adata if copy else None


def _load(
    adata: AnnData,
    entry: dict[str, Any],
    groupby: str | None,
    layer: str | None,
    encoder: Any,
    *,
    min_cells: int,
    seed: int,
    device: torch.device,
) -> Prepared:
    """The cells of the explanation's groups; the stored split if it is the AnnData that was explained."""
    params = entry["params"]
    layer = layer or params["layer"] or None
    found = _same_order(read_groups(adata, groupby or params["groupby"], min_cells=min_cells), entry["groups"])
    X, genes = get_matrix(adata, layer), gene_names(adata)
    _arrays.check_matrix(X, "adata.X" if layer is None else f"adata.layers[{layer!r}]")
    r = resolve(adata, use_rep=None, encoder=encoder, layer=layer, rng=seed, device=str(device)).align(genes)
    split = np.asarray(entry.get("split", ()))
    if len(split) != adata.n_obs or groupby is not None:
        split = np.where(found.codes >= 0, REPORT, -1).astype(np.int8)
    return read(adata, X, genes, found, r, split, device=device, seed=seed)


def _same_order(found: Groups, names: np.ndarray) -> Groups:
    """The explanation's groups that have cells, in its order."""
    place = {name: index for index, name in enumerate(found.names)}
    kept = [name for name in names if name in place]
    if len(kept) < 2:
        raise ValueError(
            f"groupby={found.key!r} has {len(kept)} of the explanation's groups ({', '.join(names)}); at least two "
            "are needed"
        )
    recode = np.full(found.n + 1, -1, dtype=np.int64)
    recode[[place[name] for name in kept]] = np.arange(len(kept))
    return Groups(found.key, np.array(kept, dtype=object), recode[found.codes])


def _columns(entry: dict[str, Any], genes: np.ndarray) -> np.ndarray:
    """Position of every stored gene in ``genes``, -1 if it is not there."""
    place = {name: index for index, name in enumerate(genes)}
    return np.array([place.get(name, -1) for name in entry["genes"]])


def _rows(entry: dict[str, Any], scored: Prepared) -> list[int]:
    return [list(entry["groups"]).index(name) for name in scored.groups.names]


def _with_means(scored: Prepared, entry: dict[str, Any]) -> Prepared:
    """The means that were explained, so that the difference of means is the one that was learned."""
    columns = _columns(entry, scored.genes)
    means = scored.means.copy()
    means[:, columns[columns >= 0]] = np.asarray(entry["means"])[_rows(entry, scored)][:, columns >= 0]
    return replace(scored, means=means)


def _explanations(entry: dict[str, Any], scored: Prepared) -> list[Explained]:
    """Every stored sparsity, on the genes of the AnnData."""
    n_stored, rows = len(entry["groups"]), _rows(entry, scored)
    columns = _columns(entry, scored.genes)
    sweep = entry["sweep"]
    unknown = np.full((len(rows), len(rows)), np.nan)
    explained = []
    for index, k in enumerate(np.asarray(sweep["sparsity"]).tolist()):
        block = sweep["deltas"][index * n_stored : (index + 1) * n_stored].toarray()[rows]
        missing = np.flatnonzero((columns < 0) & (block != block[:1]).any(0))
        if len(missing):
            absent = ", ".join(map(str, entry["genes"][missing[:5]]))
            raise KeyError(f"adata has no {len(missing)} translated genes of the explanation: {absent}")
        dense = torch.zeros(len(rows), len(scored.genes), dtype=torch.float64)
        dense[:, columns[columns >= 0]] = torch.from_numpy(block[:, columns >= 0]).double()
        lam = float(np.asarray(sweep["lam"])[index])
        cut = bool(entry["params"]["pair_cut"])
        explained.append(Explained(int(k), lam, Translations.of_dense(dense), cut, Scores(unknown, unknown)))
    return explained
