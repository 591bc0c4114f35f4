"""Groups from several columns: the same as a column made by hand, asked for by name or by parts."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from matplotlib import pyplot as plt

import scgce

COLUMNS = ["kind", "batch"]
QUICK = {"use_rep": "X_pca", "sparsity": (3, 6), "method": "truncate"}
B_CTRL, B_STIM = {"kind": "B", "batch": "ctrl"}, {"kind": "B", "batch": "stim"}


@pytest.fixture(scope="module")
def adata() -> ad.AnnData:
    found = scgce.datasets.simulated_cells(240, 60, 4, rng=1)
    sc.pp.pca(found, n_comps=8)
    code = found.obs["group"].cat.codes.to_numpy()
    found.obs["kind"] = pd.Categorical(np.array(["T", "B"])[code // 2], ["T", "B"])
    found.obs["batch"] = pd.Categorical(np.array(["stim", "ctrl"])[code % 2], ["stim", "ctrl", "never"])
    names = ["T | stim", "T | ctrl", "B | stim", "B | ctrl"]
    found.obs["by_hand"] = pd.Categorical(np.array(names)[code], names)
    scgce.tl.tgt(found, COLUMNS, **QUICK)
    scgce.tl.tgt(found, "by_hand", key_added="by_hand", **QUICK)
    return found


def test_it_is_the_run_on_a_column_made_by_hand(adata: ad.AnnData) -> None:
    joined, by_hand = adata.uns["tgt"], adata.uns["by_hand"]
    assert list(joined["groups"]) == list(by_hand["groups"]) == ["T | stim", "T | ctrl", "B | stim", "B | ctrl"]
    for name in ("deltas", "correctness", "coverage", "judge_knn", "cell_group", "split"):
        np.testing.assert_array_equal(joined[name], by_hand[name])
    assert joined["params"]["groupby"] == "kind | batch"
    assert "kind | batch" not in adata.obs


def test_a_group_can_be_asked_for_by_its_labels(adata: ad.AnnData) -> None:
    by_parts = scgce.get.explanation(adata, B_CTRL, {"batch": "stim", "kind": "B"})
    by_name = scgce.get.explanation(adata, "B | ctrl", "B | stim")
    pd.testing.assert_frame_equal(by_parts, by_name)
    assert by_parts.attrs == by_name.attrs
    for draw in (scgce.pl.explanation, scgce.pl.translation, scgce.pl.dose):
        figure = draw(adata, B_CTRL, B_STIM, return_fig=True, show=False)
        titles = [place.get_title(loc="left") for place in figure.axes]
        assert any("B | ctrl" in title and "B | stim" in title for title in titles), draw
        plt.close(figure)
    with pytest.raises(ValueError, match="expected a label for each of .*kind.*batch"):
        scgce.get.explanation(adata, {"kind": "B"}, B_STIM)
    with pytest.raises(ValueError, match="source=.*never"):
        scgce.get.explanation(adata, {"kind": "B", "batch": "never"}, B_STIM)


def test_two_groups_that_share_no_label_are_a_contrast_only_if_asked_for(adata: ad.AnnData) -> None:
    some = adata.copy()
    how = {"use_rep": "X_pca", "sparsity": 3, "judges": False, "groups": [B_CTRL, "T | stim"]}
    scgce.tl.dbm(some, COLUMNS, **how)
    for read in (scgce.get.contrasts, scgce.pl.contrasts):
        with pytest.raises(ValueError, match="no two explained groups differ only in one of kind, batch"):
            read(some, key="dbm")
    scgce.tl.dbm(some, COLUMNS, **how, pairs=[(B_CTRL, "T | stim")], reference="ctrl")
    frame = scgce.get.contrasts(some, key="dbm")
    assert set(frame["contrast"]) == {"B | ctrl → T | stim"}


def test_everything_reads_it_again_from_a_file(adata: ad.AnnData, tmp_path: Path) -> None:
    adata.write_h5ad(tmp_path / "a.h5ad")
    again = ad.read_h5ad(tmp_path / "a.h5ad")[::-1].copy()
    for reference in (None, adata):
        scgce.tl.evaluate(again, reference=reference)
        before, after = scgce.get.metrics(adata), scgce.get.metrics(again, key="tgt_evaluated")
        np.testing.assert_allclose(after["correctness"], before["correctness"], atol=1e-6)
    scgce.tl.evaluate(again, groupby=COLUMNS, judges=False)
    assert again.uns["tgt_evaluated"]["params"]["groupby"] == "kind | batch"
    scgce.tl.lineages(again, {"T | stim": "T", "T | ctrl": "T", "B | stim": "B", "B | ctrl": "B"}, judges=False)
    scgce.tl.evidence(again, n_permutations=0)
    scgce.tl.stability(again, n_bootstraps=2)
    scgce.report(again, tmp_path / "page.html")
    scgce.tl.rank_genes(again)
    assert list(again.obs["kind | batch"].astype(str)) == list(again.obs["by_hand"].astype(str))
    plt.close(scgce.pl.groups(again, return_fig=True, show=False))
    plt.close(scgce.pl.markers(again, return_fig=True, show=False))


def test_cells_without_a_label_in_one_of_them_take_no_part(adata: ad.AnnData) -> None:
    some = adata.copy()
    some.obs["batch"] = some.obs["batch"].where(np.arange(240) % 8 > 0)
    scgce.tl.dbm(some, COLUMNS, use_rep="X_pca", sparsity=3, judges=False)
    assert (some.uns["dbm"]["split"][::8] == -1).all()
    assert some.uns["dbm"]["sizes"].sum() == 210


def test_a_list_of_one_column_is_that_column(adata: ad.AnnData) -> None:
    one, same = (scgce.tl.dbm(adata, by, use_rep="X_pca", sparsity=3, copy=True) for by in (["kind"], "kind"))
    np.testing.assert_array_equal(one.uns["dbm"]["correctness"], same.uns["dbm"]["correctness"])
    assert one.uns["dbm"]["params"]["groupby"] == "kind"


def test_errors_name_the_column(adata: ad.AnnData) -> None:
    with pytest.raises(KeyError, match="groupby='nothing'"):
        scgce.tl.tgt(adata, ["kind", "nothing"], **QUICK)
    with pytest.raises(ValueError, match="twice"):
        scgce.tl.tgt(adata, ["kind", "kind"], **QUICK)
    with pytest.raises(ValueError, match="groupby"):
        scgce.tl.tgt(adata, [], **QUICK)
    odd = adata.copy()
    odd.obs["kind"] = odd.obs["kind"].cat.rename_categories(["T | 1", "B"])
    with pytest.raises(ValueError, match=r"labels of 'kind' hold ' \| '"):
        scgce.tl.tgt(odd, COLUMNS, **QUICK)


def test_a_column_of_the_joined_name_is_the_groups_or_is_refused(adata: ad.AnnData) -> None:
    same = adata.copy()
    same.obs["kind | batch"] = same.obs["by_hand"].astype(str)
    scgce.tl.tgt(same, COLUMNS, **QUICK, key_added="again")
    assert set(same.uns["again"]["groups"]) == set(adata.uns["tgt"]["groups"])
    for other in (same.obs["by_hand"].where(np.arange(240) > 0), same.obs["kind"], np.arange(240.0)):
        same.obs["kind | batch"] = other
        for tool in (scgce.tl.tgt, scgce.tl.dbm, scgce.tl.panel):
            with pytest.raises(
                ValueError, match=r"groupby=\['kind', 'batch'\]: adata.obs has a column 'kind \| batch'"
            ):
                tool(same, COLUMNS, **({} if tool is scgce.tl.panel else {"use_rep": "X_pca"}))


def test_a_column_of_the_joined_name_that_came_later_is_not_taken_for_the_groups(adata: ad.AnnData) -> None:
    """Every reader of the groups refuses it as explaining does; with the joined labels it says the same as none."""
    later = adata.copy()
    scgce.tl.evaluate(later)
    expected = scgce.get.metrics(later, key="tgt_evaluated")
    later.obs["kind | batch"] = later.obs["by_hand"].astype(str)
    scgce.tl.evaluate(later, key_added="again")
    pd.testing.assert_frame_equal(scgce.get.metrics(later, key="again"), expected)
    later.obs["kind | batch"] = later.obs["by_hand"].to_numpy()[np.arange(240) - 1]
    for read in (
        scgce.tl.evaluate,
        scgce.tl.evidence,
        scgce.tl.stability,
        scgce.tl.rank_genes,
        lambda cells: scgce.tl.evaluate(cells, key="tgt_evaluated", key_added="third"),
        lambda cells: scgce.tl.evaluate(adata.copy(), reference=cells),
        lambda cells: scgce.tl.lineages(cells, {name: name[0] for name in cells.uns["tgt"]["groups"]}),
        lambda cells: scgce.pl.explanation(cells, B_CTRL, B_STIM),
        scgce.pl.groups,
        scgce.pl.markers,
    ):
        with pytest.raises(ValueError, match=r"adata.obs has a column 'kind \| batch', .* with other labels"):
            read(later)
    renamed = later.copy()
    renamed.obs = renamed.obs.rename(columns={"kind | batch": "moved"})
    with pytest.warns(UserWarning, match="240 of the explained cells|other labels than they had; they are used"):
        scgce.tl.evaluate(renamed, groupby="moved", key_added="moved")
    del later.obs["kind"]  # nothing else can be meant
    with pytest.warns(UserWarning, match="other labels than they had"):
        scgce.tl.evaluate(later)


def test_columns_and_numbers_may_stand_in_whatever_holds_several(adata: ad.AnnData) -> None:
    """As `adata.obs.columns[[1, 2]]` and a column of `get.sweep` do."""
    expected = adata.uns["tgt"]
    for hold in (tuple, np.array, pd.Index, lambda values: pd.Series(values, index=[7, 9])):
        again = adata.copy()
        scgce.tl.tgt(again, hold(COLUMNS), **{**QUICK, "sparsity": hold([3, 6])}, key_added="held")
        np.testing.assert_array_equal(again.uns["held"]["deltas"], expected["deltas"])
        scgce.tl.evaluate(again, groupby=hold(COLUMNS), key_added="held")
        np.testing.assert_array_equal(again.uns["held"]["correctness"], expected["correctness"])


def test_lineages_of_joined_groups_have_a_column_of_their_own(adata: ad.AnnData) -> None:
    later = adata.copy()
    scgce.tl.lineages(later, {name: name[0] for name in later.uns["tgt"]["groups"]})
    later.obs["kind | batch"] = "other"
    scgce.tl.evaluate(later, key="lineages")
