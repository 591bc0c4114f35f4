from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse

from scgce.core.choose.truncate import PairCuts
from scgce.core.score.judges import Judge, fit_judges
from scgce.core.score.translator import Bounds
from scgce.core.score.verdicts import Verdicts

N_GROUPS, GENES = 3, 60


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray, torch.Tensor]:
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1, 2, -1], [40, 25, 30, 5])
    rates = np.full((N_GROUPS + 1, GENES), 0.4)
    for g in range(N_GROUPS):
        rates[g, 8 * g : 8 * g + 8] = 1.5
    order = rng.permutation(codes.size)
    X = rng.poisson(rates[codes]).astype(np.float32)[order]
    codes = codes[order]
    means = torch.as_tensor(np.stack([X[codes == g].mean(0) for g in range(N_GROUPS)]))
    return X, codes, means


@pytest.fixture(scope="module")
def judges(data) -> dict[str, Judge]:
    return fit_judges(data[0], data[1])


class Opaque:
    """The same judge, known only by its predict."""

    def __init__(self, judge: Judge, names: np.ndarray) -> None:
        self.judge, self.names = judge, names
        self.seen: list[int] = []

    def predict(self, X: np.ndarray) -> np.ndarray:
        self.seen.append(len(X))
        return self.names[self.judge.predict(X)]


def at_zero(clip: bool) -> Bounds | None:
    return Bounds.at_zero(GENES) if clip else None


def by_hand(judge: Judge, X: np.ndarray, codes: np.ndarray, cuts: PairCuts, clip: bool) -> np.ndarray:
    out = np.zeros((N_GROUPS, N_GROUPS))
    for i in range(N_GROUPS):
        for j in range(N_GROUPS):
            delta = cuts.dense(i, j).numpy()
            moved = X[codes == i] + delta
            moved = np.where((delta != 0) & (moved < 0) & clip, 0, moved)
            out[i, j] = np.mean(judge.predict(moved) == j)
    return out


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("name", ["logreg", "knn"])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array, sparse.csc_matrix])
def test_fast_path_equals_translating_the_cells(data, judges, name, kind, clip) -> None:
    X, codes, means = data
    cuts = PairCuts(means, 10)
    found = Verdicts(judges[name], kind(X), codes, N_GROUPS, bounds=at_zero(clip)).score(cuts)
    np.testing.assert_allclose(found, by_hand(judges[name], X, codes, cuts, clip), atol=1e-12)


@pytest.mark.parametrize("clip", [False, True])
def test_any_object_with_predict_gives_the_same(data, judges, clip, monkeypatch) -> None:
    X, codes, means = data
    cuts, names = PairCuts(means, 10), np.array(["a", "b/c", "d"])
    monkeypatch.setattr("scgce.core.score.verdicts._BLOCK_BYTES", 4 * GENES * 7)
    opaque = Opaque(judges["logreg"], names)
    found = Verdicts(opaque, sparse.csr_array(X), codes, N_GROUPS, labels=names, bounds=at_zero(clip)).score(cuts)
    assert max(opaque.seen) == 7, "rows at a time, by the bound on memory"
    expected = Verdicts(judges["logreg"], X, codes, N_GROUPS, bounds=at_zero(clip)).score(cuts)
    np.testing.assert_allclose(found, expected)


def test_translations_convince_and_nothing_does_not(data, judges) -> None:
    X, codes, means = data
    off = ~np.eye(N_GROUPS, dtype=bool)
    verdicts = Verdicts(judges["logreg"], X, codes, N_GROUPS)
    assert verdicts.score(PairCuts(means))[off].min() > 0.8
    assert verdicts.score(PairCuts(torch.zeros_like(means)))[off].max() < 0.2
    assert np.diag(verdicts.score(PairCuts(means))).min() > 0.8


def test_only_the_pairs_asked_for_and_no_cells_no_verdict(data, judges) -> None:
    X, codes, means = data
    basis = torch.cat([means, means[:1]])
    found = Verdicts(judges["knn"], X, codes, 4).score(PairCuts(basis), pairs=[(0, 1), (2, 2), (3, 0)])
    assert np.argwhere(~np.isnan(found)).tolist() == [[0, 1], [2, 2]]


def test_sub_sampling_follows_rng(data, judges) -> None:
    X, codes, means = data
    cuts = PairCuts(means, 3)
    first, again = (Verdicts(judges["knn"], X, codes, N_GROUPS, max_cells=9, rng=4).score(cuts) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(first * 9, np.round(first * 9), atol=1e-12)


def test_unless_asked_for_nothing_is_clipped_and_the_seed_is_0(data, judges) -> None:
    X, codes, means = data
    cuts = PairCuts(torch.linspace(0, 4, N_GROUPS)[:, None] * torch.tensor([1.0, -1.0]).repeat(GENES // 2))
    plain, clipped, unsaid = (
        Verdicts(judges["knn"], X, codes, N_GROUPS, **bounds).score(cuts)
        for bounds in ({"bounds": None}, {"bounds": at_zero(True)}, {})
    )
    assert not np.array_equal(plain, clipped)
    np.testing.assert_array_equal(unsaid, plain)
    one, other, unsaid = (
        Verdicts(judges["knn"], X, codes, N_GROUPS, max_cells=7, **rng).score(PairCuts(means, 3))
        for rng in ({"rng": 0}, {"rng": 1}, {})
    )
    assert not np.array_equal(one, other)
    np.testing.assert_array_equal(unsaid, one)


def test_codes_must_match_the_cells(data, judges) -> None:
    with pytest.raises(ValueError, match=r"codes has shape \(2,\)"):
        Verdicts(judges["knn"], data[0], data[1][:2], N_GROUPS)
