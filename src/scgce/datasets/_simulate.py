"""Simulated cells with a known answer."""

from __future__ import annotations

from collections.abc import Sequence

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

from scgce._api.constraints import NONE, SHARE, between, checked, whole

from ._counts import blocks, draw_block
from ._design import CONDITIONS, Design, Drawn, draw_design
from ._plan import Plan, plan_groups

TARGET_SUM = 1e4


@checked(
    n_cells=whole(1),
    n_genes=whole(4),
    n_groups=whole(1),
    n_planted=whole(0) | NONE,
    n_copies=whole(0) | NONE,
    shared=SHARE,
    up=SHARE,
    log_fold=between(1e-6, 20),
    library_size=between(1e-6, 1e9),
    library_sigma=between(0, 10),
    dispersion=between(0, 1e6),
    dropout=SHARE,
    n_donors=whole(0),
    donor_effect=between(0, 10),
    cells_sigma=between(0, 10),
    n_shared_programs=whole(0),
    n_specific_programs=whole(0),
    program_genes=whole(1),
    condition_log_fold=between(1e-6, 20),
)
def simulated_cells(
    n_cells: int = 2000,
    n_genes: int = 1000,
    n_groups: int = 5,
    *,
    n_planted: int | None = None,
    n_copies: int | None = None,
    shared: float = 0.5,
    up: float = 0.7,
    log_fold: float = 1.5,
    library_size: float = 2000.0,
    library_sigma: float = 0.3,
    dispersion: float = 0.3,
    dropout: float = 0.1,
    proportions: Sequence[float] | None = None,
    n_donors: int = 0,
    donor_effect: float = 0.2,
    cells_sigma: float = 0.0,
    condition: bool = False,
    n_shared_programs: int = 1,
    n_specific_programs: int = 1,
    program_genes: int = 15,
    condition_log_fold: float = 1.0,
    paired: bool = True,
    normalize: bool = True,
    rng: int | np.random.Generator = 0,
) -> ad.AnnData:
    """Sparse single-cell counts with planted differences between groups.

    Counts are gamma-Poisson (negative binomial) around ``library · share``, with log-normal libraries, an extra loss
    of weakly expressed entries (``dropout · exp(−mean)``) and three kinds of genes: *planted* ones, raised or lowered
    in one group or in several; *copies*, whose molecules are a random share of a planted gene's molecules in the same
    cell (correlated with the groups but causing nothing, as x4 of the paper's synthetic example); and background.

    Cells are drawn in blocks and molecule by molecule, so that memory follows the non-zeros; nothing cells x genes is
    ever dense.

    Parameters
    ----------
    n_cells, n_genes, n_groups
        Sizes n, d and l.
    n_planted
        Number of planted genes; by default twelve a group, at most a quarter of the genes.
    n_copies
        Number of copies, each of another planted gene; by default a fifth of ``n_planted``.
    shared
        Share of planted genes that change in more than one group.
    up
        Share of planted genes that are raised.
    log_fold
        Typical planted change, natural log of the ratio of means.
    library_size, library_sigma
        Median molecules a cell, and the standard deviation of their natural log.
    dispersion
        Squared coefficient of variation beyond Poisson; 0 gives Poisson counts.
    dropout
        Largest probability that a non-zero entry is lost.
    proportions
        Relative sizes of the groups, length l; equal by default.
    n_donors
        Number D of donors; 0 for none.
    donor_effect
        Standard deviation over samples of the natural log of every gene's mean: half of the variance is the donor's
        own, in both states alike, half that of one donor in one state.
    cells_sigma
        Standard deviation of the natural log of a donor's share of each group's cells; 0 for equal numbers.
    condition
        Whether half of the cells are stimulated: programmes of genes that are not planted otherwise are raised, every
        second one lowered.
    n_shared_programs, n_specific_programs
        Programmes that respond in all groups, and in one group each (in turn); both 0: a condition without effect.
    program_genes
        Genes of each programme.
    condition_log_fold
        Typical response, natural log of the ratio of means.
    paired
        Whether every donor has cells in both states; otherwise donors are control and stimulated in turn.
    normalize
        If true, ``X`` is ``log1p`` of counts scaled to 10,000 a cell, with the counts in ``layers["counts"]``;
        otherwise ``X`` holds the counts.
    rng
        Seed or generator. The same seed gives the same bytes.

    Returns
    -------
    AnnData with

    ``X``
        float32 CSR, shape ``(n, d)``.
    ``obs["group"]``, ``obs["library"]``
        Group (categorical "0" … ) and expected library.
    ``var["planted"]``, ``var["copy_of"]``
        Whether the gene was planted, and the name of the gene it copies ("" for none).
    ``uns["truth"]``
        ``groups`` ``(l,)``, ``log_fold`` ``(l, d)`` and ``means`` ``(l, d)``, the expected shares of a library, of
        unstimulated cells. With a condition also ``program_names`` ``(P,)``, ``program_genes`` ``(P, d)`` and
        ``program_groups`` ``(P, l)``, whether the programme has the gene and responds in the group, and
        ``program_log_fold`` ``(P,)``.
    ``obs["donor"]``, ``obs["condition"]``
        "D1" …, and "ctrl" or "stim", where there are donors and a condition.
    ``uns["description"]``
        What was drawn.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range; the message names it.
    """
    n_planted, n_copies = _planted_and_copies(n_genes, n_groups, n_planted, n_copies)
    shares = _shares(n_groups, proportions)
    programs = n_shared_programs, n_specific_programs, program_genes, condition_log_fold
    design = Design(n_donors, donor_effect, paired, condition, *programs, cells_sigma)
    rng = np.random.default_rng(rng)
    plan = plan_groups(n_genes, n_groups, n_planted, n_copies, shared, up, log_fold, rng)
    codes = rng.choice(n_groups, n_cells, p=shares)
    library = library_size * np.exp(rng.normal(0.0, library_sigma, n_cells))
    drawn = draw_design(design, plan, codes, rng) if design.any else None
    whole_plan, strata = (plan, codes) if drawn is None else (drawn.plan, drawn.strata)
    parts = [draw_block(whole_plan, strata[b], library[b], dispersion, dropout, rng) for b in blocks(library)]
    adata = _assemble(plan, codes, library, _stack(parts), normalize)
    return adata if drawn is None else _with_design(adata, design, drawn)


