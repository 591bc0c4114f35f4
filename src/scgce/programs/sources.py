"""One resolver from whatever somebody has as gene programmes to a membership over the genes of a matrix."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from scgce._api.errors import listing, not_found
from scgce._api.symbols import gene_labels

from .base import FittingCells, Programs
from .forms import FORMS, from_array, read_form
from .learn import LEARNED, TooFewGenesError, learn_programs
from .names import unique
from .spelling import check_spelling
from .stored import is_stored, read_programs

logger = logging.getLogger("scgce")

MIN_GENES = 5
"""Matched genes that a given set needs; decoupler's ``tmin``."""
_SIGNS = ("+", "-", "−")


def resolve_programs(
    source: Any,
    genes: np.ndarray,
    cells: FittingCells | None = None,
    *,
    adata: AnnData | None = None,
    n_programs: int | None = None,
    rest: bool = True,
    min_genes: int = MIN_GENES,
    mask: np.ndarray | None = None,
    gene_symbols: str | None = None,
    rng: int = 0,
    argument: str = "source",
) -> Programs:
    """Programmes from the cells, or from what people have, as it is.

    Genes are matched by name. A gene of several programmes is shared in proportion to its weights; signed weights (and
    names that end in ``+`` or ``-``, pyUCell's form) make two programmes, ``"name +"`` and ``"name -"``.

    Parameters
    ----------
    source
        ``"profile"``, ``"coexpression"`` or ``"nmf"``: learned. A dict of lists (also by cell type, Spectra's form),
        the path of a GMT file, decoupler's long frame (``source``, ``target``, ``weight``), a frame genes × programmes
        in either orientation (told by the genes' names), a Series from genes to modules (-1 and missing: none). A key
        of ``adata.varm``; one written by `tl.programs` is taken as it was written.
    genes
        Genes of the matrix (d,).
    cells
        Cells that the learned ones come from; None where nothing is to be learned.
    adata
        Where a key is looked up.
    n_programs
        Number of programmes to learn; the source's own number if None.
    rest
        Group the genes of no given programme from the cells, by profile where there are groups, else by co-expression.
    min_genes
        A given programme with fewer matched genes is left out, and logged.
    mask
        Genes that may be used, bool (d,); all if None.
    gene_symbols
        Column of ``adata.var`` by which given genes are matched and learned programmes are named; a symbol that several
        genes have matches none of them. None: the genes' own names.
    rng
        Seed.
    argument
        What the caller calls the source, for messages.

    Returns
    -------
    The programmes: given ones in their order, then learned ones.

    Raises
    ------
    KeyError, FileNotFoundError
        If the key or the file is not there.
    TypeError, ValueError
        If the source is in none of these forms, has faults, names its genes in another way than the matrix, or leaves
        no programme.
    """
    if isinstance(source, str) and source in LEARNED:
        known = genes if adata is None else gene_labels(adata, genes, gene_symbols)
        some = _needed(cells, source, argument)
        found = learn_programs(some, known, source=source, n_programs=n_programs, mask=mask, rng=rng)
        return replace(found, genes=genes)
    matching: dict[str, Any] = {"min_genes": min_genes, "mask": mask, "gene_symbols": gene_symbols}
    given = source if isinstance(source, Given) else read_given(source, genes, adata, **matching, argument=argument)
    if given.whole:
        return given.programs
    found = given.programs
    if cells is not None:
        found = _led(found, cells)
        found = with_rest(found, cells, n_programs, mask, rng) if rest else found
    return replace(found, genes=genes)


@dataclass(frozen=True)
class Given:
    """What people have, matched with the genes before a cell is looked at; `resolve_programs` takes it as a source."""

    programs: Programs
    whole: bool
    """Taken as it is: nothing comes from the cells, not even the order in which genes lead."""


