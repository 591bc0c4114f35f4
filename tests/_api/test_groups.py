from __future__ import annotations

import logging

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scgce._api.groups import MAX_NUMERIC_LEVELS, read_groups


def _adata(labels: object, name: str = "g") -> ad.AnnData:
    column = pd.Series(labels)
    column.index = column.index.astype(str)
    return ad.AnnData(obs=pd.DataFrame({name: column}))


def test_categories_keep_their_order() -> None:
    labels = pd.Categorical(["b", "a", "b", "a", "c", "c"], categories=["c", "unused", "b", "a"])
    groups = read_groups(_adata(labels), "g", min_cells=2)
    assert groups.key == "g"
    assert groups.n == 3
    assert groups.names.tolist() == ["c", "b", "a"]
    assert groups.codes.tolist() == [1, 2, 1, 2, 0, 0]
    assert groups.codes.dtype == np.int64
    assert groups.sizes.tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["b", "a", "b", "a"], ["a", "b"]),
        ([10, 9, 10, 9], ["9", "10"]),
        ([True, False, True, False], ["False", "True"]),
        ([2.0, 1.0, 2.0, 1.0], ["1", "2"]),
        ([0.5, 1.0, 0.5, 1.0], ["0.5", "1.0"]),
        (pd.array([1, 2, 1, 2], dtype="Int64"), ["1", "2"]),
        (pd.array([True, False] * 2, dtype="boolean"), ["False", "True"]),
        (pd.array(["ü/ß", "a b"] * 2, dtype="string"), ["a b", "ü/ß"]),
        (pd.Categorical([3, 1, 3, 1], categories=[3, 1]), ["3", "1"]),
        (["x" * 5000, "", "x" * 5000, ""], ["", "x" * 5000]),
        (["nan", "None", "nan", "None"], ["None", "nan"]),
    ],
)
def test_labels_become_strings(labels: object, names: list[str]) -> None:
    groups = read_groups(_adata(labels), "g", min_cells=2)
    assert groups.names.tolist() == names
    assert all(isinstance(name, str) for name in groups.names)
    assert groups.sizes.tolist() == [2, 2]


@pytest.mark.parametrize("labels", [["a", None, "b", "a", "b"], [1, np.nan, 2, 1, 2], pd.array([1, None, 2, 1, 2])])
def test_cells_without_a_label_are_left_out_and_counted(labels: object, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="scgce"):
        groups = read_groups(_adata(labels), "g", min_cells=2)
    assert groups.codes.tolist() == [0, -1, 1, 0, 1]
    assert "1 of 5 cells have no label in obs['g']" in caplog.text


def test_integers_with_missing_labels_are_still_integers() -> None:
    assert read_groups(_adata([1, np.nan, 2, 1, 2]), "g", min_cells=2).names.tolist() == ["1", "2"]


def test_groups_keeps_only_those_and_their_order() -> None:
    adata = _adata(pd.Categorical(list("aabbcc") * 2, categories=["c", "b", "a"]))
    groups = read_groups(adata, "g", groups=["a", "c"])
    assert groups.names.tolist() == ["c", "a"]
    assert groups.codes.tolist() == [1, 1, -1, -1, 0, 0] * 2
    assert groups.sizes.tolist() == [4, 4]


def test_groups_may_be_given_as_they_are_in_the_column() -> None:
    adata = _adata([0, 1, 2] * 3)
    for asked in ([2, 0], ["0", "2"], np.array([0, 2]), pd.Index([2, 0])):
        assert read_groups(adata, "g", groups=asked).names.tolist() == ["0", "2"]


def test_reference_is_added_to_the_groups() -> None:
    adata = _adata([0, 1, 2, 3] * 3)
    assert read_groups(adata, "g", groups=[2], reference=0).names.tolist() == ["0", "2"]
    assert read_groups(adata, "g", groups=[2, 3], reference="baseline").names.tolist() == ["2", "3"]


def test_two_hundred_groups() -> None:
    groups = read_groups(_adata([f"type {k}" for k in range(200)] * 3), "g")
    assert groups.n == 200
    assert set(groups.sizes) == {3}


def test_a_small_group_outside_the_selection_does_not_matter() -> None:
    adata = _adata(["a"] * 3 + ["b"] * 3 + ["c"])
    assert read_groups(adata, "g", groups=["a", "b"]).n == 2


