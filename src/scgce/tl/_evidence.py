"""`tl.evidence`: what a careful scientist asks of an explanation besides correctness and coverage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from anndata import AnnData

from scgce._api.constraints import NONE, SEED, checked, one_of
from scgce._api.device import resolve_device
from scgce._api.docs import with_docs
from scgce._api.progress import done, progress
from scgce.core.choose.plan import PAIRS
from scgce.core.choose.select import Explained
from scgce.core.choose.truncate import PairCuts
from scgce.core.pairs import Asked, and_self, sampled
from scgce.core.score.cells import Cells
from scgce.core.score.evidence import (
    DOSES,
    dose_curve,
    off_manifold,
    pair_objectives,
    price_of_consistency,
    share_below_zero,
)
from scgce.core.score.metrics import Scores, triangle_error
from scgce.core.score.permutation import permuted_labels
from scgce.core.score.translator import Translator
from scgce.core.score.unexplained import REASONS, unexplained_pairs
from scgce.core.solve.lasso import lasso_pairs
from scgce.core.solve.path import fit_path
from scgce.core.solve.penalties import Pairwise
from scgce.core.solve.solver import Stopping
from scgce.encoders import encoder_from_uns
from scgce.encoders._pca import pca_basis
from scgce.explain.again import Again
from scgce.explain.donors import donor_evidence
from scgce.explain.fit import smooth_problem
from scgce.explain.null import against_random
from scgce.explain.programs import ProgramExplained, from_entry
from scgce.explain.read import Prepared
from scgce.explain.reopen import explanation_of, reopen, seed_for
from scgce.explain.split import FIT, REPORT
from scgce.matrix import arrays
from scgce.store.entries import read_result
from scgce.store.result import Result

PRICED = Stopping(1e-5, 2000)
"""Both sides of the price of consistency. At 1e-4 it is far from settled, at 1e-7 hardly another (distilled UMAP of
pbmc3k)."""
TRIANGLES = 25
"""Groups whose triangles are measured, drawn from more: there are as many triangles as the cube of the groups."""


@checked(rng=SEED | NONE, by=one_of("pair", "donor"))
@with_docs
def evidence(
    adata: AnnData,
    key: str = "tgt",
    *,
    sparsity: int | None = None,
    encoder: Any = None,
    doses: Sequence[float] = DOSES,
    n_permutations: int = 200,
    n_random: int = 9,
    threshold: float = 0.5,
    by: Literal["pair", "donor"] = "pair",
    split_by: str | None = None,
    leave_one_out: bool = False,
    min_cells: int = 3,
    interval: float = 0.95,
    rng: int | np.random.Generator | None = None,
    n_jobs: int | None = None,
    device: str = "auto",
    copy: bool = False,
) -> AnnData | None:
    """Gather evidence for and against a stored explanation, on its reported cells, or over donors.

    ``by="donor"`` asks how far each finding holds over donors: for every contrast (a pair, read from the reference) and
    each of its genes or programmes, the real shift in every donor's own means, how many donors have its sign, and a t
    interval over donors. Donors are the units; no number comes from counting cells. Donors that took no part in the fit
    decide (``tl.tgt(…, split_by=…)``); the intervals then hold together for all that is shown. Where all donors fitted,
    they hold together for all genes that could have been chosen, or all programmes that were given; of programmes
    learned from the same donors nothing can be said. With ``leave_one_out`` the whole explanation is repeated without
    each donor and scored on its cells.

    Parameters
    ----------
    adata
        Annotated data with the explanation and the cells it was made from.
    key
        The explanation in ``adata.uns``.
    sparsity
        Which sparsity; None: the selected one.
    encoder
        The model, if it could not be stored with the explanation. It is given the genes in the order explained.
    doses
        Values of t for the dose curve, the metrics of ``x + tδ``.
    n_permutations
        Permutations of the labels of a pair's two groups; 0 for none.
    n_random
        Of an explanation in programmes, draws of random programmes: the same genes are dealt to programmes of the same
        sizes and the codebook is searched again, which takes most of the time (``n_jobs`` share it); 0 for none. No
        p-value is below 1 / (1 + ``n_random``): take 19 or more to report one.
    threshold
        Correctness or coverage below which a pair is listed as unexplained.
    by
        "pair" for everything but donors, "donor" for these.
    split_by
        With ``by="donor"``, the column of ``adata.obs`` with donors; None: that of the explanation.
    leave_one_out
        With ``by="donor"``, also explain again without each donor in turn, cells of the others split at random, and
        score that on all cells of the donor left out. It costs a fit for each donor, shared by ``n_jobs``. Learned
        programmes are learned again; the representation, the genes' range and ε stay, and have seen the donor.
    min_cells
        Cells of both groups that a donor needs to say something of a pair.
    interval
        Coverage of the intervals over donors, all together.
    rng
        Seed or generator; None: the explanation's own seed.
    {n_jobs}
    {device}
    {copy}

    Returns
    -------
    None, or the copy. Sets ``adata.uns[key]["evidence"]``: ``sparsity``, ``n_permutations``; ``doses`` (T,),
    ``dose_correctness`` and ``dose_coverage`` (T, l, l); ``off_manifold`` (l, l): median distance of translated cells
    to the nearest real cell of the target in PCA space, in units of the target's own spacing; ``below_zero`` (l, l):
    share of the lowered entries that fall below zero; ``consistency_price`` (l, l): objective of Eq. 9 under the
    consistent solution over that of the pair explained on its own, same λ (NaN of programmes, whose price is no λ, and
    where only some pairs were asked for);
    ``p_correctness``, ``p_coverage`` (l, l) against permuted labels; ``unexplained_source``, ``unexplained_target``,
    ``unexplained_reason``: pairs below the threshold, worst first; ``triangle_error``. Of more than 25 groups 600 pairs
    are looked at (NaN for others) and the triangles of 25 groups; what is unexplained is of all. Of programmes also
    ``random_correctness``, ``random_coverage`` (l, l): mean over the draws of random programmes, each explained with
    as many a pair; ``p_random_correctness``, ``p_random_coverage`` (l, l): share of the draws that do as well,
    (1 + draws) / (1 + ``n_random``); ``p_random``: the same of the mean of both over pairs; ``random_genes``
    (``n_random``,): genes that the mean pair moves in each draw, to be compared with those of the explanation. Read it
    with `get.evidence` and `get.unexplained`.

    With ``by="donor"`` sets ``adata.uns[key]["donor_evidence"]``: ``donors``, ``held_out`` (D,): names, and whether no
    cell of the donor fitted; one row for each contrast and item: ``source``, ``target`` (rows of groups), ``item``,
    ``shift`` (R,), ``each`` (R, D), ``n`` donors that decide, ``agreeing`` of them with the sign of the shift, ``low``,
    ``high``, ``agree`` (1 if the interval lies on the side of the shift, NaN if nothing can be said), ``design``
    ("paired", "unpaired", "confounded", "few"); ``correctness`` (D, l, l) on each donor's own reported cells;
    ``family``, how many intervals hold together; with ``leave_one_out`` also ``left_out_correctness`` (D, l, l), NaN of
    a donor without which a group has too few cells. Read it with `get.contrasts`.

    Raises
    ------
    KeyError, ValueError
        If there is no such explanation, sparsity or column, or there are fewer than two donors.

    Warns
    -----
    QualityWarning
        If a contrast cannot be told from its donors, or all donors took part when the programmes were learned.
    """
    entry = read_result(adata, key)
    for name, value in {"split_by": split_by, "leave_one_out": leave_one_out}.items():
        if value and by != "donor":
            raise ValueError(f"{name}={value!r} with by={by!r} has no effect; expected by='donor', or leave it out")
    k = int(entry["params"]["sparsity_selected"]) if sparsity is None else sparsity
    if copy:
        adata = adata.copy()
    seed = seed_for(entry, rng)
    r = encoder_from_uns(entry["encoder"]) if encoder is None else encoder
    opening: dict[str, Any] = {"seed": seed, "device": resolve_device(device)}
    prepared = reopen(adata, entry, None, None, r, min_cells=1, whole=True, **opening)
    chosen = explanation_of(entry, prepared, k, key)
    if by == "donor":
        column, result = _column(entry, split_by, key), Result.read(adata, key)
        again = Again.of(adata, entry, k, key) if leave_one_out else None
        found = donor_evidence(adata, prepared, result, chosen.cuts(), k, column, min_cells, interval, again, n_jobs)
        adata.uns[key] = {**adata.uns[key], "donor_evidence": found}
        return adata if copy else None
    scores = [Result.read(adata, key).scores(name, k) for name in ("correctness", "coverage")]
    found = _by_pair(entry, Scores(*scores), prepared, chosen, doses, n_permutations, threshold, seed)
    if isinstance(chosen, ProgramExplained) and n_random:
        found |= _random(entry, prepared, chosen, n_random, n_jobs)
    adata.uns[key] = {**adata.uns[key], "evidence": found}
    return adata if copy else None


def _column(entry: dict[str, Any], split_by: str | None, key: str) -> str:
    """The column with donors: as given, or that of the explanation."""
    column = split_by or str(entry["params"].get("split_by", ""))
    if not column:
        raise ValueError(
            f"by='donor': adata.uns[{key!r}] was not split by donors; give split_by=…, a column of adata.obs, or "
            "explain with tl.tgt(…, split_by=…)"
        )
    return column


def _by_pair(
    entry: dict[str, Any],
    at_one: Scores,
    prepared: Prepared,
    chosen: Explained,
    doses: Sequence[float],
    n_permutations: int,
    threshold: float,
    seed: int,
) -> dict[str, Any]:
    """All but donors."""
    k, cells, cuts = chosen.sparsity, prepared.part(REPORT), chosen.cuts()
    epsilon = float(entry["epsilon"])
    moved = cells.mover(cuts)
    found: dict[str, Any] = {"sparsity": k, "n_permutations": n_permutations}
    n = prepared.groups.n
    asked = sampled(n, prepared.asked, PAIRS, seed)
    pairs = len(asked)
    with progress(total=pairs * (len(doses) + 4), desc="evidence") as bar:
        found |= _doses(cells, cuts, epsilon, doses, asked, bar.update)
        found |= {"off_manifold": _off_manifold(prepared, cuts, asked), "below_zero": _below_zero(cells, cuts, asked)}
        bar.update(pairs)
        found |= {"consistency_price": _price(prepared, 0.0 if "programs" in entry else chosen.lam, asked)}
        found |= {"triangle_error": _triangles(cuts, prepared.asked, seed)}
        bar.update(pairs)
        found |= _null(cells, cuts, epsilon, n_permutations, seed, asked, bar.update)
        found |= _unexplained(prepared, cells, moved, at_one, epsilon, threshold)
        bar.update(pairs)
        done(bar)
    return found


def _doses(
    cells: Cells,
    cuts: PairCuts,
    epsilon: float,
    doses: Sequence[float],
    asked: list[tuple[int, int]],
    on_pair: Callable[[], object],
) -> dict[str, np.ndarray]:
    def moved(i: int, j: int, t: float) -> Any:
        on_pair()
        return cells.mover(cuts, scale=t)(i, j)

    correctness, coverage = dose_curve(moved, cells.embedded, epsilon, doses, asked)
    return {"doses": np.asarray(doses, np.float64), "dose_correctness": correctness, "dose_coverage": coverage}


def _off_manifold(prepared: Prepared, cuts: PairCuts, asked: list[tuple[int, int]]) -> np.ndarray:
    """In the PCA space of the fitting cells, which no encoder saw."""
    rows = prepared.rows(FIT, 200)
    basis = pca_basis(prepared.X, prepared.genes, order=rows)
    report = prepared.rows(REPORT, 500)
    X = arrays.csr_rows(prepared.X, report)
    cells = prepared.cells(report)
    translator = Translator(torch.from_numpy(basis.hidden(X)), basis.W, cells.translator.columns, prepared.bounds)
    groups = [translator.rows(rows) for rows in cells.slices]
    wanted = and_self(len(groups), asked)
    return off_manifold(lambda i, j: translator.translate(cells.slices[i], cuts(i, j)), groups, wanted)


def _below_zero(cells: Cells, cuts: PairCuts, asked: list[tuple[int, int]]) -> np.ndarray:
    """Nothing falls below zero where no gene may; within the range of a matrix with negative values much may."""
    n, columns, bounds = cells.n_groups, cells.translator.columns, cells.translator.bounds
    if columns is None or (bounds is not None and bool((bounds.low >= 0).all())):
        return np.zeros((n, n))
    return share_below_zero(columns, cells.slices, cuts, asked, None if bounds is None else bounds.low)


def _triangles(cuts: PairCuts, asked: Asked | None, seed: int) -> float:
    """The worst of all triangles; of many groups, of those among some."""
    n = cuts.n_groups
    rows = np.arange(n) if n <= TRIANGLES else np.sort(np.random.default_rng(seed).permutation(n)[:TRIANGLES])
    mask = None if asked is None else asked[np.ix_(rows, rows)]
    return triangle_error(lambda i, j: cuts.dense(int(rows[i]), int(rows[j])), len(rows), mask)


def _price(prepared: Prepared, lam: float, asked: list[tuple[int, int]]) -> np.ndarray:
    """Unbounded amounts on both sides, so that it is the price of consistency alone; NaN without a λ.

    The unbounded problem is solved over all pairs only: NaN as well where some were asked for.
    """
    n = prepared.groups.n
    if lam <= 0 or prepared.asked is not None:
        return np.full((n, n), np.nan)
    problem, _, costs = smooth_problem(prepared, prepared.part(FIT).means(), np.ones(len(prepared.genes)))
    (point,) = fit_path(problem, Pairwise.build(costs, n), lams=[lam], stopping=PRICED)
    found, genes = point.translations, point.translations.genes
    consistent = pair_objectives(problem.take(genes), found.values, lam)
    # From the consistent solution on: a descent of a non-linear encoder from elsewhere may end in a worse valley.
    alone = lasso_pairs(problem, lam, asked, stopping=PRICED, start=found).objective
    return price_of_consistency(consistent, np.minimum(alone, consistent))[1]


def _null(
    cells: Cells,
    cuts: PairCuts,
    epsilon: float,
    n_permutations: int,
    seed: int,
    asked: list[tuple[int, int]],
    on_pair: Callable[[], object],
) -> dict[str, np.ndarray]:
    n = cells.n_groups
    p_correctness, p_coverage = np.full((2, n, n), np.nan)
    if n_permutations:
        for i, j in asked:
            null = permuted_labels(
                cells.embedded[i],
                cells.embedded[j],
                cells.translate(i, cuts(i, j)),
                cells.translate(j, cuts(i, j)),
                epsilon,
                n_permutations=n_permutations,
                rng=seed,
            )
            p_correctness[i, j], p_coverage[i, j] = null.p_correctness, null.p_coverage
            on_pair()
    return {"p_correctness": p_correctness, "p_coverage": p_coverage}


def _random(
    entry: dict[str, Any], prepared: Prepared, chosen: ProgramExplained, n_draws: int, n_jobs: int | None
) -> dict[str, np.ndarray | float]:
    """The same genes in programmes that mean nothing."""
    how = float(entry["epsilon"]), str(entry["params"].get("count", "mean"))
    with progress(total=n_draws, desc="random programmes") as bar:
        return against_random(prepared, from_entry(entry, prepared), chosen, *how, n_draws, bar.update, n_jobs).fields()


def _unexplained(
    prepared: Prepared, cells: Cells, moved: Any, scores: Scores, epsilon: float, threshold: float
) -> dict[str, np.ndarray]:
    failed = unexplained_pairs(moved, cells.embedded, scores, epsilon, threshold=threshold)
    names = prepared.groups.names
    return {
        "unexplained_source": np.array([names[pair.source] for pair in failed], dtype=str),
        "unexplained_target": np.array([names[pair.target] for pair in failed], dtype=str),
        "unexplained_reason": np.array([REASONS[pair.reason] for pair in failed], dtype=str),
    }