def _with_design(adata: ad.AnnData, design: Design, drawn: Drawn) -> ad.AnnData:
    """Donors and conditions of the cells, and the truth about the response."""
    if design.n_donors:
        names = [f"D{number + 1}" for number in range(design.n_donors)]
        adata.obs["donor"] = pd.Categorical.from_codes(drawn.donor, names)
    if design.condition:
        adata.obs["condition"] = pd.Categorical.from_codes(drawn.condition, list(CONDITIONS))
        adata.uns["truth"] |= {
            "program_names": drawn.names,
            "program_genes": drawn.genes,
            "program_groups": drawn.groups,
            "program_log_fold": drawn.log_fold.astype(np.float32),
        }
    return adata


def _planted_and_copies(n_genes: int, n_groups: int, n_planted: int | None, n_copies: int | None) -> tuple[int, int]:
    planted = min(12 * n_groups, n_genes // 4) if n_planted is None else n_planted
    if planted > n_genes // 2:
        raise ValueError(f"n_planted={planted}: at most half of the n_genes={n_genes} genes can be planted")
    copies = planted // 5 if n_copies is None else n_copies
    if copies > planted:
        raise ValueError(f"n_copies={copies}: at most one copy for each of the n_planted={planted} genes")
    return planted, copies


def _shares(n_groups: int, proportions: Sequence[float] | None) -> np.ndarray:
    shares = np.ones(n_groups) if proportions is None else np.asarray(proportions, dtype=float)
    if shares.shape != (n_groups,) or not np.isfinite(shares).all() or (shares < 0).any() or shares.sum() == 0:
        raise ValueError(f"proportions={proportions!r}: expected {n_groups} non-negative numbers, not all zero")
    return np.asarray(shares / shares.sum())


def _stack(parts: list[sparse.csr_matrix]) -> sparse.csr_matrix:
    """Rows of the blocks one under another; each kind of array is freed as soon as it is joined."""
    shape = (sum(p.shape[0] for p in parts), parts[0].shape[1])
    lengths = np.concatenate([np.diff(p.indptr) for p in parts])
    indptr = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    indices, data = [p.indices for p in parts], [p.data for p in parts]
    parts.clear()
    joined = np.concatenate(indices)
    indices.clear()
    return sparse.csr_matrix((np.concatenate(data), joined, indptr), shape=shape)


def _assemble(
    plan: Plan, codes: np.ndarray, library: np.ndarray, counts: sparse.csr_matrix, normalize: bool
) -> ad.AnnData:
    n_groups, n_genes = plan.profile.shape
    names = np.array([f"gene{g}" for g in range(n_genes)], dtype=object)
    groups = np.array([str(g) for g in range(n_groups)], dtype=object)
    copies = np.where(plan.copy_of >= 0, names[plan.copy_of], "")
    obs = pd.DataFrame(
        {"group": pd.Categorical.from_codes(codes, categories=list(groups)), "library": library},
        index=[f"cell{c}" for c in range(len(codes))],
    )
    adata = ad.AnnData(
        X=_log_normalized(counts) if normalize else counts,
        obs=obs,
        var=pd.DataFrame({"planted": plan.planted, "copy_of": copies}, index=names),
    )
    if normalize:
        adata.layers["counts"] = counts
    adata.uns["truth"] = {
        "groups": groups,
        "log_fold": plan.log_fold.astype(np.float32),
        "means": plan.means.astype(np.float32),
    }
    adata.uns["description"] = (
        f"{len(codes)} simulated cells, {n_genes} genes, {n_groups} groups; gamma-Poisson counts with "
        f"{int(plan.planted.sum())} planted genes and {int((plan.copy_of >= 0).sum())} correlated copies"
    )
    return adata


def _log_normalized(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """``log1p`` of counts scaled to :data:`TARGET_SUM` a cell; empty cells stay empty."""
    totals = np.asarray(counts.sum(axis=1)).ravel()
    scale = np.divide(TARGET_SUM, totals, out=np.zeros_like(totals), where=totals > 0)
    matrix = counts.copy()
    matrix.data *= np.repeat(scale, np.diff(counts.indptr)).astype(np.float32)
    np.log1p(matrix.data, out=matrix.data)
    return matrix