def read_given(
    source: Any,
    genes: np.ndarray,
    adata: AnnData | None = None,
    *,
    min_genes: int = MIN_GENES,
    mask: np.ndarray | None = None,
    gene_symbols: str | None = None,
    argument: str = "source",
) -> Given:
    """Programmes that are not learned, from any form that `resolve_programs` takes, with its parameters and errors."""
    if isinstance(source, Programs):
        return Given(source, whole=True)
    if _is_key(source) and adata is not None and is_stored(adata, source):
        return Given(read_programs(adata, source, argument), whole=True)
    known = genes if adata is None else gene_labels(adata, genes, gene_symbols)
    if _is_key(source):
        table, kind = _of_varm(adata, source, gene_symbols, argument), "varm"
    else:
        table, kind = read_form(source, known, argument)
    return Given(_matched(_signed(table, known), known, kind, min_genes, mask, adata, argument), whole=False)


def _needed(cells: FittingCells | None, source: str, argument: str) -> FittingCells:
    if cells is None:
        raise ValueError(f"{argument}={source!r} is learned from cells; none were given")
    return cells


def _is_key(source: Any) -> bool:
    return isinstance(source, str) and not source.lower().endswith((".gmt", ".gmt.gz"))


def _of_varm(adata: AnnData | None, key: str, gene_symbols: str | None, argument: str) -> pd.DataFrame:
    """Loadings in ``adata.varm``; their names stand in the frame, in ``uns["terms"]`` (expiMap), or are numbers."""
    if adata is None or key not in adata.varm:
        present = [] if adata is None else list(adata.varm)
        learned = ", ".join(map(repr, LEARNED))
        raise not_found(argument, key, "adata.varm", present, hint=f"; or one of {learned}; or {FORMS}")
    values, genes = adata.varm[key], gene_labels(adata, adata.var_names, gene_symbols)
    if isinstance(values, pd.DataFrame):
        names, values = [str(name) for name in values.columns], values.to_numpy(dtype=np.float64)
    else:
        terms = adata.uns.get("terms", ()) if values.ndim == 2 else ()
        named = len(terms) == values.shape[-1]
        names = [str(term) for term in terms] if named else [f"{key} {i + 1}" for i in range(values.shape[-1])]
    if values.ndim != 2 or not np.isfinite(values.data if sparse.issparse(values) else values).all():
        raise ValueError(f"{argument}={key!r}: adata.varm[{key!r}] is no finite matrix of genes × programmes")
    return from_array(values, genes, unique(names))


def _signed(table: pd.DataFrame, genes: np.ndarray) -> pd.DataFrame:
    """Repressed genes as programmes of their own, weights above 0; pyUCell's signs behind names are taken off."""
    known = set(genes)
    name, last = table["gene"], table["gene"].str[-1]
    ends = last.isin(_SIGNS) & ~name.isin(known)
    marked = (ends & name.str[:-1].isin(known)).groupby(table["program"], observed=True).transform("any") & ends
    table = table.assign(gene=name.where(~marked, name.str[:-1]))
    table["weight"] *= np.where(marked & (last != "+"), -1.0, 1.0)
    table = table.drop_duplicates(["program", "gene"])
    sign = np.where(table["weight"] < 0, "-", "+")
    both = table.assign(sign=sign).groupby("program", observed=False)["sign"].agg(set)
    parts = {
        name: [name] if signs <= {"+"} else [f"{name} {one}" for one in sorted(signs)] for name, signs in both.items()
    }
    signed = [f"{name} {one}" if "-" in both[name] else name for name, one in zip(table["program"], sign, strict=True)]
    table["program"] = pd.Categorical(signed, categories=[part for one in parts.values() for part in one])
    return table.assign(weight=table["weight"].abs())


def _parts(name: str, signed: bool) -> list[str]:
    return [f"{name} +", f"{name} -"] if signed else [name]


