"""The forms in which people have gene sets, each read into one long table: program, gene, weight."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from scgce._api.errors import listing

COLUMNS = ["program", "gene", "weight"]
FORMS = (
    "a dict from names to lists of genes (or nested by cell type), the path of a .gmt file, a DataFrame with the "
    "columns source and target (and weight) or of genes × programmes, a Series from genes to modules"
)
_GLOBAL = {"global", "all"}
_NO_MODULE = {"-1", "nan", "None", "<NA>", ""}
_ENRICHR = re.compile(r"^(.+),(-?\d+(?:\.\d+)?)$")


@dataclass(frozen=True)
class Given:
    """What somebody gave, the genes of the matrix, and what the argument is called."""

    value: Any
    genes: np.ndarray
    argument: str


def read_form(source: Any, genes: np.ndarray, argument: str = "source") -> tuple[pd.DataFrame, str]:
    """Read gene sets in whatever form they are.

    Parameters
    ----------
    source
        Mapping, path of a GMT file, frame or Series.
    genes
        Genes of the matrix, by which the orientation of a frame of loadings is told.
    argument
        What the caller calls the source, for messages.

    Returns
    -------
    A long table with ``program`` (categorical in the order given, also those without genes), ``gene`` and ``weight``
    (finite, not 0; below 0 where the gene is repressed), and the word for the form.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError, ValueError
        If it is in none of the forms, or in one with faults: a name twice, a pair twice, a weight that is no number.
    """
    for accepts, read, word in _FORMS:
        if accepts(source):
            table = read(Given(source, genes, argument))
            twice = table.duplicated(["program", "gene"])
            if twice.any():
                pairs = [f"{row.program}: {row.gene}" for row in table[twice].itertuples()]
                raise ValueError(f"{argument} names genes twice in one programme: {listing(pairs)}")
            if not np.isfinite(table["weight"]).all():
                bad = table.loc[~np.isfinite(table["weight"]), "gene"]
                raise ValueError(f"{argument} has weights that are no finite numbers, for {listing(bad)}")
            return table[table["weight"] != 0].reset_index(drop=True), word
    raise TypeError(f"{argument} is a {type(source).__name__}; expected {FORMS}")


def _long(sets: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """A mapping from programmes to weights by gene as a long table."""
    rows = [(name, gene, weight) for name, members in sets.items() for gene, weight in members.items()]
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"weight": float})
    table["program"] = pd.Categorical(table["program"], categories=list(sets))
    return table


def _mapping(given: Given) -> pd.DataFrame:
    source, argument = given.value, given.argument
    nested = [isinstance(members, Mapping) and not _weighted(members) for members in source.values()]
    if any(nested) and not all(nested):
        raise ValueError(
            f"{argument} mixes sets and dicts of sets; expected names → genes, or cell types → names → genes"
        )
    if not any(nested):
        return _long(
            _named(
                {str(name): _members(str(name), members, argument) for name, members in source.items()},
                source,
                argument,
            )
        )
    sets: dict[str, dict[str, float]] = {}
    for cell_type, inner in source.items():
        prefix = "" if str(cell_type) in _GLOBAL else f"{cell_type}: "
        for name, members in inner.items():
            if prefix + str(name) in sets:
                raise ValueError(f"{argument} has the set {prefix}{name} twice")
            sets[prefix + str(name)] = _members(str(name), members, argument)
    return _long(sets)


def _named(sets: dict[str, dict[str, float]], source: Mapping[Any, Any], argument: str) -> dict[str, dict[str, float]]:
    if len(sets) < len(source):
        raise ValueError(f"{argument} has different names that read the same as text")
    return sets


def _weighted(members: Mapping[Any, Any]) -> bool:
    """Whether a mapping gives weights by gene, and is not one of sets by name."""
    return bool(members) and all(np.isscalar(weight) and not isinstance(weight, str) for weight in members.values())


def _members(name: str, members: Any, argument: str) -> dict[str, float]:
    if isinstance(members, Mapping):
        return {str(gene): float(weight) for gene, weight in members.items()}
    if isinstance(members, str) or not isinstance(members, Iterable):
        raise ValueError(f"{argument}[{name!r}] is {members!r}; expected a list of genes")
    found = list(members)
    odd = [gene for gene in found if not isinstance(gene, str)]
    if odd:
        raise ValueError(f"{argument}[{name!r}] holds {odd[0]!r}; expected names of genes")
    return dict.fromkeys((gene for gene in found if gene), 1.0)  # a gene that a list names twice is in the set once


def _gmt(given: Given) -> pd.DataFrame:
    source, argument = given.value, given.argument
    path = Path(source)
    if not path.is_file():
        raise FileNotFoundError(f"{argument}={str(source)!r}: there is no such file")
    opened = gzip.open if path.suffix == ".gz" else open
    sets: dict[str, dict[str, float]] = {}
    with opened(path, "rt", encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            name, *fields = (field.strip() for field in line.rstrip("\r\n").split("\t"))
            if not name and not fields:
                continue
            if not fields:
                raise ValueError(
                    f"{argument}={str(source)!r}, line {number}: no tab; expected name, description and genes"
                )
            if name in sets:
                raise ValueError(f"{argument}={str(source)!r}, line {number}: the set {name} is there twice")
            sets[name] = dict(_with_weight(field) for field in fields[1:] if field)
    return _long(sets)


def _with_weight(field: str) -> tuple[str, float]:
    """A gene of a GMT file; Enrichr's libraries write a weight behind a comma."""
    match = _ENRICHR.match(field)
    return (match[1], float(match[2])) if match else (field, 1.0)


