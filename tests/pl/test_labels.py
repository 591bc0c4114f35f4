"""Placing names."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests._results import NAMES, group_names
from tests.pl._legible import assert_legible

from scgce.pl._labels import LONGEST, arrow, label_points, place, room, short_names, shorten, spread, wrap

numbers = arrays(np.float64, st.integers(1, 8), elements=st.floats(0, 1))


@given(st.text("ab /_,-+", max_size=40), st.integers(1, 30))
def test_wrapping_loses_no_letter(name, width):
    kept = wrap(name, width)
    assert kept.replace("\n", "").replace(" ", "") == name.replace(" ", "")


@pytest.mark.parametrize("name", NAMES)
def test_wrapped_lines_are_short(name):
    assert all(len(line) <= 18 for line in wrap(name, 18).split("\n"))
    assert wrap(name, 60) == name


def test_arrow_breaks_only_if_it_must():
    assert arrow("B", "NK", 20) == "B → NK"
    assert arrow(NAMES[1], NAMES[8], 30) == f"{NAMES[1]}\n→ {NAMES[8]}"


@given(st.lists(st.text("ab ", max_size=3).map(lambda end: "very long " * 9 + end) | st.text(), unique=True))
def test_short_names_are_short_and_tell_groups_apart(names):
    shown = short_names(names)
    assert len(set(shown)) == len(names)
    assert all(short == name for name, short in zip(names, shown, strict=True) if len(name) <= LONGEST)
    assert all(len(shorten(name)) <= LONGEST for name in names)


def test_both_ends_of_a_long_name_are_kept():
    name = f"CD4-positive{' x' * 50}, human"
    assert shorten(name).startswith("CD4-positive x") and shorten(name).endswith(", human") and "…" in shorten(name)


def test_room_is_that_of_the_longest_line():
    figure = plt.figure()
    for name in ("a" * 60, "CD4-positive, alpha-beta memory\nT cell"):
        text = figure.text(0, 0, name, fontsize="small")
        assert room(["x", name], "small") == pytest.approx(text.get_window_extent().width / figure.dpi, rel=0.25)
    assert room(["short"], "small", 2.2) == 0.0


@given(numbers, st.floats(0.01, 0.3))
def test_spread_keeps_order_and_distance(values, gap):
    moved = spread(values, gap, -3.0, 3.0)
    order = np.argsort(values, kind="stable")
    assert (np.diff(moved[order]) >= min(gap, 6 / max(len(values) - 1, 1)) - 1e-9).all()
    assert moved.min() >= -3 - 1e-9
    assert moved.max() <= 3 + 1e-9


def test_spread_leaves_distant_numbers_alone():
    np.testing.assert_allclose(spread(np.array([0.9, 0.1, 0.5]), 0.1, 0, 1), [0.9, 0.1, 0.5])
    np.testing.assert_allclose(spread(np.array([0.5, 0.5]), 0.2, 0, 1), [0.4, 0.6])


def test_spread_without_room_shrinks_the_gaps():
    np.testing.assert_allclose(spread(np.zeros(5), 1.0, 0, 1), [0, 0.25, 0.5, 0.75, 1])


@given(
    arrays(np.float64, st.tuples(st.integers(1, 12), st.just(2)), elements=st.floats(0, 100)),
    st.floats(1, 30),
    st.floats(1, 6),
)
def test_places_do_not_overlap_and_stay_inside(anchors, width, height):
    sizes = np.tile([width, height], (len(anchors), 1))
    centers = place(anchors, sizes, (0, 0, 100, 100))
    if centers is None:
        return
    assert (centers - sizes / 2 >= -1e-9).all()
    assert (centers + sizes / 2 <= 100 + 1e-9).all()
    for a in range(len(centers)):
        for b in range(a):
            assert (np.abs(centers[a] - centers[b]) >= sizes[a] - 1e-9).any()


def test_a_free_anchor_is_not_left():
    anchors = np.array([[20.0, 20.0], [80.0, 80.0]])
    np.testing.assert_array_equal(place(anchors, np.full((2, 2), 10.0), (0, 0, 100, 100)), anchors)


def test_no_room():
    assert place(np.full((40, 2), 5.0), np.full((40, 2), 4.0), (0, 0, 10, 10)) is None
    assert place(np.zeros((1, 2)), np.full((1, 2), 11.0), (0, 0, 10, 10)) is None


@pytest.mark.parametrize("count", [3, 9, 18])
def test_long_names_in_one_spot_are_all_legible(count):
    figure, ax = plt.subplots(figsize=(6, 5), layout="constrained")
    points = 0.5 + 0.02 * np.random.default_rng(0).standard_normal((count, 2))
    assert label_points(ax, points, [wrap(name, 18) for name in group_names(count)])
    assert_legible(figure)
    assert len(ax.lines) > 0  # those moved away are tied to their point


def test_nothing_is_written_without_room():
    _, ax = plt.subplots(figsize=(2, 2))
    points = np.full((30, 2), 0.5)
    assert not label_points(ax, points, group_names(30))
    assert not label_points(ax, points[:5], group_names(5), most=0.01)
    assert len(ax.texts) == 0
    assert len(ax.lines) == 0


def test_dollar_signs_are_not_mathematics():
    figure, ax = plt.subplots()
    assert label_points(ax, np.array([[0.5, 0.5]]), ["Na$_v$1"], discs=True, colors=["#ffff00"])
    assert_legible(figure)
    assert not ax.texts[0].get_parse_math()
