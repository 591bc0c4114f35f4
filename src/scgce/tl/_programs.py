"""`tl.programs`: gene programmes from the cells, or from what people have."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from anndata import AnnData

from scgce._api.adata import gene_mask, gene_names, get_matrix, warn_if_counts, warn_if_scaled
from scgce._api.constraints import NONE, TEXT, checked, one_of, whole
from scgce._api.docs import with_docs
from scgce._api.errors import listing
from scgce._api.groups import read_groups
from scgce._api.symbols import gene_labels
from scgce.explain.params import seed_of, stored_seed
from scgce.explain.read import canonical_order
from scgce.explain.split import MIN_SPLIT, VALIDATE, split_cells
from scgce.matrix import arrays
from scgce.programs import FittingCells, Programs, candidates, resolve_programs
from scgce.programs.choose import choose
from scgce.programs.evidence import difference_shares, split_half
from scgce.programs.sources import MIN_GENES
from scgce.programs.stored import is_stored, write_programs

logger = logging.getLogger("scgce")

_SELECTING = 0.25
"""Share of each group that chooses kind and number under ``"auto"``, as in `tl.tgt`."""


@checked(groupby=TEXT | NONE, n_programs=one_of("auto") | whole(1))
@with_docs
def programs(
    adata: AnnData,
    groupby: str | None = None,
    *,
    source: Any = "auto",
    n_programs: Literal["auto"] | int = "auto",
    layer: str | None = None,
    mask_var: Any = None,
    rest: bool = True,
    min_genes: int = MIN_GENES,
    min_cells: int = 3,
    gene_symbols: str | None = None,
    rng: int | np.random.Generator = 0,
    key_added: str = "programs",
    copy: bool = False,
) -> AnnData | None:
    """Group genes into programmes that move together: learned from the cells, or taken from what people have.

    The programmes are those of all cells given. `tl.tgt` can learn them on its fitting cells only
    (``tl.tgt(adata, …, programs="profile")``), so that its reported cells stay unseen.

    Parameters
    ----------
    {adata}
    groupby
        Column of ``adata.obs`` with the groups, whose means ``"profile"`` and ``"auto"`` need; without it ``"auto"`` is
        ``"coexpression"``. Cells without a label are left out.
    source
        ``"auto"``: profile, co-expression and NMF with several numbers are learned on three quarters of the cells; the
        fewest programmes that account for nearly (0.05) as much as any of the difference between the groups on the
        other quarter are learned again from all. ``"profile"``: genes whose means differ between the groups in the same
        direction. ``"coexpression"``: genes of the same correlations with 40 principal components of the cells.
        ``"nmf"``: non-negative factors, which share genes. Given, each as it is: a dict from names to lists of genes
        (also nested by cell type), the path of a GMT file, a DataFrame with ``source``, ``target`` (and ``weight``)
        as decoupler has it, a DataFrame of genes × programmes or programmes × genes, a Series from genes to modules
        (-1 and missing: none), a key of ``adata.varm``. Genes are matched by name; of several sets a gene has a share
        in each; signed weights make two programmes, ``"name +"`` and ``"name -"``.
    n_programs
        Programmes to learn; ``"auto"``: chosen as above, or 12 by profile and NMF, 25 by co-expression. With given
        sets it is the number learned for the rest.
    {layer}
    {mask_var}
    rest
        Group the genes of no given set from the cells too (by profile with ``groupby``, else by co-expression), marked
        as learned.
    min_genes
        A given set with fewer genes of ``adata`` is left out, which is logged.
    {min_cells}
    gene_symbols
        Column of ``adata.var``, e.g. ``"feature_name"`` where ``var_names`` are Ensembl ids: given sets are matched by
        it, and learned programmes named by it. A gene without one is matched by its own name; a name that several
        genes have matches none of them. What is stored has ``var_names``.
    {rng}
    key_added
        Name of the result.
    {copy}

    Returns
    -------
    None, or the copy. Sets ``adata.varm[key_added]``: CSR float64 (d, M), the share of every gene in every programme,
    at least 0; rows sum to 1, or to 0 where a gene is in none. Sets ``adata.uns[key_added]``: ``names`` (M),
    ``learned`` (M, bool), ``n_given`` and ``matched`` (M; genes that a set names, and the share of them found),
    ``size`` (M; share of the difference between the groups that lies in the programme, NaN without groups),
    ``agreement`` (M; overlap of the programmes learned from two halves of the cells, genes weighted by the square of
    how much they lead, 0 to 1, NaN for given ones), ``genes`` (d)
    and ``weights`` (CSR (d, M): how much each gene leads), and ``params`` with, besides the arguments, ``n_programs``,
    ``covered`` (share of genes in a programme), ``rand`` (adjusted Rand index of the halves; NaN where nothing is
    learned). Under ``"auto"`` ``tried`` holds ``sources``, ``numbers`` and ``shares`` of the candidates: the share of
    the difference on the validation cells, relative to that of all genes by themselves.

    Raises
    ------
    KeyError, FileNotFoundError
        If a column, layer, key or file is not there.
    TypeError, ValueError
        If an argument is none of what is accepted; if the sets name their genes in another way than ``adata``, or none
        has enough genes; if too few genes vary. ``adata`` is left as it was.
    """
    if isinstance(source, str) and source == key_added and source in adata.varm and not is_stored(adata, source):
        raise ValueError(f"key_added={key_added!r} would overwrite adata.varm[{source!r}], the source itself")
    genes, seed = gene_names(adata), seed_of(rng)
    gene_labels(adata, (), gene_symbols)  # an unknown column is refused before anything is learned
    automatic = isinstance(source, str) and source == "auto"
    mask = gene_mask(adata, mask_var)
    cells = _cells(adata, groupby, layer, min_cells, automatic=automatic)
    number = None if n_programs == "auto" else n_programs
    tried: dict[str, Any] = {}
    if automatic:
        source, number, tried = _chosen(cells, genes, mask, number, seed)

    def learn(some: FittingCells, number: int | None) -> Programs:
        return resolve_programs(
            source,
            genes,
            some,
            adata=adata,
            n_programs=number,
            rest=rest,
            min_genes=min_genes,
            mask=mask,
            gene_symbols=gene_symbols,
            rng=seed,
        )

    found = learn(cells, number)
    facts = {"size": difference_shares(found, cells), **_agreement(found, cells, learn)}
    params = {
        "source": found.source,
        "learned_by": found.learned_by,
        "groupby": groupby or "",
        "layer": layer or "",
        "gene_symbols": gene_symbols or "",
        "rest": rest,
    }
    params |= {"min_genes": min_genes, "seed": stored_seed(rng), "n_programs": found.n, "rand": facts.pop("rand")}
    params["covered"] = float(found.covered.mean())
    if copy:
        adata = adata.copy()
    write_programs(adata, key_added, found, {**facts, **tried, "params": params})
    return adata if copy else None


def _cells(adata: AnnData, groupby: str | None, layer: str | None, min_cells: int, *, automatic: bool) -> FittingCells:
    """All cells that are in a group, with the groups' means; all cells, as one group, where there are none."""
    X = get_matrix(adata, layer)
    name = "adata.X" if layer is None else f"adata.layers[{layer!r}]"
    codes = np.zeros(adata.n_obs, dtype=np.int64)
    if groupby is not None:
        groups = read_groups(adata, groupby, min_cells=min_cells)
        codes, few = groups.codes, groups.names[groups.sizes < MIN_SPLIT]
        if automatic and len(few):
            raise ValueError(
                f"source='auto' needs at least {MIN_SPLIT} cells in every group, to learn and to choose; "
                f"{listing(few)} have fewer: name a source, such as 'profile'"
            )
    arrays.check_matrix(X, name, codes >= 0)
    warn_if_counts(X, name)
    warn_if_scaled(adata, layer)
    order = canonical_order(adata)
    if groupby is None:
        return FittingCells(X, codes, order)
    cells = FittingCells(X, codes, order[codes[order] >= 0])
    return replace(cells, means=cells.group_means())


