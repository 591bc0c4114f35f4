"""`tl.lineages`: explanations between unions of groups, from the same basis."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from anndata import AnnData

from scgce._api.columns import label_among
from scgce._api.constraints import NONE, SEED, checked
from scgce._api.device import resolve_device
from scgce._api.docs import with_docs
from scgce._api.errors import NotFoundError, listing, not_found
from scgce._api.groups import Groups, coarser_labels
from scgce.core.choose.select import Explained
from scgce.core.linked import linked
from scgce.core.pairs import Asked
from scgce.core.score.metrics import Scores
from scgce.core.translations import Translations
from scgce.encoders import encoder_from_uns
from scgce.explain.entry import Report, stored
from scgce.explain.judges import Panel, stored_movable
from scgce.explain.read import Prepared
from scgce.explain.reopen import reopen, seed_for, stored_explanations, stored_factors, with_stored_means
from scgce.explain.split import REPORT
from scgce.store.entries import read_result, write_result


@checked(rng=SEED | NONE)
@with_docs
def lineages(
    adata: AnnData,
    lineage: str | Mapping[str, str | Sequence[str]],
    *,
    key: str = "tgt",
    encoder: Any = None,
    judges: bool | Mapping[str, Any] = True,
    rng: int | np.random.Generator | None = None,
    device: str = "auto",
    key_added: str = "lineages",
    copy: bool = False,
) -> AnnData | None:
    """Explain unions of groups (all T cells → all B cells) by the explanation of the groups, weighted by their cells.

    A lineage's translation is the mean of its groups', each weighted by its number of cells. Nothing is fitted again,
    so what is said about lineages agrees with what is said about their groups: explanations are symmetric and
    transitive, and correctness and coverage count all reported cells of a lineage, with the ε of the explanation.

    Of an explanation of some pairs (``pairs="within:cell_type"``) the lineages are such as ``"T | ctrl"`` and
    ``"T | stim"``: their translation is the mean of what their types do, each weighted by its cells in both, whatever
    their shares in either. Pairs of lineages that hold other types have no explanation.

    Parameters
    ----------
    adata
        Annotated data with the explanation and the cells it was made from.
    lineage
        Which lineage each group belongs to: a mapping group → lineage or lineage → list of groups, or a column of
        ``adata.obs`` that holds the lineage of every cell. Groups that are not mapped are left out.
    key
        The explanation in ``adata.uns``.
    encoder
        The model, if it could not be stored with the explanation. It is given the genes in the order explained.
    {judges}
        A judge of the user's may answer in names of groups: its answers are mapped to their lineages.
    rng
        Seed or generator; None: the explanation's own seed.
    {device}
    {copy}
    key_added
        Name of the result; with a mapping also of the column that is added to ``adata.obs``.

    Returns
    -------
    None, or the copy. Sets ``adata.uns[key_added]`` in the form of `tl.tgt`, with lineages for groups:
    ``get.explanation(adata, "T", "B", key=key_added)``. With the k-gene cut (``params["pair_cut"]``) a pair of lineages
    has k genes; without it every gene of the groups that does not cancel. With a mapping, ``adata.obs[key_added]`` is
    the lineage of every cell.

    Raises
    ------
    KeyError
        If there is no such explanation, column or group.
    ValueError
        If fewer than two lineages result, a group lies in two, the explanation was made pair by pair, or its pairs link
        no two lineages.
    """
    entry = read_result(adata, key)
    if "pair_deltas" in entry:
        raise ValueError(f"key={key!r} was made pair by pair ({entry['params']['method']}): it has no basis to average")
    if copy:
        adata = adata.copy()
    seed = seed_for(entry, rng)
    r = encoder_from_uns(entry["encoder"]) if encoder is None else encoder
    prepared = reopen(
        adata, entry, None, None, r, min_cells=1, seed=seed, device=resolve_device(device), fitting=bool(judges)
    )
    prepared = with_stored_means(prepared, entry)
    parents = _parents(adata, prepared.groups, lineage)
    column = lineage if isinstance(lineage, str) else key_added
    weights = _weights(entry, prepared, parents)
    merged = _merged(prepared, column, parents, weights)
    panel = None
    if judges:
        movable = stored_movable(entry, merged.genes)
        panel = Panel.fit(merged, judges, parents=parents, movable=movable, genes=entry["genes"])
    report = Report(merged.part(REPORT), float(entry["epsilon"]), panel, merged.asked, merged.seed)
    explained = [_averaged(candidate, weights) for candidate in stored_explanations(entry, prepared)]
    selected = [candidate.sparsity for candidate in explained].index(int(entry["params"]["sparsity_selected"]))
    kept = {**entry["params"], "groupby": column, "joined": False, "lineages_of": key}
    result = stored(merged, report, explained, selected, kept, factors=stored_factors(entry))
    result |= {"members": np.array(list(parents), dtype=str), "member_of": np.array(list(parents.values()), dtype=str)}
    write_result(adata, key_added, result)
    if not isinstance(lineage, str):
        names = merged.groups.names
        adata.obs[column] = pd.Categorical.from_codes(merged.groups.codes, list(names))
    return adata if copy else None


def _parents(adata: AnnData, groups: Groups, lineage: str | Mapping[str, Any]) -> dict[str, str]:
    """Lineage of each group that has one, in the groups' order."""
    if isinstance(lineage, str):
        if lineage not in adata.obs:
            raise not_found("lineage", lineage, "adata.obs", adata.obs.columns)
        found = coarser_labels(adata, groups, lineage, f"lineage={lineage!r}", every=False)
    else:
        given = _by_group(lineage, groups.names)
        unknown = [group for group in given if group not in set(groups.names)]
        if unknown:
            raise NotFoundError(f"lineage names unknown groups: {listing(unknown)}; found: {listing(groups.names)}")
        found = {str(name): given[name] for name in groups.names if name in given}
    if len(set(found.values())) < 2:
        raise ValueError(f"lineage={lineage!r} gives {len(set(found.values()))} lineages; at least two are needed")
    return found


