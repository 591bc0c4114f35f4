"""Gene programmes from the fitting cells: genes whose means move together over groups, or that are expressed together.

Nothing is densified but the chosen numbers: group means (l, d), scores (cells, components), loadings (d, components).
Genes are taken in the order of their names and cells in the order given, so that the arrangement of neither matters.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import numpy as np
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.decomposition import NMF, TruncatedSVD, non_negative_factorization
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.sparsefuncs import mean_variance_axis

from scgce.matrix import arrays

from .base import FittingCells, Programs
from .names import name_programs

Learned = tuple[sparse.csc_array, sparse.csc_array]
"""Membership and weights (d, M)."""

DEFAULT_PROGRAMS = {"profile": 12, "coexpression": 25, "nmf": 12}
"""Programmes where no number is given, those of the method's prototype; fewer where genes are few."""
CANDIDATES = {"profile": (8, 12, 16), "coexpression": (16, 25), "nmf": (12,)}
"""What ``"auto"`` tries. More than 16 programmes by profile, tried on blood and retina, cost the judges."""

_CELLS = {"coexpression": 10_000, "nmf": 3_000}
"""Cells that are looked at, at most: a correlation over 10,000 cells is known to ±0.01; NMF's time grows with them."""
_GENES = 2_000
"""Genes of the largest variance, from which NMF learns the factors' usage; the others' loadings follow from it."""
_NMF = {"max_iter": 200, "tol": 1e-3}
_COMPONENTS = 40
_LEAST_SEEN = 0.01
_SHORTEST = 0.3
_LEAST_VARYING = 0.5
_FLAT = 1e-10
"""Share of its mean by which a gene that does not vary may seem to: rounding of float64 sums."""
_SMALL_SHARE = 0.1


class TooFewGenesError(ValueError):
    """Fewer genes vary than the programmes need."""


def learn_programs(
    cells: FittingCells,
    genes: np.ndarray,
    *,
    source: str = "profile",
    n_programs: int | None = None,
    mask: np.ndarray | None = None,
    rng: int = 0,
) -> Programs:
    """Learn gene programmes from the fitting cells.

    ``"profile"``: k-means on the direction of every gene's deviation over the groups, weighted by its squared length;
    the least varying half of the genes stays out. ``"coexpression"``: k-means on the direction of every gene's
    correlations with the scores of 40 principal components, weighted likewise; genes seen in fewer than 1 % of the
    cells, and those of the shortest 30 %, stay out. ``"nmf"``: non-negative factors of the genes scaled to variance 1;
    a gene is shared among factors by how much of its variation each gives, shares below 0.1 go to the others.
    Genes that do not vary are never in a programme.

    Parameters
    ----------
    cells
        The cells.
    genes
        Names of the genes (d,).
    source
        ``"profile"``, ``"coexpression"`` or ``"nmf"``.
    n_programs
        Number M. Profiles of two groups have only two directions, so that there may be fewer. If None, the source's
        own number (12 by profile and NMF, 25 by co-expression), or fewer where genes are few.
    mask
        Genes that may be used, bool (d,); all if None.
    rng
        Seed.

    Returns
    -------
    Programmes, those that hold most of the variation first.

    Raises
    ------
    ValueError
        If the source is unknown, there are fewer than two groups for ``"profile"``, too few genes that vary, or more
        programmes than these.
    """
    if source not in _LEARNERS:
        raise ValueError(f"source={source!r}; expected one of {', '.join(_LEARNERS)}")
    allowed = np.ones(len(genes), dtype=bool) if mask is None else np.asarray(mask, dtype=bool)
    order = np.argsort(genes.astype(str), kind="stable")
    order = order[allowed[order]]
    membership, weights = _LEARNERS[source](cells, order, n_programs, rng)
    membership, weights = (_spread_out(part, order, len(genes)) for part in (membership, weights))
    ranked = np.argsort(-np.asarray(weights.power(2).sum(axis=0)).ravel(), kind="stable")
    membership, weights = (sparse.csc_array(part[:, ranked]) for part in (membership, weights))
    n = len(ranked)
    return Programs(
        names=np.array(name_programs(membership, weights, genes), dtype=object),
        genes=genes,
        membership=membership,
        learned=np.ones(n, dtype=bool),
        source=source,
        n_given=np.diff(membership.indptr),
        matched=np.ones(n),
        learned_by=source,
        weights=weights,
    )


