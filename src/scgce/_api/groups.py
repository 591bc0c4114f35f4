"""Groups of cells, read from ``adata.obs`` in one place: names, codes and sizes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

import numpy as np
import pandas as pd
from anndata import AnnData

from .columns import (
    BASELINE,
    JOIN,
    group_key,
    group_name,
    has_labels,
    label_among,
    label_column,
    label_names,
    level_of,
    missing_part,
)
from .errors import listing, not_found

logger = logging.getLogger("scgce")

MAX_NUMERIC_LEVELS = 100


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of cells.

    Attributes
    ----------
    key
        Column of ``adata.obs``.
    names
        Labels (l,), strings, in the categories' order.
    codes
        Group of every cell (n,), int64; −1: in no group.
    joined
        Whether the key is that of several columns.
    """

    key: str
    names: np.ndarray
    codes: np.ndarray
    joined: bool = False

    @property
    def stored(self) -> dict[str, str | bool]:
        """What a result's parameters say of the groups: `columns.stored_key` reads it."""
        return {"groupby": self.key, "joined": self.joined}

    @property
    def sizes(self) -> np.ndarray:
        """Number of cells of each group (l,)."""
        return np.bincount(self.codes[self.codes >= 0], minlength=self.n)

    @property
    def n(self) -> int:
        """Number l of groups."""
        return len(self.names)


def read_groups(
    adata: AnnData,
    groupby: str | Sequence[str],
    *,
    groups: Literal["all"] | Sequence[object] = "all",
    min_cells: int = 3,
    reference: object = None,
) -> Groups:
    """Read the groups of cells.

    Cells without a label and categories without cells are left out; categories keep their order, other labels are
    sorted; integers and booleans become strings.

    Parameters
    ----------
    adata
        Annotated data.
    groupby
        Column of ``adata.obs``, or several, whose labels are joined; the combinations that occur are the groups.
    groups
        ``"all"``, or the labels to keep; the cells of the others get code −1.
    min_cells
        Smallest number of cells a group may have.
    reference
        Label that must be among the groups (added if ``groups`` leaves it out), or ``"baseline"``, or None; of several
        columns also a label of one of them.

    Raises
    ------
    KeyError
        If the column, a label of ``groups`` or the reference is not there.
    ValueError
        If there are fewer than two groups, a group is too small, labels coincide as strings, or the column is a
        continuous number.
    """
    joined = not isinstance(groupby, str) and len(groupby) > 1
    groupby = group_key(adata, groupby)
    if not has_labels(adata, groupby):
        raise not_found(
            "groupby", missing_part(adata, groupby), "adata.obs", adata.obs.columns, hint=_clustering(groupby)
        )
    names, codes = _labels(label_column(adata, groupby), groupby)
    keep = _selected(names, groups, reference, groupby)
    if len(keep) < 2:
        raise ValueError(
            f"groupby={groupby!r} with groups={groups!r} leaves {len(keep)} group ({listing(names[keep])}); "
            "at least two are needed to explain a difference"
        )
    recode = np.full(len(names) + 1, -1, dtype=np.int64)
    recode[keep] = np.arange(len(keep))
    found = Groups(groupby, names[keep], recode[codes], joined)
    check_sizes(found, min_cells)
    return found


def _clustering(groupby: str) -> str:
    """What makes the column, where its name is that of scanpy's clustering."""
    if groupby not in ("leiden", "louvain"):
        return ""
    package = {"leiden": "igraph", "louvain": "louvain"}[groupby]
    install = f" (pip install {package} first)" if find_spec(package) is None else ""
    return (
        f"; run sc.pp.neighbors(adata) and sc.tl.{groupby}(adata) first{install}, or name the column with your groups"
    )


def read_labels(adata: AnnData, column: str, argument: str) -> tuple[np.ndarray, np.ndarray]:
    """Labels (a,) in use as strings, sorted, and the code of every cell (n,), −1 for one without.

    Raises
    ------
    KeyError
        If the column is not there; ``argument`` is what the caller calls it.
    ValueError
        If labels coincide as strings, or the column is a continuous number.
    """
    if column not in adata.obs.columns:
        raise not_found(argument, column, "adata.obs", adata.obs.columns)
    names, codes = _labels(adata.obs[column], column, argument)
    order = np.argsort(names.astype(str), kind="stable")
    return names[order], np.append(np.argsort(order), -1)[codes]


