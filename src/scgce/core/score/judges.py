"""Independent judges: classifiers that took no part in the fit say which group a translated cell belongs to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from torch import Tensor

Cells: TypeAlias = np.ndarray | sparse.sparray | sparse.spmatrix

_PCS = 50
_VOTERS = 15
_FULL_PCA = 200
_QUERY_BLOCK = 2048


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
class NearestVote:
    """The most frequent class among the nearest training cells; the lower class if several are equally frequent."""

    points: Tensor
    codes: Tensor
    voters: int

    def __call__(self, queries: Tensor) -> Tensor:
        """Map points (n, h) to codes (n,)."""
        norms = self.points.square().sum(1)
        calls = [self._vote(norms - 2 * (block @ self.points.T)) for block in torch.split(queries, _QUERY_BLOCK)]
        return torch.cat(calls)

    def _vote(self, distances: Tensor) -> Tensor:
        nearest = distances.topk(self.voters, dim=1, largest=False, sorted=False).indices
        votes = torch.zeros(distances.shape[0], int(self.codes.max()) + 1)
        votes.scatter_add_(1, self.codes[nearest], torch.ones(nearest.shape))
        return votes.argmax(1)


def fit_judges(
    X: Cells, codes: np.ndarray, *, max_cells: int | None = 200, rng: int | np.random.Generator = 0
) -> dict[str, Judge]:
    """Fit the two judges of every report on training cells.

    ``"logreg"``: multinomial logistic regression on all genes (L2, C = 1). ``"knn"``: majority of the 15 nearest
    training cells in the space of the first 50 principal components of the training cells.

    Parameters
    ----------
    X
        Training cells, sparse or dense (n, d), in the units that are translated.
    codes
        Group of each cell, shape (n,); −1 cells are left out.
    max_cells
        At most so many cells of each group are used, drawn without replacement; None uses all.
    rng
        Draws the cells.

    Raises
    ------
    ValueError
        If `codes` does not match X or names fewer than two groups.
    """
    codes = np.asarray(codes)
    if codes.shape != (X.shape[0],):
        raise ValueError(f"codes has shape {codes.shape}; accepted: one code for each of the {X.shape[0]} cells")
    if np.unique(codes[codes >= 0]).size < 2:
        raise ValueError("codes names fewer than two groups; a judge needs two to tell apart")
    rows = sample_groups(codes, max_cells, np.random.default_rng(rng))
    cells = sparse.csr_array(X)[rows].astype(np.float32) if sparse.issparse(X) else np.asarray(X[rows], np.float32)
    return {"logreg": _fit_logreg(cells, codes[rows]), "knn": _fit_knn(cells, codes[rows])}


def sample_groups(codes: np.ndarray, max_cells: int | None, rng: np.random.Generator) -> np.ndarray:
    """Draw at most `max_cells` cells of each group, as ascending row numbers; cells of code −1 never."""
    rows = [np.flatnonzero(codes == g) for g in np.unique(codes[codes >= 0])]
    if max_cells is not None:
        if max_cells < 1:
            raise ValueError(f"max_cells={max_cells}; accepted: None or at least 1")
        rows = [r if r.size <= max_cells else rng.choice(r, max_cells, replace=False) for r in rows]
    return np.sort(np.concatenate(rows))


def _fit_logreg(X: Cells, codes: np.ndarray) -> Judge:
    # a judge needs the decision, not the last digit of the weights: 1e-3 halves the time
    model = LogisticRegression(max_iter=1000, tol=1e-3).fit(X, codes)
    weights, offset = model.coef_.T, model.intercept_
    if weights.shape[1] == 1:
        weights, offset = np.hstack([np.zeros_like(weights), weights]), np.append(0.0, offset)
    classes = torch.as_tensor(model.classes_.astype(np.int64))
    return Judge(_float32(weights), _float32(offset), LargestScore(classes))


def _fit_knn(X: Cells, codes: np.ndarray) -> Judge:
    n_pcs = min(_PCS, X.shape[0] - 1, X.shape[1])
    if min(X.shape) <= _FULL_PCA:
        X = sparse.csr_array(X).toarray()
        pca = PCA(n_pcs, svd_solver="full").fit(X)
    else:
        pca = PCA(n_pcs, svd_solver="arpack", random_state=0).fit(X)
    M = _float32(pca.components_.T)
    judge = Judge(M, -_float32(pca.mean_) @ M, LargestScore(torch.zeros(1, dtype=torch.int64)))
    vote = NearestVote(judge.hidden(X), torch.as_tensor(codes.astype(np.int64)), min(_VOTERS, X.shape[0]))
    return Judge(judge.M, judge.offset, vote)


def _float32(values: np.ndarray) -> Tensor:
    return torch.as_tensor(np.ascontiguousarray(values, dtype=np.float32))