def candidates(
    cells: FittingCells,
    genes: np.ndarray,
    *,
    n_programs: int | None = None,
    mask: np.ndarray | None = None,
    rng: int = 0,
) -> Iterator[Programs]:
    """What ``source="auto"`` chooses among, one after the other, without what the cells cannot give.

    Parameters
    ----------
    cells, genes
        The cells, and the names of their genes (d,).
    mask
        Genes that may be used, bool (d,); all if None.
    rng
        Seed.
    n_programs
        The only number that is tried; several of each kind if None.

    Raises
    ------
    ValueError
        If no kind can be learned.
    """
    refused: ValueError | None = None
    given = 0
    for source, numbers in CANDIDATES.items():
        for number in numbers if n_programs is None else (n_programs,):
            try:
                found = learn_programs(cells, genes, source=source, n_programs=number, mask=mask, rng=rng)
            except ValueError as error:  # one group, negative values, or too few genes
                refused = error
                continue
            given += 1
            yield found
    if refused is not None and not given:
        raise refused


def _by_profile(cells: FittingCells, order: np.ndarray, n_programs: int | None, rng: int) -> Learned:
    if cells.n_groups < 2:
        raise ValueError("source='profile' needs the means of at least two groups; give groupby, or 'coexpression'")
    means = cells.group_means()[:, order]
    deviation = (means - means.mean(axis=0)).T
    deviation[np.abs(deviation).max(axis=1) <= _FLAT * np.abs(means).max(axis=0)] = 0.0  # rounding of a constant gene
    # columns by content, not by the groups' order: k-means sums over them
    deviation = deviation[:, np.argsort(np.square(deviation).sum(axis=0), kind="stable")]
    return _clustered(deviation, _LEAST_VARYING, DEFAULT_PROGRAMS["profile"], n_programs, rng)


def _by_coexpression(cells: FittingCells, order: np.ndarray, n_programs: int | None, rng: int) -> Learned:
    X, kept = _seen(cells, order, _CELLS["coexpression"], rng)
    deviations = np.sqrt(mean_variance_axis(X, axis=0)[1])
    # One component more, for the mean, which goes when the scores are centred: sparse X is never centred itself.
    # Randomised, since most of forty components are noise, on which Lanczos' iteration takes minutes to converge.
    n_components = min(_COMPONENTS + 1, min(X.shape) - 1)
    svd = TruncatedSVD(n_components, algorithm="randomized", n_iter=7, random_state=rng)
    scores = svd.fit_transform(X).astype(np.float64)
    directions, lengths, _ = np.linalg.svd(scores - scores.mean(axis=0), full_matrices=False)
    directions = directions[:, lengths > _FLAT * lengths[0]][:, :_COMPONENTS]
    correlation = np.zeros((len(order), directions.shape[1]))
    correlation[kept] = (X.T @ directions) / (deviations[:, None] * np.sqrt(X.shape[0]))
    return _clustered(correlation, _SHORTEST, DEFAULT_PROGRAMS["coexpression"], n_programs, rng)


def _by_nmf(cells: FittingCells, order: np.ndarray, n_programs: int | None, rng: int) -> Learned:
    X, kept = _seen(cells, order, _CELLS["nmf"], rng)
    if X.data.min(initial=0.0) < 0:
        raise ValueError("source='nmf' needs values of at least 0; found negative ones, as after sc.pp.scale")
    variances = mean_variance_axis(X, axis=0)[1]
    n = _number(n_programs, DEFAULT_PROGRAMS["nmf"], min(X.shape))
    scaled = sparse.csc_array(X @ sparse.diags_array(1 / np.sqrt(variances))).astype(np.float32)
    most = np.sort(np.argsort(-variances, kind="stable")[:_GENES])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # shares need no last digit
        usage = NMF(n, init="nndsvda", random_state=rng, **_NMF).fit_transform(sparse.csr_array(scaled[:, most]))
        usage = np.ascontiguousarray(usage[:, usage.any(axis=0)])
        given = non_negative_factorization(
            sparse.csr_array(scaled.T), H=usage.T, n_components=usage.shape[1], update_H=False, random_state=rng, **_NMF
        )[0]
    return _shared(given * usage.std(axis=0).astype(np.float64), np.sqrt(variances), kept, len(order))