def _net(given: Given) -> pd.DataFrame:
    source, argument = given.value, given.argument
    if source[["source", "target"]].isna().to_numpy().any():
        raise ValueError(f"{argument} has rows without a source or a target")
    names = source["source"].astype(str)
    weight = source["weight"] if "weight" in source else pd.Series(1.0, index=source.index)
    table = pd.DataFrame({"program": names, "gene": source["target"].astype(str), "weight": _numbers(weight, argument)})
    table["program"] = pd.Categorical(table["program"], categories=list(dict.fromkeys(names)))
    return table


def _loadings(given: Given) -> pd.DataFrame:
    source, argument = given.value, given.argument
    known = set(given.genes)
    rows, columns = ([str(label) for label in labels] for labels in (source.index, source.columns))
    matched = [sum(label in known for label in labels) for labels in (rows, columns)]
    sideways = matched[1] > matched[0] if any(matched) else len(columns) > len(rows)
    for labels in (rows, columns):
        if len(set(labels)) < len(labels):
            twice = pd.Index(labels)[pd.Index(labels).duplicated()].unique()
            raise ValueError(f"{argument} (DataFrame) has labels that occur more than once: {listing(twice)}")
    values = np.column_stack([_numbers(source.iloc[:, i], argument) for i in range(source.shape[1])])
    if sideways:
        rows, columns, values = columns, rows, values.T
    if not np.isfinite(values).all():
        raise ValueError(f"{argument} (DataFrame of genes × programmes) has NaN or infinite values")
    return from_array(values, rows, columns)


def from_array(values: Any, genes: Iterable[str], names: Iterable[str]) -> pd.DataFrame:
    """Loadings (genes, M), dense or sparse, as a long table."""
    found = sparse.csc_array(values).tocoo()
    labels, names = np.asarray(list(genes), dtype=object), list(names)
    table = pd.DataFrame({"gene": labels[found.row], "weight": found.data.astype(float)})
    table.insert(0, "program", pd.Categorical.from_codes(found.col, names))
    return table


def _modules(given: Given) -> pd.DataFrame:
    source, argument = given.value, given.argument
    twice = source.index[source.index.duplicated()]
    if len(twice):
        raise ValueError(f"{argument} (Series) has genes that occur more than once: {listing(twice)}")
    values = source.dropna()
    numbered = pd.api.types.is_numeric_dtype(values)
    if numbered and (values % 1 != 0).any():
        raise ValueError(
            f"{argument} (Series) holds fractions; expected the module of every gene, a whole number or a name"
        )
    labels = values.astype(np.int64).astype(str) if numbered else values.astype(str)
    labels = labels[~labels.isin(_NO_MODULE)]
    order = sorted(set(labels), key=lambda label: (len(label), label) if numbered else (0, label))
    names = {label: f"module {label}" if numbered else label for label in order}
    table = pd.DataFrame({"gene": labels.index.astype(str), "weight": 1.0})
    table.insert(0, "program", pd.Categorical(labels.map(names).to_numpy(), categories=list(names.values())))
    return table


def _numbers(column: pd.Series, argument: str) -> np.ndarray:
    if pd.api.types.infer_dtype(column) == "string":  # digits stored as text are a column of labels
        hint = "" if column.name == "weight" else ", or the columns source and target with a row for each gene of a set"
        raise ValueError(f"{argument}: column {column.name!r} holds text; expected numbers{hint}")
    try:
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{argument}: column {column.name!r} has dtype {column.dtype}; expected numbers") from error


def _is_net(source: Any) -> bool:
    return isinstance(source, pd.DataFrame) and {"source", "target"} <= set(source.columns)


_FORMS: tuple[tuple[Callable[[Any], bool], Callable[[Given], pd.DataFrame], str], ...] = (
    (lambda source: isinstance(source, Mapping), _mapping, "dict"),
    (lambda source: isinstance(source, str | Path), _gmt, "gmt"),
    (_is_net, _net, "net"),
    (lambda source: isinstance(source, pd.DataFrame), _loadings, "loadings"),
    (lambda source: isinstance(source, pd.Series), _modules, "modules"),
)