@given(st.lists(st.sampled_from(["x", "y", "z", None]), min_size=3, max_size=40))
def test_codes_name_the_labels(labels: list[str | None]) -> None:
    present = sorted({label for label in labels if label is not None})
    adata = _adata(pd.Series(labels, dtype=object))
    if len(present) < 2:
        with pytest.raises(ValueError, match="at least two are needed"):
            read_groups(adata, "g", min_cells=1)
        return
    groups = read_groups(adata, "g", min_cells=1)
    assert groups.names.tolist() == present
    assert [None if code < 0 else groups.names[code] for code in groups.codes] == labels
    assert groups.sizes.tolist() == [labels.count(name) for name in present]


# --- refusals -------------------------------------------------------------------------------------------------------


def test_unknown_groupby_lists_and_suggests() -> None:
    with pytest.raises(
        KeyError, match="groupby='cell_typ' not in adata.obs; found: cell_type; did you mean 'cell_type'"
    ):
        read_groups(_adata(list("ab"), "cell_type"), "cell_typ")


def test_a_list_of_one_column_is_that_column() -> None:
    adata = _adata(list("ab") * 3)
    np.testing.assert_array_equal(read_groups(adata, ["g"]).codes, read_groups(adata, "g").codes)


@pytest.mark.parametrize("asked", ["a", None, 3])
def test_groups_must_be_all_or_a_list(asked: object) -> None:
    with pytest.raises(ValueError, match="expected 'all' or a list of labels"):
        read_groups(_adata(list("ab") * 3), "g", groups=asked)  # type: ignore[arg-type]


def test_unknown_and_empty_labels_are_refused() -> None:
    adata = _adata(pd.Categorical(["aaa", "bbb"] * 3, categories=["aaa", "bbb", "empty"]))
    with pytest.raises(KeyError, match="groups='aab' not in .*found: aaa, bbb; did you mean 'aaa'"):
        read_groups(adata, "g", groups=["aab", "aaa"])
    with pytest.raises(KeyError, match="groups='empty' not in .*labels that have cells"):
        read_groups(adata, "g", groups=["aaa", "empty"])


def test_unknown_reference() -> None:
    with pytest.raises(KeyError, match="reference='rest' not in .*found: a, b, baseline"):
        read_groups(_adata(list("ab") * 3), "g", reference="rest")


@pytest.mark.parametrize(
    ("labels", "asked"), [(["a"] * 5, "all"), ([None] * 5, "all"), ([np.nan] * 5, "all"), (list("aabb"), ["a"])]
)
def test_one_group_only(labels: list, asked: object) -> None:
    with pytest.raises(ValueError, match="at least two are needed to explain a difference"):
        read_groups(_adata(pd.Series(labels)), "g", groups=asked, min_cells=1)  # type: ignore[arg-type]


def test_small_groups_are_named() -> None:
    adata = _adata(["a"] * 3 + ["B/1"] * 2 + ["c"])
    with pytest.raises(ValueError, match=r"fewer than min_cells=3 cells: B/1 \(2\), c \(1\); merge"):
        read_groups(adata, "g")
    assert read_groups(adata, "g", min_cells=1).n == 3


def test_labels_that_coincide_as_text() -> None:
    adata = _adata(pd.Categorical([1, "1", 2] * 3, categories=[1, "1", 2]))
    with pytest.raises(ValueError, match="different labels that read the same as text: 1; rename"):
        read_groups(adata, "g")


def test_a_continuous_column_is_refused() -> None:
    many = np.linspace(0, 1, MAX_NUMERIC_LEVELS + 1)
    with pytest.raises(ValueError, match=r"number with 101 different values.*sc\.tl\.leiden.*pandas\.cut"):
        read_groups(_adata(many), "g", min_cells=1)
    assert read_groups(_adata(many[1:]), "g", min_cells=1).n == MAX_NUMERIC_LEVELS


def test_the_column_is_left_alone() -> None:
    adata = _adata(pd.Categorical(["a", None, "b", "b", "a"], categories=["a", "b", "unused"]))
    before = adata.obs.copy(deep=True)
    read_groups(adata, "g", min_cells=1)
    pd.testing.assert_frame_equal(adata.obs, before)
