"""Groups from several columns of ``adata.obs``: their labels joined, without a column made by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from .errors import listing, not_found

JOIN = " | "
"""Between the labels of a joined group ("B | ctrl"), and between the columns in its name ("cell_type | condition")."""
BASELINE = "baseline"
"""The reference that is no group: the median over groups, gene by gene. A group or label of that name comes first."""


def group_key(adata: AnnData, groupby: str | Sequence[str]) -> str:
    """The name by which groups of one or several columns go: the column, or the columns joined.

    Raises
    ------
    KeyError
        If a column is not there.
    ValueError
        If the list is empty or names a column twice, a name in it holds the sign that joins, or a column of the
        joined name has other labels than the joined ones.
    """
    if isinstance(groupby, str):
        return groupby
    columns = list(groupby) if isinstance(groupby, Sequence | np.ndarray | pd.Index | pd.Series) else [groupby]
    if not columns or not all(isinstance(column, str) for column in columns):
        raise TypeError(f"groupby={groupby!r}; expected a column of adata.obs, or a list of columns")
    for column in columns:
        if column not in adata.obs.columns:
            raise not_found("groupby", column, "adata.obs", adata.obs.columns)
    if len(set(columns)) < len(columns):
        raise ValueError(f"groupby={groupby!r} names a column twice")
    if len(columns) > 1 and any(JOIN in column for column in columns):
        raise ValueError(f"groupby={groupby!r}: a column's name holds {JOIN!r}, which joins names; rename it")
    key = JOIN.join(columns)
    if len(columns) > 1 and key in adata.obs.columns:
        _check_the_same(adata, columns, key, f"rename or drop it, or give groupby={key!r} if its labels are meant")
    return key


def _check_the_same(adata: AnnData, columns: list[str], key: str, advice: str) -> None:
    """Refuse a column that has the joined name and other labels: which of the two is meant could not be told later."""
    joined, there = _joined(adata, key), adata.obs[key]
    both = joined.notna().to_numpy() & there.notna().to_numpy()
    same = joined.astype(object).to_numpy() == there.astype(object).to_numpy()
    if (joined.isna().to_numpy() != there.isna().to_numpy()).any() or not same[both].all():
        raise ValueError(
            f"groupby={columns!r}: adata.obs has a column {key!r}, the name of the joined groups, with other labels; "
            f"{advice}"
        )


def stored_key(adata: AnnData, params: Mapping[str, Any]) -> str:
    """The column, or the columns joined, that a result explained, to be read in ``adata``.

    Raises
    ------
    ValueError
        If they were joined, and ``adata`` has got a column of the joined name with other labels since.
    """
    key = str(params["groupby"])
    columns = key.split(JOIN)
    if params.get("joined") and key in adata.obs.columns and all(column in adata.obs.columns for column in columns):
        _check_the_same(adata, columns, key, "rename or drop it (the result explains the joined groups)")
    return key


def has_labels(adata: AnnData, key: str) -> bool:
    """Whether ``key`` is a column, or several joined."""
    return key in adata.obs.columns or (JOIN in key and all(part in adata.obs.columns for part in key.split(JOIN)))


def missing_part(adata: AnnData, key: str) -> str:
    """Of a joined name that is not there the first column that is missing, where others are there; else the name."""
    parts = key.split(JOIN)
    missing = [part for part in parts if part not in adata.obs.columns]
    return missing[0] if 0 < len(missing) < len(parts) else key


def label_column(adata: AnnData, key: str) -> pd.Series:
    """Labels (n,) of a column, or of several joined: those that occur, by the first column, then the next.

    Raises
    ------
    ValueError
        If a label holds the sign that joins.
    """
    return adata.obs[key] if key in adata.obs.columns else _joined(adata, key)


def _joined(adata: AnnData, key: str) -> pd.Series:
    """Labels (n,) of the columns joined in ``key``."""
    parts = [_as_text(adata.obs[part], part) for part in key.split(JOIN)]
    present = pd.concat([part.notna() for part in parts], axis=1).all(axis=1)
    joined = parts[0].astype(object)
    for part in parts[1:]:
        joined = joined + JOIN + part.astype(object)
    there = set(joined[present])
    names = [JOIN.join(labels) for labels in product(*(part.cat.categories for part in parts))]
    values = joined.where(present)
    return pd.Series(pd.Categorical(values, [name for name in names if name in there]), index=adata.obs_names, name=key)


def _as_text(column: pd.Series, name: str) -> pd.Series:
    """The column as categories of text."""
    found = column.astype("category").cat.remove_unused_categories()
    names = label_names(found.cat.categories)
    bad = [label for label in names if JOIN in label]
    if bad:
        raise ValueError(f"groupby: labels of {name!r} hold {JOIN!r}, which joins labels: {listing(bad)}; rename them")
    return found.cat.rename_categories(names)


def label_names(values: Iterable[object]) -> list[str]:
    """Labels as the names that everything of scgce calls them by; whole numbers lose the ``.0`` of a float.

    Integers become floats where labels are missing, and come back as integers from some files: both are one label.
    So are text and its bytes, as which fixed-length text comes from files.
    """
    found = [value.decode(errors="backslashreplace") if isinstance(value, bytes) else value for value in values]
    floats = [value for value in found if isinstance(value, float | np.floating)]
    if len(floats) == len(found) and all(float(value).is_integer() for value in floats):
        return [str(int(value)) for value in floats]
    return [str(value) for value in found]


def label_name(value: object) -> str:
    """The name that everything of scgce calls one label by."""
    return label_names([value])[0]


def label_among(value: object, names: Iterable[object]) -> str:
    """The name among ``names`` that a label means, a number in either form (0.0 is "0", beside 0.5 "0.0").

    Of one that is none of them its own name.
    """
    text = str(value)
    return text if text in {str(name) for name in names} else label_name(value)


def group_name(name: Any, key: str, argument: str, names: Iterable[object]) -> str:
    """The name among ``names`` of a group given by it, or by its labels: ``{"cell_type": "B", "condition": "ctrl"}``.

    Raises
    ------
    ValueError
        If the labels are not those of the columns joined in ``key``.
    """
    if not isinstance(name, Mapping):
        return label_among(name, names)
    columns = key.split(JOIN)
    if set(name) != set(columns):
        raise ValueError(f"{argument}={dict(name)!r}: expected a label for each of {listing(columns)}")
    parts = [part for part in (str(one).split(JOIN) for one in names) if len(part) == len(columns)]
    return JOIN.join(label_among(name[column], [part[at] for part in parts]) for at, column in enumerate(columns))


def level_of(names: Sequence[str], key: str, reference: Any) -> tuple[str, str] | None:
    """The column and the label that a reference means: one of the labels joined in the groups' names; None if none.

    Parameters
    ----------
    names
        Groups (l,).
    key
        Columns that were joined.
    reference
        A label, or ``{column: label}`` where several columns have it.

    Raises
    ------
    ValueError
        If several columns have the label, or the column was not joined.
    """
    columns = key.split(JOIN)
    if len(columns) < 2:
        return None
    if isinstance(reference, Mapping):
        if len(reference) != 1 or next(iter(reference)) not in columns:
            raise ValueError(f"reference={dict(reference)!r}: expected a label of one of {listing(columns)}")
        wanted = dict(reference)
    else:
        wanted = dict.fromkeys(columns, reference)
    labels = [dict(zip(columns, name.split(JOIN), strict=True)) for name in names]
    wanted = {column: label_among(label, [one[column] for one in labels]) for column, label in wanted.items()}
    found = [(column, label) for column, label in wanted.items() if any(one[column] == label for one in labels)]
    if len(found) > 1:
        (column, label), *_ = found
        raise ValueError(
            f"reference={reference!r} is a label of {' and of '.join(repr(name) for name, _ in found)}; "
            f"give {{{column!r}: {label!r}}}"
        )
    return found[0] if found else None


def reference_words(names: Sequence[str], key: str, reference: Any) -> tuple[str, str]:
    """What is stored of a reference: a group, a label, "baseline" or "" (none), and the column of a label.

    Of several things that it can mean, the first of these.
    """
    if reference is None:
        return "", ""
    if isinstance(reference, Mapping) and len(reference) == len(key.split(JOIN)):
        return group_name(reference, key, "reference", names), ""
    if not isinstance(reference, Mapping) and label_among(reference, names) in names:
        return label_among(reference, names), ""
    meant = level_of(names, key, reference)
    return (label_name(reference), "") if meant is None else (meant[1], meant[0])


def reference_of(params: Mapping[str, Any], names: Sequence[str]) -> Any:
    """The reference as `reference_words` stored it in the parameters; None where it is none of the groups."""
    word, column = str(params.get("reference", "")), str(params.get("reference_column", ""))
    if column:
        return {column: word}
    return word if word == BASELINE or word in names else None
