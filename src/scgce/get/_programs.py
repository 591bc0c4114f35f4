"""What each stored programme is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from anndata import AnnData

from scgce._api.constraints import checked, one_of
from scgce._api.docs import with_docs
from scgce._api.symbols import gene_labels, with_symbols
from scgce.store.result import Result

if TYPE_CHECKING:
    from scgce.programs import Programs

_LEADING = 10


@checked(by=one_of("program", "gene"))
@with_docs
def programs(
    adata: AnnData,
    key: str = "programs",
    *,
    annotate: Any = None,
    min_genes: int = 5,
    by: str = "program",
    gene_symbols: str | None = None,
) -> pd.DataFrame:
    """Read the programmes that `tl.programs` stored, or that an explanation is in, and name what each is most like.

    Parameters
    ----------
    adata
        Annotated data with a result of :func:`scgce.tl.programs`, or of :func:`scgce.tl.tgt` in programmes.
    key
        Where in ``adata.uns`` it is.
    annotate
        Known sets, in any form that `tl.programs` takes, e.g. :func:`scgce.datasets.hallmark`; none if None.
    min_genes
        A known set with fewer genes of ``adata`` is left out, which is logged.
    by
        ``"program"``: a row a programme. ``"gene"``: a row for every gene of every programme.
    {symbol_column}
        The sets of ``annotate`` are then matched by them too.

    Returns
    -------
    By programme, in the stored order: ``program``, ``n_genes``, ``leading_genes`` (ten, between commas), ``source``
    (``"profile"``, ``"dict"``, …), ``learned``, ``n_given``, ``matched`` (genes that the given set names, and the share
    of them found), ``size`` (share of the difference between the groups; NaN where none were given), ``agreement`` (of
    two halves of the cells, 0 to 1; NaN for given ones, and of an explanation). With ``annotate`` also ``set``,
    ``overlap``, ``n_set``, ``p_value`` and ``p_adjusted``: the set of the smallest p-value, genes in both, its genes
    among those of all programmes, the chance of at least that overlap when as many genes are drawn from these
    (hypergeometric), and this after Benjamini and Hochberg over all programmes and sets. A p-value says that the two
    share more genes than chance, not that they are the same; the programmes were learned from cells, in which genes
    depend on each other.

    By gene, leading genes of each programme first: ``program``, ``gene``, ``share``.

    Raises
    ------
    KeyError
        If there are no programmes under ``key``, or what ``annotate`` or ``gene_symbols`` names is not there.
    TypeError, ValueError
        If what is stored is damaged, or ``annotate`` or ``by`` is not what is accepted.
    """
    found, facts = _read(adata, key)
    if by == "gene":
        ranked = [found.leading(m) for m in range(found.n)]
        rows, columns = np.concatenate(ranked), np.repeat(np.arange(found.n), [len(one) for one in ranked])
        shares = np.asarray(found.membership.tocsr()[rows, columns]).ravel()
        frame = pd.DataFrame({"program": found.names[columns], "gene": found.genes[rows], "share": shares})
        return with_symbols(frame, adata, gene_symbols)
    labels = gene_labels(adata, found.genes, gene_symbols)
    table = pd.DataFrame(
        {
            "program": found.names,
            "n_genes": found.sizes,
            "leading_genes": [", ".join(labels[found.leading(m, _LEADING)]) for m in range(found.n)],
            "source": found.origins,
            "learned": found.learned,
            "n_given": found.n_given,
            "matched": found.matched,
            "size": facts["size"],
            "agreement": facts["agreement"],
        }
    )
    if annotate is None:
        return table
    from scgce.programs import resolve_programs
    from scgce.programs.annotate import best_sets

    options: dict[str, Any] = {"min_genes": min_genes, "gene_symbols": gene_symbols, "argument": "annotate"}
    sets = resolve_programs(annotate, found.genes, adata=adata, rest=False, **options)
    best = best_sets(found, sets).drop(columns=["program", "n_genes"])
    return pd.concat([table, best], axis=1)


def _read(adata: AnnData, key: str) -> tuple[Programs, dict[str, np.ndarray]]:
    """The programmes, and what is stored or follows of each."""
    # imported here: with it come scikit-learn and numba, which no other frame needs
    from scgce.programs.evidence import shares_of_means
    from scgce.programs.stored import programs_of, read_programs

    entry = adata.uns.get(key)
    if isinstance(entry, Mapping) and "programs" in entry:
        result = Result.read(adata, key)
        found = programs_of(result)
        return found, {"size": shares_of_means(found, result.means), "agreement": np.full(found.n, np.nan)}
    stored = read_programs(adata, key)
    return stored, {name: np.asarray(adata.uns[key][name], dtype=float) for name in ("size", "agreement")}