_LEARNERS: dict[str, Callable[[FittingCells, np.ndarray, int | None, int], Learned]] = {
    "profile": _by_profile,
    "coexpression": _by_coexpression,
    "nmf": _by_nmf,
}

LEARNED = tuple(_LEARNERS)
"""What can be learned from the cells."""


def _seen(cells: FittingCells, order: np.ndarray, most: int, rng: int) -> tuple[sparse.csr_array, np.ndarray]:
    """Some of the fitting cells over the genes that are seen often and vary, and which of ``order`` these are."""
    rows = cells.rows
    if len(rows) > most:
        rows = rows[np.sort(np.random.default_rng([rng, 19]).permutation(len(rows))[:most])]
    X = arrays.csr_rows(cells.X, rows)[:, order]
    seen = np.bincount(X.indices[X.data != 0], minlength=len(order)) >= _LEAST_SEEN * len(rows)
    means, variances = mean_variance_axis(X, axis=0)
    kept = np.flatnonzero(seen & (variances > _FLAT * np.maximum(means**2, variances.max(initial=0.0) * _FLAT)))
    if len(kept) < 2:
        raise TooFewGenesError(
            f"{len(kept)} genes vary and are seen in at least 1 % of the fitting cells; at least 2 needed"
        )
    return sparse.csr_array(X[:, kept]), kept


def _clustered(vectors: np.ndarray, left_out: float, default: int, n_programs: int | None, rng: int) -> Learned:
    """K-means on the directions of the genes' vectors (d, h), weighted by their squared length."""
    lengths = np.linalg.norm(vectors, axis=1)
    varying = lengths > _FLAT * lengths.max(initial=0.0)
    if varying.sum() < 2:
        raise TooFewGenesError(f"{varying.sum()} genes vary between the fitting cells; programmes need at least 2")
    used = np.flatnonzero(varying & (lengths >= np.quantile(lengths[varying], left_out)))
    n = _number(n_programs, default, len(used))
    directions = vectors[used] / lengths[used, None]
    n = min(n, len(np.unique(directions.round(8), axis=0)))  # two groups have two directions
    model = KMeans(n, n_init=10, random_state=rng).fit(directions, sample_weight=lengths[used] ** 2)
    centres = model.cluster_centers_ / np.maximum(np.linalg.norm(model.cluster_centers_, axis=1, keepdims=True), _FLAT)
    leads = lengths[used] * np.maximum((directions * centres[model.labels_]).sum(axis=1), _FLAT)
    shape = (len(vectors), n)
    one = np.ones(len(used))
    membership, weights = (sparse.csc_array((data, (used, model.labels_)), shape=shape) for data in (one, leads))
    return membership, weights


def _shared(given: np.ndarray, deviations: np.ndarray, kept: np.ndarray, n_genes: int) -> Learned:
    """Each gene's shares of what the factors give (genes, M); small ones go to the others."""
    total = given.sum(axis=1, keepdims=True)
    shares = np.divide(given, total, out=np.zeros_like(given), where=total > _FLAT)
    shares[shares < _SMALL_SHARE] = 0.0
    left = shares.sum(axis=1, keepdims=True)
    shares = np.divide(shares, left, out=np.zeros_like(shares), where=left > 0)
    used = np.flatnonzero((shares > 0).any(axis=0))
    gene, factor = np.nonzero(shares[:, used])
    shape = (n_genes, len(used))
    place = (kept[gene], factor)
    values = (shares[:, used][gene, factor], (given * shares * deviations[:, None])[:, used][gene, factor])
    membership, weights = (sparse.csc_array((data, place), shape=shape) for data in values)
    return membership, weights


def _number(n_programs: int | None, default: int, n_genes: int) -> int:
    if n_programs is None:
        return max(1, min(default, n_genes // 2))
    if n_programs > n_genes:
        raise TooFewGenesError(f"n_programs={n_programs}: only {n_genes} genes vary enough to be in a programme")
    return n_programs


def _spread_out(part: sparse.csc_array, order: np.ndarray, n_genes: int) -> sparse.csc_array:
    """The rows of the ordered genes at their places among all."""
    found = sparse.coo_array(part)
    return sparse.csc_array((found.data, (order[found.row], found.col)), shape=(n_genes, part.shape[1]))