def _matched(
    table: pd.DataFrame,
    genes: np.ndarray,
    kind: str,
    min_genes: int,
    mask: np.ndarray | None,
    adata: AnnData | None,
    argument: str,
) -> Programs:
    """The sets that have enough genes of the matrix, shares of a gene summing to 1."""
    names = table["program"].cat.categories
    codes, rows = table["program"].cat.codes.to_numpy(), pd.Index(genes).get_indexer(table["gene"])
    check_spelling(pd.Index(table["gene"].unique()), genes, None if adata is None else adata.var, argument)
    n_given = np.bincount(codes, minlength=len(names))
    matched = np.bincount(codes[rows >= 0], minlength=len(names)) / np.maximum(n_given, 1)
    used = (rows >= 0) & (True if mask is None else np.asarray(mask)[rows])
    sizes = np.bincount(codes[used], minlength=len(names))
    kept = np.flatnonzero(sizes >= max(min_genes, 1))
    _report(names, sizes, n_given, min_genes, kept, argument)
    weights = sparse.csc_array(
        (table["weight"].to_numpy()[used], (rows[used], codes[used])), shape=(len(genes), len(names))
    )[:, kept]
    return Programs(
        names=np.array(names[kept], dtype=object),
        genes=genes,
        membership=divided(weights),
        learned=np.zeros(len(kept), dtype=bool),
        source=kind,
        n_given=n_given[kept],
        matched=matched[kept],
        weights=weights,
    )


def _report(
    names: pd.Index, sizes: np.ndarray, n_given: np.ndarray, min_genes: int, kept: np.ndarray, argument: str
) -> None:
    """Log the sets that are left out.

    Raises
    ------
    ValueError
        If all are.
    """
    out = [f"{names[m]} ({sizes[m]} of {n_given[m]})" for m in range(len(names)) if m not in set(kept)]
    if not len(kept):
        raise ValueError(
            f"{argument} leaves no programme with min_genes={min_genes} genes of the matrix; found: {listing(out)}"
        )
    if out:
        logger.info(
            "%d of %d sets have fewer than %d genes here and are left out: %s",
            len(out),
            len(names),
            min_genes,
            listing(out),
        )


def divided(weights: sparse.csc_array) -> sparse.csc_array:
    """Every row (d, M) divided by its sum; rows of 0 stay."""
    total = np.asarray(weights.sum(axis=1)).ravel()
    scale = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
    return sparse.csc_array(sparse.diags_array(scale) @ weights)


def _led(found: Programs, cells: FittingCells) -> Programs:
    """Sets without weights are led by the genes that differ most between the groups."""
    if found.weights is None or cells.n_groups < 2:
        return found
    means = cells.group_means()
    spread = np.linalg.norm(means - means.mean(axis=0), axis=0)
    columns = [found.weights[:, [m]] for m in range(found.n)]
    return replace(
        found,
        weights=sparse.csc_array(
            sparse.hstack(
                [column if np.ptp(column.data) else sparse.diags_array(spread) @ column for column in columns]
            )
        ),
    )


def with_rest(
    found: Programs, cells: FittingCells, n_programs: int | None, mask: np.ndarray | None, rng: int
) -> Programs:
    """The given programmes, and the genes in none of them grouped from the cells."""
    left = ~found.covered & (True if mask is None else np.asarray(mask))
    source = "profile" if cells.n_groups > 1 else "coexpression"
    try:
        learned = learn_programs(cells, found.genes, source=source, n_programs=n_programs, mask=left, rng=rng)
    except TooFewGenesError as error:
        logger.info("no programmes are learned from the %d genes of no given set: %s", left.sum(), error)
        return found
    return Programs(
        names=np.array(unique([*found.names, *learned.names]), dtype=object),
        genes=found.genes,
        membership=sparse.csc_array(sparse.hstack([found.membership, learned.membership])),
        learned=np.concatenate([found.learned, learned.learned]),
        source=found.source,
        n_given=np.concatenate([found.n_given, learned.n_given]),
        matched=np.concatenate([found.matched, learned.matched]),
        learned_by=source,
        weights=sparse.csc_array(sparse.hstack([found.weights, learned.weights])),
    )