def _by_group(lineage: Mapping[Any, Any], names: np.ndarray) -> dict[str, str]:
    """Group → lineage, from either direction; a value that is a list holds the groups of its key."""
    found: dict[str, str] = {}
    for name, value in lineage.items():
        listed = isinstance(value, Collection) and not isinstance(value, str)
        for one, parent in [(one, str(name)) for one in value] if listed else [(name, str(value))]:
            group = label_among(one, names)
            if found.setdefault(group, parent) != parent:
                raise ValueError(f"lineage: the group {group!r} is listed in {found[group]!r} and in {parent!r}")
    return found


def _weights(entry: dict[str, Any], prepared: Prepared, parents: dict[str, str]) -> pd.DataFrame:
    """Lineages × groups: share of each group's cells in its lineage, rows summing to 1.

    Where some pairs were asked for, amounts mean something within a set of groups that these link. So a set counts
    alike in all lineages, by the cells of all its groups, and its groups share that by their own.
    """
    sizes = dict(zip(entry["groups"], np.asarray(entry["sizes"], dtype=float), strict=True))
    table = pd.DataFrame(0.0, index=list(dict.fromkeys(parents.values())), columns=list(prepared.groups.names))
    for group, parent in parents.items():
        table.loc[parent, group] = sizes[group]
    if prepared.asked is not None:
        cells = table.to_numpy()
        same = _same_set(prepared.asked)
        within = cells @ same
        table *= np.divide(cells.sum(0) @ same, within, out=np.zeros_like(within), where=within > 0)
    return table.div(table.sum(axis=1), axis=0)


def _same_set(asked: Asked) -> np.ndarray:
    """(l, l): 1 where pairs asked for lead from one group to the other, and for a group itself."""
    sets = linked(asked)
    return (sets[:, None] == sets[None, :]).astype(float)


def _linked_lineages(asked: Asked | None, weights: pd.DataFrame) -> Asked | None:
    """The pairs of lineages that have an explanation: those with groups of the same sets; None for all."""
    if asked is None:
        return None
    has = weights.to_numpy() @ _same_set(asked) > 0
    alike = (has[:, None] == has[None, :]).all(2) & ~np.eye(len(has), dtype=bool)
    if not alike.any():
        raise ValueError(
            f"lineage: the explanation is of some pairs only, and links no two of {listing(weights.index)}; expected "
            "two lineages with groups of the same sets that its pairs link, such as 'T | ctrl' and 'T | stim'"
        )
    return None if alike.sum() == len(has) * (len(has) - 1) else alike


def _merged(prepared: Prepared, key: str, parents: dict[str, str], weights: pd.DataFrame) -> Prepared:
    """The same cells in their lineages."""
    names = list(weights.index)
    code = [names.index(parents[name]) if name in parents else -1 for name in prepared.groups.names]
    codes = np.array([*code, -1], dtype=np.int64)[prepared.groups.codes]
    groups = Groups(key, np.array(names, dtype=object), codes)
    split = np.where(codes >= 0, prepared.split, -1).astype(np.int8)
    bound = None
    if prepared.most_reported is not None:
        bound = (weights.to_numpy() > 0).astype(np.int64) @ prepared.most_reported
    means, reported = (weights.to_numpy() @ part for part in (prepared.means, prepared.reported_means))
    return replace(
        prepared,
        groups=groups,
        split=split,
        means=means,
        reported_means=reported,
        most_reported=bound,
        asked=_linked_lineages(prepared.asked, weights),
    )


def _averaged(explained: Explained, weights: pd.DataFrame) -> Explained:
    mean = torch.from_numpy(weights.to_numpy(copy=True)) @ explained.translations.values
    translations = Translations(explained.translations.genes, mean, explained.translations.n_genes)
    nothing = np.full((len(weights), len(weights)), np.nan)
    return replace(explained, translations=translations.rounded().drop_unused(), validation=Scores(nothing, nothing))