def _chosen(
    cells: FittingCells, genes: np.ndarray, mask: np.ndarray, number: int | None, seed: int
) -> tuple[str, int | None, dict[str, Any]]:
    """Kind and number under ``"auto"``, and what was tried."""
    if cells.n_groups < 2:
        return "coexpression", number, {}
    part = split_cells(cells.codes[cells.rows], cells.n_groups, _SELECTING, seed)
    learning, choosing = (
        replace(cells, rows=cells.rows[chosen], means=None) for chosen in (part != VALIDATE, part == VALIDATE)
    )
    fitted, held_out = learning.group_means(), choosing.group_means()
    tried = candidates(replace(learning, means=fitted), genes, n_programs=number, mask=mask, rng=seed)
    choice = choose(tried, fitted, held_out)
    source, found = choice.sources[choice.chosen], choice.numbers[choice.chosen]
    logger.info("source='auto' is %r with %d programmes", source, found)
    return (
        source,
        found,
        {
            "tried": {
                "sources": np.array(choice.sources),
                "numbers": np.array(choice.numbers),
                "shares": np.array(choice.shares),
            }
        },
    )


def _agreement(
    found: Programs, cells: FittingCells, learn: Callable[[FittingCells, int | None], Programs]
) -> dict[str, Any]:
    """What two halves of the cells agree on: the Rand index, and each learned programme's overlap."""
    overlap, learned = np.full(found.n, np.nan), np.flatnonzero(found.learned)
    if not len(learned):
        return {"agreement": overlap, "rand": float("nan")}

    def again(half: FittingCells) -> Programs:
        programs = learn(half, len(learned))
        return programs.take(np.flatnonzero(programs.learned))

    try:
        halves = split_half(found.take(learned), cells, again)
    except ValueError as error:
        logger.info("half of the cells is too few to learn the programmes again: %s", error)
        return {"agreement": overlap, "rand": float("nan")}
    overlap[learned] = halves.overlap
    return {"agreement": overlap, "rand": halves.rand}
