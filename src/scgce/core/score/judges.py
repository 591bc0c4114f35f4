"""Independent judges: classifiers that took no part in the fit say which group a translated cell belongs to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from scipy import linalg, sparse
from sklearn.covariance import ledoit_wolf
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from .kernels import elected

Cells: TypeAlias = np.ndarray | sparse.sparray | sparse.spmatrix

_AXES = 50
"""Discriminants at most, those on which groups differ most: with very many groups their number would set the time."""
_VOTERS = 15
_QUERIES = 256
"""Cells that are told at once. Of 64 to 1024 it does not matter."""
_MARKERS = 500
"""Genes whose discriminants the neighbours are sought in: enough for forty groups, and their covariance is quick."""


@dataclass(frozen=True)
class Judge:
    """A classifier that sees a cell only through a linear map: label = decide(x·M + offset).

    Attributes
    ----------
    M
        Float32 (d, h).
    offset
        Float32 (h,).
    decide
        Maps (n, h) to group codes, int64 (n,).
    """

    M: Tensor
    offset: Tensor
    decide: Callable[[Tensor], Tensor]

    def hidden(self, X: Cells) -> Tensor:
        """x·M + offset of cells (n, d), float32 (n, h); X is not densified."""
        product = X @ self.M.numpy() if sparse.issparse(X) else np.asarray(X, dtype=np.float32) @ self.M.numpy()
        return torch.as_tensor(np.asarray(product, dtype=np.float32)) + self.offset

    def predict(self, X: Cells) -> np.ndarray:
        """Group codes of cells (n, d), int64 (n,)."""
        return self.decide(self.hidden(X)).numpy()


@dataclass(frozen=True)
class LargestScore:
    """The class of the largest score; the lower class if several are equal."""

    classes: Tensor

    def __call__(self, scores: Tensor) -> Tensor:
        """Map scores (n, classes) to codes (n,)."""
        return self.classes[scores.argmax(1)]


@dataclass(frozen=True)
class BalancedVote:
    """The class with most votes among the nearest training cells for its number of training cells.

    A vote weighs one over the size of its class, so that the votes estimate how likely the place is under each class,
    and a rare class is not voted down by its neighbours' numbers. The lower class if several are equal.

    scikit-learn's neighbours are the same; `python -m benchmarks.speed.libraries` says how much longer they take.
    """

    points: Tensor
    """(n, h) training cells, float32, about their mean."""
    mean: Tensor
    member: np.ndarray
    """(n,) position of each in ``classes``."""
    classes: Tensor

    @classmethod
    def fit(cls, points: np.ndarray, codes: np.ndarray) -> BalancedVote:
        """Training cells (n, h) and their codes (n,)."""
        classes, member = np.unique(codes, return_inverse=True)
        given = _float32(points)
        return cls(given - given.mean(0), given.mean(0), member, torch.as_tensor(classes.astype(np.int64)))

    def __call__(self, queries: Tensor) -> Tensor:
        """Map points (n, h) to codes (n,)."""
        k, found = min(_VOTERS, len(self.points)), torch.empty(len(queries), dtype=torch.int64)
        weights = 1 / np.bincount(self.member)
        turned, squares = -2 * self.points.T, self.points.square().sum(1)
        for rows in range(0, len(queries), _QUERIES):
            # squared distances but for what is the same of all training cells
            near = torch.addmm(squares, queries[rows : rows + _QUERIES] - self.mean, turned)
            winners = elected(near.numpy(), self.member, weights, k)
            found[rows : rows + _QUERIES] = torch.from_numpy(winners)
        return self.classes[found]


def fit_judges(
    X: Cells,
    codes: np.ndarray,
    *,
    genes: np.ndarray | None = None,
    max_cells: int | None = 200,
    rng: int | np.random.Generator = 0,
) -> dict[str, Judge]:
    """Fit the two judges of every report on training cells.

    ``"logreg"``: multinomial logistic regression (L2, C = 1). ``"knn"``: vote of the 15 nearest training cells in the
    space of the linear discriminants of the (at most 500) genes that differ most between the groups. That space is
    made from the labels, so it is none that an encoder lives in. In both, groups weigh the same whatever their size.

    Parameters
    ----------
    X
        Training cells, sparse or dense (n, d), in the units that are translated.
    codes
        Group of each cell, shape (n,); −1 cells are left out.
    genes
        Genes that the judges read, bool (d,); all if None. To be those that an explanation may move: a judge that
        reads others is told by them that the cell is still what it was.
    max_cells
        At most so many cells of each group are used, drawn without replacement; None uses all.
    rng
        Draws the cells.

    Raises
    ------
    ValueError
        If `codes` does not match X or names fewer than two groups, or there is no gene to read.
    """
    codes = np.asarray(codes)
    if codes.shape != (X.shape[0],):
        raise ValueError(f"codes has shape {codes.shape}; accepted: one code for each of the {X.shape[0]} cells")
    if np.unique(codes[codes >= 0]).size < 2:
        raise ValueError("codes names fewer than two groups; a judge needs two to tell apart")
    read = np.arange(X.shape[1]) if genes is None else np.flatnonzero(genes)
    if not read.size:
        raise ValueError("genes leaves none; a judge needs one to read")
    rows = sample_groups(codes, max_cells, np.random.default_rng(rng))
    cells = sparse.csr_array(X)[rows].astype(np.float32) if sparse.issparse(X) else np.asarray(X[rows], np.float32)
    cells, codes = cells[:, read], codes[rows]
    fitted = {"logreg": _fit_logreg(cells, codes), "knn": _fit_knn(cells, codes)}
    return {name: _on_all_genes(judge, read, X.shape[1]) for name, judge in fitted.items()}


def sample_groups(codes: np.ndarray, max_cells: int | None, rng: np.random.Generator) -> np.ndarray:
    """Draw at most `max_cells` cells of each group, as ascending row numbers; cells of code −1 never."""
    rows = [np.flatnonzero(codes == g) for g in np.unique(codes[codes >= 0])]
    if max_cells is not None:
        if max_cells < 1:
            raise ValueError(f"max_cells={max_cells}; accepted: None or at least 1")
        rows = [r if r.size <= max_cells else rng.choice(r, max_cells, replace=False) for r in rows]
    return np.sort(np.concatenate(rows))


def _on_all_genes(judge: Judge, read: np.ndarray, n_genes: int) -> Judge:
    """The same judge before cells of all genes, of which it reads a few."""
    M = torch.zeros(n_genes, judge.M.shape[1])
    M[torch.from_numpy(read)] = judge.M
    return Judge(M, judge.offset, judge.decide)


def _fit_logreg(X: Cells, codes: np.ndarray) -> Judge:
    # a judge needs the decision, not the last digit of the weights: 1e-3 halves the time
    model = LogisticRegression(max_iter=1000, tol=1e-3, class_weight="balanced").fit(X, codes)
    weights, offset = model.coef_.T, model.intercept_
    if weights.shape[1] == 1:
        weights, offset = np.hstack([np.zeros_like(weights), weights]), np.append(0.0, offset)
    classes = torch.as_tensor(model.classes_.astype(np.int64))
    return Judge(_float32(weights), _float32(offset), LargestScore(classes))


def _fit_knn(X: Cells, codes: np.ndarray) -> Judge:
    markers = _markers(X, codes, _MARKERS)
    dense = np.asarray(sparse.csr_array(X[:, markers]).todense(), dtype=np.float64)
    axes = discriminants(dense, codes)[:, :_AXES]
    M = np.zeros((X.shape[1], axes.shape[1]))
    M[markers] = axes
    judge = Judge(_float32(M), torch.zeros(axes.shape[1]), LargestScore(torch.zeros(1, dtype=torch.int64)))
    return Judge(judge.M, judge.offset, BalancedVote.fit(judge.hidden(X).numpy(), codes.astype(np.int64)))


def _markers(X: Cells, codes: np.ndarray, most: int) -> np.ndarray:
    """The genes with the largest ratio of variance between groups to variance within (F statistic), ascending."""
    names, member = np.unique(codes, return_inverse=True)
    sizes = np.bincount(member)[:, None]
    onto = sparse.csr_array((np.ones(len(member)), (member, np.arange(len(member)))), shape=(len(names), len(member)))
    values = sparse.csr_array(X, dtype=np.float64)
    sums, squares = (np.asarray((onto @ table).todense()) for table in (values, values.multiply(values)))
    between = (sizes * (sums / sizes - sums.sum(0) / len(member)) ** 2).sum(0)
    within = np.maximum((squares - sums**2 / sizes).sum(0), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(between > 0, between / within, 0.0)
    return np.sort(np.argsort(-ratio, kind="stable")[:most])


def discriminants(X: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Axes (d, m) on which groups differ most for their spread within; each has spread 1 within groups.

    Fisher's linear discriminants: the principal axes of the groups' means, every group counting once, where the
    covariance within groups is the identity. That covariance is shrunk (Ledoit and Wolf 2004) after scaling every gene
    to spread 1, so that it has an inverse however few cells there are. m is at most the number of groups minus 1.
    """
    names, member = np.unique(codes, return_inverse=True)
    means = np.stack([X[member == g].mean(axis=0) for g in range(len(names))])
    rest = X - means[member]
    scale = rest.std(axis=0)
    scale[scale <= 1e-6 * max(scale.max(), 1e-6)] = max(float(scale.max()), 1.0)  # constant within every group
    covariance = ledoit_wolf(rest / scale, assume_centered=True)[0]
    covariance[np.diag_indices_from(covariance)] += 1e-6
    root = linalg.cholesky(covariance, lower=True)
    white = linalg.solve_triangular(root, ((means - means.mean(axis=0)) / scale).T, lower=True).T
    _, sizes, axes = linalg.svd(white, full_matrices=False)
    m = max(1, int((sizes[: len(names) - 1] > 1e-8 * sizes[0]).sum()))
    turned: np.ndarray = linalg.solve_triangular(root, axes[:m].T, lower=True, trans="T") / scale[:, None]
    return turned


def _float32(values: np.ndarray) -> Tensor:
    return torch.as_tensor(np.ascontiguousarray(values, dtype=np.float32))
