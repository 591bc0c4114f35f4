"""What donors say of a shift, against scipy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from scgce.core.score.donors import agreement


def test_paired_donors_give_the_interval_of_their_differences() -> None:
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(3, 6)), rng.normal(size=(3, 6)) + 1
    source[:, 4] = np.nan
    found = agreement(source, target, 0.9)
    assert (found.design, found.n) == ("paired", 5)
    own = np.delete(target - source, 4, axis=1)
    expected = stats.ttest_1samp(own, 0, axis=1).confidence_interval(0.9)
    np.testing.assert_allclose([found.low, found.high], expected, rtol=1e-12)
    np.testing.assert_array_equal(found.agreeing(np.array([1.0, -1.0, 0.5])), (np.sign(own) == [[1], [-1], [1]]).sum(1))
    assert np.isnan(found.each[:, 4]).all()
    np.testing.assert_array_equal(found.agree(np.ones(3)), expected.low > 0)
    np.testing.assert_array_equal(found.agree(-np.ones(3)), expected.high < 0)


def test_donors_of_one_group_each_give_welchs_interval() -> None:
    rng = np.random.default_rng(1)
    source, target = rng.normal(size=(2, 7)), 2 + 0.5 * rng.normal(size=(2, 7))
    source[:, 4:], target[:, :4] = np.nan, np.nan
    found = agreement(source, target, 0.95)
    assert (found.design, found.n) == ("unpaired", 7)
    expected = stats.ttest_ind(target[:, 4:], source[:, :4], axis=1, equal_var=False).confidence_interval(0.95)
    np.testing.assert_allclose([found.low, found.high], expected, rtol=1e-10)
    np.testing.assert_allclose(found.each[:, 5], target[:, 5] - source[:, :4].mean(1))
    np.testing.assert_allclose(found.each[:, 0], target[:, 4:].mean(1) - source[:, 0])


@pytest.mark.parametrize(
    ("here", "there", "design"),
    [([0], [1], "confounded"), ([0, 1, 2], [3], "confounded"), ([0], [0], "few"), ([0], [], "few"), ([], [], "few")],
)
def test_too_few_donors_say_nothing(here: list[int], there: list[int], design: str) -> None:
    source, target = np.full((2, 4), np.nan), np.full((2, 4), np.nan)
    source[:, here], target[:, there] = 0.0, 1.0
    found = agreement(source, target, 0.95)
    assert found.design == design
    assert np.isnan(found.low).all() and np.isnan(found.high).all()
    assert not found.agree(np.ones(2)).any()


def test_no_spread_is_an_interval_of_no_width() -> None:
    found = agreement(np.zeros((1, 3)), np.full((1, 3), 2.0), 0.99)
    np.testing.assert_allclose([found.low, found.high], 2.0)
    assert found.agree(np.array([2.0])).all() and not found.agree(np.array([-2.0])).any()
