"""The truth of simulated cells: where planted genes and copies are put, and in which groups they change."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scgce.datasets._plan import COPY_SHARE, Plan, plan_groups


def plan(seed: int = 0, **changes: float) -> Plan:
    options: dict[str, float] = {"n_genes": 400, "n_groups": 5, "n_planted": 60, "n_copies": 20}
    options |= {"shared": 0.5, "up": 0.7, "log_fold": 1.5} | changes
    return plan_groups(**options, rng=np.random.default_rng(seed))  # type: ignore[arg-type]


@settings(max_examples=40)
@given(st.integers(1, 6), st.integers(8, 60), st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**31))
def test_plans_are_consistent(n_groups: int, n_genes: int, shared: float, up: float, seed: int) -> None:
    planted = n_genes // 4
    drawn = plan_groups(n_genes, n_groups, planted, planted // 2, shared, up, 1.0, np.random.default_rng(seed))
    assert drawn.planted.sum() == planted
    assert (drawn.profile > 0).all()
    sources = drawn.copy_of[drawn.copy_of >= 0]
    assert len(set(sources)) == len(sources) == planted // 2
    assert drawn.planted[sources].all()
    assert not drawn.planted[drawn.copy_of >= 0].any()
    if n_groups > 1:
        assert ((drawn.log_fold != 0).sum(axis=0) < n_groups).all()
    assert (drawn.means >= drawn.profile).all()


def test_planted_genes_are_well_expressed_and_copies_are_not() -> None:
    drawn = plan()
    base = (drawn.profile / np.exp(drawn.log_fold))[0]
    assert base.sum() == pytest.approx(1)
    assert base[drawn.planted].min() > np.median(base) > base[drawn.copy_of >= 0].max()


def test_every_group_has_as_many_genes_of_its_own_turn() -> None:
    drawn = plan(shared=0.0)
    np.testing.assert_array_equal((drawn.log_fold != 0).sum(axis=1), 12)
    np.testing.assert_array_equal((drawn.log_fold != 0).sum(axis=0)[drawn.planted], 1)


def test_shared_genes_change_in_some_groups_but_never_in_all() -> None:
    changed = (plan(shared=1.0).log_fold != 0).sum(axis=0)
    assert set(changed[changed > 0]) == {2, 3, 4}


def test_two_groups_cannot_share() -> None:
    changed = (plan(n_groups=2, shared=1.0).log_fold != 0).sum(axis=0)
    assert changed.max() == 1


@pytest.mark.parametrize(("up", "signs"), [(1.0, {1.0}), (0.0, {-1.0}), (0.5, {-1.0, 1.0})])
def test_signs(up: float, signs: set[float]) -> None:
    folds = plan(up=up).log_fold
    assert set(np.sign(folds[folds != 0])) == signs
    # A gene goes one way in all the groups that share it.
    assert (np.abs(np.sign(folds).sum(axis=0)) == (folds != 0).sum(axis=0)).all()


def test_sizes_of_changes() -> None:
    folds = np.abs(plan(log_fold=2.0).log_fold)
    folds = folds[folds > 0]
    assert 1.6 <= folds.min() < 1.7 < 2.3 < folds.max() <= 2.4


def test_profile_is_the_base_times_the_fold() -> None:
    drawn = plan()
    logs = np.log(drawn.profile)
    np.testing.assert_allclose(logs - logs[0], drawn.log_fold - drawn.log_fold[0], atol=1e-12)


def test_means_count_what_copies_take() -> None:
    drawn = plan()
    copies = np.flatnonzero(drawn.copy_of >= 0)
    extra = drawn.means - drawn.profile
    np.testing.assert_allclose(extra[:, copies], COPY_SHARE * drawn.profile[:, drawn.copy_of[copies]])
    assert (np.delete(extra, copies, axis=1) == 0).all()


def test_no_copies_and_no_planted_genes() -> None:
    drawn = plan(n_planted=0, n_copies=0)
    assert not drawn.planted.any()
    np.testing.assert_array_equal(drawn.means, drawn.profile)
    assert (drawn.profile == drawn.profile[0]).all()


def test_seeds() -> None:
    np.testing.assert_array_equal(plan(3).profile, plan(3).profile)
    assert (plan(3).profile != plan(4).profile).any()
