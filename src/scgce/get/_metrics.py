"""Metrics of pairs and of sparsities as tidy frames."""

from __future__ import annotations

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce._api.errors import NotFoundError
from scgce.store.programs import StoredPrograms
from scgce.store.result import Result

_SCORES = ("correctness", "coverage", "percent_explained")
_SWEPT = (
    "correctness",
    "coverage",
    "dbm_correctness",
    "dbm_coverage",
    "dbm_scaled_correctness",
    "dbm_scaled_coverage",
    "validation_correctness",
    "validation_coverage",
    "consistent_correctness",
    "consistent_coverage",
)


@checked()
@with_docs
def metrics(
    adata: AnnData,
    *,
    sparsity: int | None = None,
    include_self: bool = False,
    consistent: bool = False,
    key: str = "tgt",
) -> pd.DataFrame:
    """How well each ordered pair is explained.

    Parameters
    ----------
    {result}
    {selected}
    include_self
        Also give each group against itself (no translation; a cell is not its own neighbour), as the paper's
        averages do.
    {consistent}
    {key}

    Returns
    -------
    One row per ordered pair that was explained with the columns ``source``, ``target``, ``n_programs`` (of a result in
    programmes), ``n_genes``, ``correctness`` (paper, Eq. 3:
    share of translated cells of the source that land within ε of a cell of the target), ``coverage`` (Eq. 4: share of
    cells of the target within ε of a translated cell), ``self_similarity`` (share of the target's scored cells within
    ε of another one: what real cells of the target reach, the ceiling of the two before; it rises with the number of
    cells scored), ``judge_logreg``, ``judge_knn`` (share of translated cells that classifiers which took no part in the
    fit call the target; one column for each further judge), ``judge_logreg_ceiling``, ``judge_knn_ceiling`` (share of
    the target's real reported cells that the judges call by its name: one that knows two thirds of them cannot say more
    of translated ones) and ``percent_explained`` (share of the squared Wasserstein distance removed). NaN where a
    score was not computed at this sparsity: of more than 25 groups, at those that were not selected, all but 600 pairs.

    Raises
    ------
    KeyError
        If there is no result under ``key``.
    ValueError
        If the sparsity was not computed, or no consistent variant is stored.
    """
    result = Result.read(adata, key, consistent=consistent)
    k = result.check_sparsity(sparsity)
    rows, columns = np.nonzero(result.asked | (np.eye(len(result.groups), dtype=bool) & include_self))
    frame = pd.DataFrame({"source": result.groups[rows], "target": result.groups[columns]})
    frame["n_genes"] = result.n_genes(k)[rows, columns]
    if "programs" in result.raw:
        frame.insert(2, "n_programs", StoredPrograms.read(result, k).n_between()[rows, columns])
    *first, explained = _SCORES
    for name in (*first, *result.judges):
        frame[name] = result.scores(name, k)[rows, columns]
    for name in result.judges:
        frame[f"{name}_ceiling"] = result.ceiling(name, k)[columns]
    frame[explained] = result.scores(explained, k)[rows, columns]
    frame.insert(frame.columns.get_loc("coverage") + 1, "self_similarity", result.ceiling("correctness", k)[columns])
    return frame


@checked()
@with_docs
def sweep(adata: AnnData, *, key: str = "tgt", include_self: bool = False) -> pd.DataFrame:
    """Show what more genes buy: mean metrics at every sparsity, beside the difference between means.

    Parameters
    ----------
    {result}
    {key}
    include_self
        Average over the full matrix including each group against itself, the paper's convention.

    Returns
    -------
    One row per sparsity with the columns ``sparsity``, ``lam``, ``correctness``, ``coverage``, ``self_similarity`` (of
    the scored cells, mean over groups: the ceiling of the two before), ``similarity`` (paper,
    Eq. 10: how much of this explanation lies on the genes of the next larger one; NaN in the last row),
    ``dbm_correctness``, ``dbm_coverage`` (the difference of means cut to as many genes, at real amounts),
    ``dbm_scaled_correctness``, ``dbm_scaled_coverage`` (the same times ``dbm_factor``, the single factor up to the
    bound on our own amounts that served it best on the validation cells), ``validation_correctness``,
    ``validation_coverage``, ``consistent_correctness``, ``consistent_coverage`` (of the variant without triangle error,
    where it is stored), ``judge_logreg``, ``judge_knn``, ``judge_logreg_ceiling``, ``judge_knn_ceiling`` (their
    accuracy on the real reported cells, mean over groups), ``dbm_factor`` and ``selected``; of a result in programmes
    also ``count_mean`` and ``count_max``, the programmes of the mean pair and of the pair that has most, and
    ``n_genes``, the genes that the mean pair moves (as many as the difference of means beside it).

    Raises
    ------
    KeyError
        If there is no result under ``key``, or it holds no sweep.
    """
    result = Result.read(adata, key)
    if "sweep" not in result.raw:
        raise NotFoundError(f"key={key!r}: no sweep over sparsities is stored in adata.uns[{key!r}]")
    stored = result.raw["sweep"]
    count = len(result.sparsities)
    similarity = np.full(count, np.nan)
    given = np.asarray(stored.get("similarity", []), dtype=np.float64)
    similarity[: len(given)] = given
    lam = np.asarray(stored.get("lam", np.full(count, np.nan)), dtype=np.float64)
    names = [*_SWEPT, *result.judges]
    means = {name: _average(stored.get(name), count, include_self=include_self) for name in names}
    frame = pd.DataFrame({"sparsity": result.sparsities, "lam": lam})
    frame = frame.assign(correctness=means["correctness"], coverage=means["coverage"])
    frame = frame.assign(self_similarity=_ceilings(stored.get("correctness"), count), similarity=similarity)
    frame = frame.assign(**{name: means[name] for name in names[2:]})
    frame["dbm_factor"] = np.asarray(stored.get("dbm_factor", np.full(count, np.nan)), dtype=np.float64)
    frame = frame.assign(**{f"{name}_ceiling": _ceilings(stored.get(name), count) for name in result.judges})
    if "programs" in result.raw:
        frame = frame.assign(**{name: np.asarray(result.raw["programs"][name]) for name in ("count_mean", "count_max")})
        frame["n_genes"] = np.asarray(result.raw["programs"]["n_genes"])
    frame["selected"] = result.sparsities == result.selected
    return frame


def _ceilings(blocks: NDArray[np.float64] | None, count: int) -> NDArray[np.float64]:
    """Mean over the groups of what real cells reach at every sparsity (K,): self-similarity, or a judge's accuracy."""
    if blocks is None:
        return np.full(count, np.nan)
    return np.asarray(np.asarray(blocks, dtype=np.float64).diagonal(axis1=1, axis2=2).mean(axis=1))


def _average(blocks: NDArray[np.float64] | None, count: int, *, include_self: bool) -> NDArray[np.float64]:
    if blocks is None:
        return np.full(count, np.nan)
    table = np.asarray(blocks, dtype=np.float64)
    keep = np.ones(table.shape[1:], bool) if include_self else ~np.eye(table.shape[1], dtype=bool)
    chosen = table[:, keep]
    finite = np.isfinite(chosen)
    total = np.where(finite, chosen, 0.0).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.where(finite.any(axis=1), total / np.maximum(finite.sum(axis=1), 1), np.nan)