def group_codes(adata: AnnData, groupby: str, groups: Iterable[object]) -> np.ndarray:
    """Position in ``groups`` of the group of every cell (n,), int64; −1 for the others and for cells without a label.

    Raises
    ------
    NotFoundError
        If the column is not there.
    """
    if not has_labels(adata, groupby):
        raise not_found("groupby", missing_part(adata, groupby), "adata.obs", adata.obs.columns)
    names, codes = labels_of(label_column(adata, groupby))
    place = {str(name): position for position, name in enumerate(groups)}
    return np.array([*(place.get(name, -1) for name in names), -1], dtype=np.int64)[codes]


def coarser_labels(
    adata: AnnData, groups: Groups, column: str, said: str, *, every: bool = True, hint: str = ""
) -> dict[str, str]:
    """The one label that the cells of each group have in another column; groups whose cells have none are left out.

    Parameters
    ----------
    adata, groups
        Annotated data, and its groups.
    column
        Column of ``adata.obs``.
    said
        The argument that names it, and its value, for messages.
    every
        Whether each group must have a label.
    hint
        What a message adds.

    Raises
    ------
    ValueError
        If the cells of a group have several labels, or none where each must have one.
    """
    found: dict[str, str] = {}
    for code, name in enumerate(groups.names):
        inside, _ = labels_of(adata.obs[column][groups.codes == code])
        if len(inside) > 1 or (every and not len(inside)):
            raise ValueError(
                f"{said}: the cells of group {name!r} have {len(inside)} labels of {column!r} ({listing(inside)}); "
                f"expected one{hint}"
            )
        found |= {str(name): str(label) for label in inside}
    return found


def labels_of(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Names in use, and the code of every cell: the one reader of labels.

    A cell without a label has code −1. Categories keep their order, other labels are sorted.
    """
    labels = column.astype("category").cat.remove_unused_categories()
    return np.array(label_names(labels.cat.categories), dtype=object), labels.cat.codes.to_numpy().astype(np.int64)


def _labels(column: pd.Series, groupby: str, argument: str = "groupby") -> tuple[np.ndarray, np.ndarray]:
    """Labels in use as strings, and the code of every cell (−1: no label)."""
    if pd.api.types.is_numeric_dtype(column) and column.nunique() > MAX_NUMERIC_LEVELS:
        raise ValueError(
            f"{argument}={groupby!r} is a number with {column.nunique()} different values, not groups; "
            "cluster the cells (sc.tl.leiden) or cut the values into ranges (pandas.cut) first"
        )
    names, codes = labels_of(column)
    missing = int((codes < 0).sum())
    if missing:
        logger.info("%d of %d cells have no label in obs[%r] and are left out", missing, len(codes), groupby)
    unique, counts = np.unique(names, return_counts=True)
    if (counts > 1).any():
        raise ValueError(
            f"{argument}={groupby!r} has different labels that read the same as text: {listing(unique[counts > 1])}; "
            "rename the categories"
        )
    return names, codes


def _selected(names: np.ndarray, groups: object, reference: object, groupby: str) -> np.ndarray:
    """Positions of the groups asked for, in the order of the names."""
    wanted = set(names)
    if isinstance(groups, str) or not isinstance(groups, Iterable):
        if groups != "all":
            raise ValueError(f"groups={groups!r}; expected 'all' or a list of labels of obs[{groupby!r}]")
    else:
        given = list(groups)
        wanted = {group_name(one, groupby, "groups", names) for one in given}
    if reference is not None:
        whole = isinstance(reference, Mapping) and len(reference) == len(groupby.split(JOIN))
        name = group_name(reference, groupby, "reference", names) if whole else label_among(reference, names)
        if name in names:
            wanted.add(name)
        elif (reference != BASELINE and level_of([str(one) for one in names], groupby, reference) is None) or whole:
            labels = dict.fromkeys(label for one in names for label in str(one).split(JOIN)) if JOIN in groupby else []
            raise not_found("reference", reference, f"obs[{groupby!r}]", [*names, *labels, BASELINE])
    for label in sorted(wanted - set(names)):
        raise not_found("groups", label, f"obs[{groupby!r}] (labels that have cells)", names)
    return np.flatnonzero([name in wanted for name in names])


def check_sizes(found: Groups, min_cells: int) -> None:
    """Refuse groups of fewer than ``min_cells`` cells, by name."""
    small = [f"{name} ({size})" for name, size in zip(found.names, found.sizes, strict=True) if size < min_cells]
    if small:
        raise ValueError(
            f"groupby={found.key!r} has groups with fewer than min_cells={min_cells} cells: {listing(small)}; "
            "merge them, leave them out with groups=[…], or lower min_cells"
        )
