"""`tl.panel`: a list of genes that tells the groups apart."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from scgce._api.adata import gene_costs as read_costs
from scgce._api.adata import gene_mask, gene_names, get_matrix, warn_if_counts, warn_if_scaled
from scgce._api.constraints import NONE, TEXT, checked, one_of, whole
from scgce._api.errors import listing
from scgce._api.groups import read_groups
from scgce._api.threads import one_thread
from scgce.core.choose.separation import Pairs
from scgce.explain import params as _params
from scgce.explain.panel import Made, Material, Request, make
from scgce.explain.read import canonical_order
from scgce.explain.shares import Shares
from scgce.explain.split import split_cells
from scgce.explain.wish import Called, pairs_of, sets_of
from scgce.matrix import arrays
from scgce.store.entries import write_result
from scgce.store.result import Result

logger = logging.getLogger("scgce")

HARDLY = 0.6
"""Balanced accuracy below which a pair counts as not told apart; 0.5 is guessing."""
FEW = 3


@checked(n_genes=whole(1) | one_of("auto"), key=TEXT | NONE)
def panel(
    adata: AnnData,
    groupby: str | Sequence[str],
    n_genes: int | Literal["auto"] = 50,
    *,
    layer: str | None = None,
    groups: Literal["all"] | Sequence[str] = "all",
    mask_var: str | np.ndarray | None = None,
    gene_costs: str | np.ndarray | pd.Series | Mapping[str, float] | None = None,
    budget: float | None = None,
    fixed: Sequence[str] = (),
    programs: str | Mapping[str, Sequence[str]] | None = None,
    pair_weights: str | pd.DataFrame | None = None,
    key: str | None = None,
    restrict: bool = True,
    validation_fraction: float = 0.25,
    min_cells: int = 3,
    gene_symbols: str | None = None,
    rng: int | np.random.Generator = 0,
    key_added: str = "panel",
    copy: bool = False,
) -> AnnData | None:
    """Choose a short list of genes that tells every pair of groups apart.

    Genes are chosen one by one to lower a bound of the error summed over all pairs: (1 + D²/16)⁻², D² the squared
    Mahalanobis distance of two groups over the chosen genes under their common covariance, its correlations shrunk; it
    is Chernoff's bound with heavier tails than the normal distribution's. A gene that repeats what is chosen adds
    nothing, and pairs that are still alike count most. Afterwards genes are exchanged as long as the bound falls.

    Cells are split once: those that learn and validate choose the genes, the others score them. With
    ``n_genes="auto"`` the number is chosen on the validation cells: the fewest genes within one standard error of the
    best. Read the result with `get.panel`, `get.panel_curve`, `get.panel_pairs`; draw it with `pl.panel`.

    Parameters
    ----------
    adata
        Annotated data, log-normalised: n cells × d genes.
    groupby
        Column of ``adata.obs`` with the groups. Cells without a label are left out.
    n_genes
        Length of the panel, fixed genes included; "auto": at most 100, chosen on the validation cells.
    layer
        Layer with the expression; ``adata.X`` if None.
    groups
        ``"all"``, or the labels to tell apart.
    mask_var
        Boolean column of ``adata.var`` or array (d,): genes that may be chosen; all if None.
    gene_costs
        Price of every gene, (d,), by name (Series, dict; genes that it does not name cost 1) or a column of
        ``adata.var``: 1 by default, 0 free, inf forbidden. Genes are chosen by what they add per price.
    budget
        Most that the whole panel may cost, fixed genes included.
    fixed
        Names of genes that are in the panel whatever they add, first, also where ``mask_var`` leaves them out. Give
        those that are there already the price 0.
    programs
        Gene programmes of which the panel must read each: name → genes, or a key of ``adata.varm`` with weights
        (d, M), whose ten largest of every column count. At least one gene of each is taken.
    pair_weights
        What every pair counts: a table groups × groups, symmetric, at least 0; or a column of ``adata.obs`` with
        coarser labels, so that pairs within one of them count half in all, and the others the other half: neighbours
        count. All pairs alike if None.
    key
        Key of ``adata.uns`` with an explanation (`tl.tgt`) whose genes the panel uses; see ``restrict``.
    restrict
        With ``key``: True, no gene but those of the explanation; False, start from the genes that serve the
        explanation best (`get.panel` of the key), and exchange them.
    validation_fraction
        Share of every group that chooses the number of genes, and another that scores; 0: all cells do all.
    min_cells
        Smallest number of cells a group may have.
    gene_symbols
        Column of ``adata.var``, e.g. ``"feature_name"`` where ``var_names`` are Ensembl ids: ``fixed``, ``programs``,
        ``gene_costs`` and ``mask_var`` name genes by it, and so does what is said of them. A gene without one is
        matched by its own name; one whose symbol others have too by ``"symbol (own name)"``. What is stored has
        ``var_names``.
    rng
        Seed or generator, for the split.
    key_added
        Name of the result in ``adata.uns``.
    copy
        Return a copy with the result instead of writing to ``adata``.

    Returns
    -------
    None, or the copy. Sets ``adata.uns[key_added]``: ``params``; ``groups`` (l,); ``genes`` (k,) in the order of
    choice, and for each ``costs``, ``fixed``, ``bound`` (the error bound after it), ``accuracy`` (mean recall on the
    scored cells by a linear discriminant on the genes so far), ``helped`` and ``worst`` (k, 2) (rows of the pair it
    helped most, and of the pair that is worst after it); ``means`` (l, k); ``recall`` (l,), ``distance`` and
    ``pair_accuracy`` (l, l) of the whole panel; ``curve`` (``n_genes``, ``judge_logreg``, ``judge_knn``: mean recall
    of two classifiers that see the first genes only); with "auto" ``validation``, the accuracy of 1 … 100 genes on
    the validation cells; with ``key`` ``share`` and ``worst_share`` (k,), the share of the pairs' explanations that
    is held.

    Raises
    ------
    KeyError
        If a column, group or gene is not there.
    ValueError, TypeError
        On values that cannot be used; ``adata`` is left as it was.
    """
    if copy:
        adata = adata.copy()
    found = read_groups(adata, groupby, groups=groups, min_cells=min_cells)
    pairs = pairs_of(adata, found, pair_weights)
    names = gene_names(adata)
    columns = np.argsort(names.astype(str), kind="stable")
    genes, called = names[columns], Called.of(adata, columns, gene_symbols)
    costs = read_costs(adata, gene_costs, gene_symbols)[columns]
    explained = None if key is None else Shares.of(Result.read(adata, key))
    sets = sets_of(adata, programs, called, columns)
    request = _request(called, costs, gene_mask(adata, mask_var, gene_symbols)[columns], n_genes, budget, fixed, sets)
    request = _explaining(request, genes, explained, restrict=restrict)
    X, name = get_matrix(adata, layer), "adata.X" if layer is None else f"adata.layers[{layer!r}]"
    arrays.check_matrix(X, name, found.codes >= 0)
    warn_if_counts(X, name)
    warn_if_scaled(adata, layer)
    seed, order = _params.seed_of(rng), canonical_order(adata)
    split = np.empty(len(order), dtype=np.int8)
    split[order] = split_cells(found.codes[order], found.n, validation_fraction, seed, found.names)
    material = Material(arrays.by_rows(X), found, genes, columns, split, order, seed)
    with one_thread():
        made = make(material, pairs, request)
    params = {
        "kind": "panel",
        "groupby": found.key,
        "layer": layer or "",
        "n_genes": "auto" if request.n_genes is None else str(request.n_genes),
        "budget": -1.0 if budget is None else float(budget),
        "explanation": key or "",
        "restrict": bool(restrict),
        "pair_weights": pair_weights if isinstance(pair_weights, str) else "" if pair_weights is None else "table",
        "validation_fraction": float(validation_fraction),
        "seed": _params.stored_seed(rng),
    }
    entry = _entry(material, pairs, made, request, params)
    if explained is not None:
        held = explained.held(entry["genes"])
        entry |= {"share": held.mean(axis=1), "worst_share": held.min(axis=1)}
    write_result(adata, key_added, entry)
    _tell(material, made, request, entry, called.labels)
    return adata if copy else None


def _request(
    called: Called,
    costs: np.ndarray,
    mask: np.ndarray,
    n_genes: int | str,
    budget: float | None,
    fixed: Sequence[str],
    sets: tuple[np.ndarray, ...],
) -> Request:
    """The wish in numbers of genes; what contradicts itself is refused."""
    always = called.numbers(list(fixed), "fixed")
    for gene in always:
        if not np.isfinite(costs[gene]):
            raise ValueError(
                f"fixed: gene_costs forbid {called.labels[gene]!r}, which is fixed; expected one or the other"
            )
    if not isinstance(n_genes, str) and len(always) > n_genes:
        raise ValueError(f"fixed names {len(always)} genes; expected at most n_genes={n_genes}")
    limit = np.inf if budget is None else float(budget)
    if costs[always].sum() > limit:
        raise ValueError(
            f"budget={budget}: the fixed genes cost {costs[always].sum():g}; expected at least that "
            "(price 0 for genes that are there already)"
        )
    usable = mask & np.isfinite(costs)
    usable[always] = True
    if not len(always) and costs[usable].min(initial=np.inf) > limit:
        raise ValueError(
            f"budget={budget}: the cheapest gene costs {costs[usable].min(initial=np.inf):g}; expected at least that"
        )
    if not isinstance(n_genes, str) and len(sets) > n_genes:
        raise ValueError(f"programs: {len(sets)} programmes need as many genes; expected at most n_genes={n_genes}")
    none = np.zeros(0, dtype=np.int64)
    return Request(None if isinstance(n_genes, str) else int(n_genes), costs, usable, always, sets, none, limit)


def _explaining(request: Request, genes: np.ndarray, explained: Shares | None, *, restrict: bool) -> Request:
    """The wish with the genes of an explanation: no others, or those that serve it best to start from."""
    if explained is None:
        return request
    known = np.isin(genes, explained.genes)
    if not (known & request.usable).any():
        raise ValueError("key: none of the explanation's genes is in adata, allowed by mask_var and gene_costs")
    changed = dict(vars(request))
    if restrict:
        changed["usable"] = request.usable & known
        changed["usable"][request.fixed] = True
        return Request(**changed)
    best = explained.genes[explained.serving(request.n_genes or 100)]
    start = np.searchsorted(genes.astype(str), [name for name in best.astype(str) if name in set(genes)])
    changed["start"] = start[request.usable[start] & ~np.isin(start, request.fixed)]
    return Request(**changed)


def _entry(material: Material, pairs: Pairs, made: Made, request: Request, params: dict[str, Any]) -> dict[str, Any]:
    """What is stored, plain arrays by name."""
    chosen, ends = made.genes, np.stack([pairs.first, pairs.second], axis=1)
    squared = np.array(made.panel.squared).reshape(len(chosen), len(ends))
    before = np.vstack([np.zeros(len(ends)), squared[:-1]]) if len(chosen) else squared
    distance = np.zeros((material.groups.n,) * 2)
    if len(chosen):
        distance[pairs.first, pairs.second] = distance[pairs.second, pairs.first] = np.sqrt(squared[-1])
    fall = pairs.weights * ((1 + before / 16) ** -2 - (1 + squared / 16) ** -2)
    return {
        "params": params,
        "groups": material.groups.names.astype(str),
        "genes": material.genes[chosen].astype(str),
        "costs": request.costs[chosen],
        "fixed": np.isin(chosen, request.fixed),
        "bound": np.array(made.panel.bounds),
        "accuracy": made.scores.accuracy,
        "means": made.learned.means[:, made.panel.genes],
        "helped": ends[fall.argmax(axis=1)],
        "worst": ends[squared.argmin(axis=1)],
        "recall": made.scores.recalls[:, -1],
        "distance": distance,
        "pair_accuracy": made.scores.pairs,
        "curve": made.curve,
    } | ({"validation": made.validation} if len(made.validation) else {})


def _tell(material: Material, made: Made, request: Request, entry: dict[str, Any], labels: NDArray[np.object_]) -> None:
    """Say in words what the user may not expect; ``labels`` (d,) are what the genes are called."""
    names = labels[made.learned.candidates]
    wanted, found = request.n_genes, len(made.genes)
    if wanted is not None and found < wanted:
        why = (
            "nothing more can be paid or adds anything"
            if np.isfinite(request.budget)
            else "no other gene adds anything"
        )
        logger.warning("the panel ends after %d of %d genes: %s", found, wanted, why)
    if made.panel.twins:
        said = [f"{names[twin]} (as {names[gene]})" for twin, gene in made.panel.twins]
        logger.warning("%d genes repeat a chosen one and are passed over: %s", len(said), listing(said))
    unread = [members for members in request.sets if not np.isin(members, made.genes).any()]
    if unread:
        said = [f"({', '.join(labels[members][:3])})" for members in unread]
        logger.warning("programmes of which no gene may be taken, can be paid or adds anything: %s", listing(said))
    flat = [
        name
        for gene, name in zip(made.panel.genes, labels[made.genes], strict=True)
        if not made.learned.covariance.pure[gene]
    ]
    if flat:
        logger.warning("fixed or chosen genes do not vary within any group: %s", listing(flat))
    small = material.groups.names[material.groups.sizes < FEW]
    if len(small):
        logger.warning("groups of fewer than %d cells, which no panel can be trusted with: %s", FEW, listing(small))
    first, second = np.triu_indices(len(entry["groups"]), 1)
    accuracy = entry["pair_accuracy"][first, second]
    low = np.flatnonzero(accuracy < HARDLY)
    if low.size:
        low = low[np.argsort(accuracy[low], kind="stable")]
        said = [f"{entry['groups'][first[p]]} / {entry['groups'][second[p]]} ({accuracy[p]:.2f})" for p in low]
        logger.warning(
            "pairs that the panel hardly tells apart (balanced accuracy; 0.5 is guessing): %s", listing(said)
        )
