"""Which pairs of groups are asked for, and which group of them is the reference."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from scgce._api.columns import BASELINE, JOIN, group_name, reference_words
from scgce._api.errors import listing, not_found, shown
from scgce._api.groups import Groups, coarser_labels
from scgce.core.gauge import gauge
from scgce.core.linked import linked
from scgce.core.pairs import Asked

logger = logging.getLogger("scgce")

WITHIN = "within:"


def asked_pairs(adata: AnnData, groups: Groups, pairs: Any) -> Asked | None:
    """The pairs asked for, bool (l, l), both directions of each; None for all.

    Parameters
    ----------
    adata
        Annotated data.
    groups
        The groups.
    pairs
        "all", "within:column", a list of (source, target), or a frame with these columns.

    Raises
    ------
    KeyError
        If a column or group is not there.
    ValueError, TypeError
        If it is none of these, or leaves no pair.
    """
    if isinstance(pairs, str) and pairs == "all":
        return None
    if isinstance(pairs, str) and pairs.startswith(WITHIN):
        labels = _labels(adata, groups, pairs)
        mask = labels[:, None] == labels[None, :]
        np.fill_diagonal(mask, False)
        if not mask.any():
            raise ValueError(f"pairs={pairs!r} leaves no pair: no two of the {groups.n} groups share a label of it")
    else:
        mask = _given(groups, pairs)
    alone = groups.names[~mask.any(axis=1)]
    if len(alone):
        logger.warning("pairs=%r: %s in no pair", pairs if isinstance(pairs, str) else "given", listing(alone))
    return None if mask.sum() == groups.n * (groups.n - 1) else mask


def word_of(pairs: Any) -> str:
    """What is stored of ``pairs`` as a parameter: the word, or "given"."""
    return pairs if isinstance(pairs, str) else "given"


def _labels(adata: AnnData, groups: Groups, pairs: str) -> np.ndarray:
    """Label (l,) of every group in the column that ``within:`` names."""
    column = pairs.removeprefix(WITHIN)
    joined = groups.key.split(JOIN)
    if column in joined and len(joined) > 1:
        return np.array([str(name).split(JOIN)[joined.index(column)] for name in groups.names], dtype=object)
    if column not in adata.obs.columns:
        there = joined if len(joined) > 1 else adata.obs.columns
        raise not_found("pairs", pairs, "the columns", [WITHIN + str(name) for name in there])
    hint = f", or groupby=[{column!r}, {groups.key!r}]"
    return np.array([*coarser_labels(adata, groups, column, f"pairs={pairs!r}", hint=hint).values()], dtype=object)


def _given(groups: Groups, pairs: Any) -> Asked:
    expected = "expected 'all', 'within:column', a list of (source, target), or a frame with the columns of these names"
    if isinstance(pairs, pd.DataFrame):
        if not {"source", "target"} <= set(pairs.columns):
            raise ValueError(f"pairs has the columns {listing(pairs.columns)}; {expected}")
        found = pairs[["source", "target"]].drop_duplicates()
        pairs = list(zip(found["source"].tolist(), found["target"].tolist(), strict=True))
    if isinstance(pairs, pd.MultiIndex | Set):
        pairs = list(pairs)
    if isinstance(pairs, str | Mapping) or not isinstance(pairs, Sequence | np.ndarray):
        raise ValueError(f"pairs={shown(pairs)}: {expected}")
    if not len(pairs):
        raise ValueError(f"pairs=[] names no pair; {expected}")
    place = {str(name): row for row, name in enumerate(groups.names)}
    mask = np.zeros((groups.n, groups.n), dtype=bool)
    for pair in pairs:
        if isinstance(pair, str | Mapping) or not isinstance(pair, Sequence | np.ndarray) or len(pair) != 2:
            raise ValueError(f"pairs: {pair!r} is no (source, target); {expected}")
        rows = []
        for end in pair:
            name = group_name(end, groups.key, "pairs", place)
            if name not in place:
                raise not_found("pairs", end, f"the groups of {groups.key!r}", groups.names)
            rows.append(place[name])
        if rows[0] == rows[1]:
            raise ValueError(f"pairs: {pair!r} names one group twice; expected two different groups")
        mask[rows[0], rows[1]] = mask[rows[1], rows[0]] = True
    return mask


def in_gauge(deltas: np.ndarray, groups: Groups, asked: Asked | None, reference: Any) -> np.ndarray:
    """Basis translations (l, d) in the gauge of a reference.

    Parameters
    ----------
    deltas
        In any gauge; where only some pairs were asked for, one of its own in every set of groups that they link.
    groups
        The groups.
    asked
        The pairs; None for all.
    reference
        A group, whose row becomes 0 (None: the first); a label of one of the joined columns, the first group of that
        label; or "baseline". Where only some pairs were asked for, so it is in every set of groups that they link: its
        first group's row becomes 0 if none there is meant.
    """
    names = [str(name) for name in groups.names]
    word, column = reference_words(names, groups.key, reference)
    if not column and asked is None:
        row: Any = names.index(word) if word in names else BASELINE if word else 0
        return gauge(deltas, row, groups.sizes)
    if column:
        has = np.array([has_label(name, groups.key, (column, word)) for name in names])
    else:
        has = np.array([name == word for name in names])
    sets = np.zeros(len(names), dtype=np.int64) if asked is None else linked(asked)
    shifted = np.array(deltas, dtype=np.float64)
    for number in np.unique(sets):
        inside = np.flatnonzero(sets == number)
        if word == BASELINE and not column and not has.any():
            shifted[inside] = gauge(shifted[inside], "baseline", groups.sizes[inside])
            continue
        first = inside[has[inside]]
        shifted[inside] -= shifted[first[0] if len(first) else inside[0]]
    return shifted


def has_label(name: str, key: str, level: tuple[str, str]) -> bool:
    """Whether a joined group has a label: ``level`` is (column, label)."""
    return name.split(JOIN)[key.split(JOIN).index(level[0])] == level[1]
