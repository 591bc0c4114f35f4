"""How good a map is."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr
from sklearn.manifold import trustworthiness
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

K = 15


def trust(scores: np.ndarray, Z: np.ndarray) -> float:
    """Trustworthiness of the 15 nearest on the map, against the PCA (at most 3,000 cells)."""
    rows = np.random.default_rng(0).permutation(len(Z))[:3000]
    return float(trustworthiness(scores[rows], Z[rows], n_neighbors=K))


def label_accuracy(Z: np.ndarray, labels: np.ndarray) -> float:
    """15-NN accuracy of the labels on the map, five-fold cross-validated."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return float(cross_val_score(KNeighborsClassifier(K), Z, labels, cv=folds).mean())


def held_out_accuracy(Z: np.ndarray, labels: np.ndarray, Z_new: np.ndarray, labels_new: np.ndarray) -> float:
    """15-NN accuracy of new cells among the old ones."""
    return float(KNeighborsClassifier(K).fit(Z, labels).score(Z_new, labels_new))


def global_structure(scores: np.ndarray, Z: np.ndarray, labels: np.ndarray) -> float:
    """Rank correlation of the distances between group centres on the map with those in the PCA."""
    groups = np.unique(labels)
    centres = [np.array([M[labels == g].mean(axis=0) for g in groups]) for M in (scores, Z)]
    return float(spearmanr(pdist(centres[0]), pdist(centres[1])).statistic)


def shared_neighbours(Z: np.ndarray, other: np.ndarray, k: int = 50) -> float:
    """Share of the 50 nearest cells that two maps have in common (0 to 1)."""
    nearest = [NearestNeighbors(n_neighbors=k).fit(M).kneighbors(return_distance=False) for M in (Z, other)]
    return float(np.mean([len(np.intersect1d(a, b)) / k for a, b in zip(*nearest, strict=True)]))


def stratified(codes: np.ndarray, share: float) -> np.ndarray:
    """That share of the cells of every label, at random; bool (n,)."""
    rng = np.random.default_rng(0)
    out = np.zeros(len(codes), dtype=bool)
    for code in np.unique(codes):
        cells = rng.permutation(np.flatnonzero(codes == code))
        out[cells[: round(share * len(cells))]] = True
    return out
