"""Only the pairs that matter: what is asked for, what it changes, and what every reader makes of the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from matplotlib import pyplot as plt
from tests._files import reread

import scgce
from scgce.core.score.cells import Cells
from scgce.pl._codebook import codebook_data

COLUMNS = ["kind", "state"]
QUICK: dict[str, Any] = {"use_rep": "X_pca", "sparsity": (3, 6), "method": "truncate"}
WITHIN: dict[str, Any] = {**QUICK, "pairs": "within:kind", "reference": "ctrl"}
GROUPS = ["T | ctrl", "T | stim", "B | ctrl", "B | stim", "NK | ctrl", "NK | stim"]


@pytest.fixture(scope="module")
def adata() -> ad.AnnData:
    """Three kinds of cells in two states."""
    found = scgce.datasets.simulated_cells(420, 60, 6, rng=1)
    sc.pp.pca(found, n_comps=8)
    code = found.obs["group"].cat.codes.to_numpy()
    found.obs["kind"] = pd.Categorical(np.array(["T", "B", "NK"])[code // 2], ["T", "B", "NK"])
    found.obs["state"] = pd.Categorical(np.array(["ctrl", "stim"])[code % 2])
    found.obs["by_hand"] = pd.Categorical(np.array(GROUPS)[code], GROUPS)
    scgce.tl.tgt(found, COLUMNS, **WITHIN)
    codes = {**WITHIN, "method": "refine", "sparsity": (1, 2), "programs": "profile"}
    scgce.tl.tgt(found, COLUMNS, **codes, key_added="codes")
    return found


def within(names: Any) -> np.ndarray:
    kinds = np.array([str(name).split(" | ")[0] for name in names])
    return (kinds[:, None] == kinds[None, :]) & ~np.eye(len(kinds), dtype=bool)


@pytest.mark.parametrize("key", ["tgt", "codes"])
def test_only_the_pairs_asked_for_are_scored(adata: ad.AnnData, key: str) -> None:
    entry = adata.uns[key]
    asked = within(GROUPS)
    np.testing.assert_array_equal(entry["asked"], asked)
    for name in ("correctness", "coverage", "judge_logreg", "judge_knn"):
        here = ~np.isnan(entry[name])
        np.testing.assert_array_equal(here, asked | np.eye(6, dtype=bool), name)
        np.testing.assert_array_equal(~np.isnan(entry["sweep"][name]), np.stack([here, here]), name)
    frame = scgce.get.metrics(adata, key=key)
    assert len(frame) == 6
    means = scgce.get.sweep(adata, key=key)
    row = means[means["selected"]].iloc[0]
    assert row["correctness"] == pytest.approx(frame["correctness"].mean())
    assert set(zip(frame["source"], frame["target"], strict=True)) == {
        (GROUPS[i], GROUPS[j]) for i, j in np.argwhere(asked)
    }


def test_the_reference_is_zero_in_every_kind(adata: ad.AnnData) -> None:
    deltas = scgce.get.deltas(adata)
    assert (deltas.loc[[name for name in GROUPS if name.endswith("ctrl")]] == 0).all(axis=None)
    assert adata.uns["tgt"]["params"]["reference"] == "ctrl"
    plain = adata.copy()
    scgce.tl.tgt(plain, COLUMNS, **{**WITHIN, "reference": None})
    for source, target in (("T | ctrl", "T | stim"), ("NK | stim", "NK | ctrl")):
        both = (scgce.get.explanation(one, source, target) for one in (adata, plain))
        pd.testing.assert_frame_equal(*both)
    named = scgce.tl.tgt(plain, COLUMNS, **{**WITHIN, "reference": {"state": "ctrl"}}, copy=True)
    np.testing.assert_array_equal(named.uns["tgt"]["deltas"], adata.uns["tgt"]["deltas"])


def test_a_list_names_pairs_in_any_form_and_both_ways(adata: ad.AnnData) -> None:
    pairs = [
        ("T | ctrl", "T | stim"),
        ({"kind": "B", "state": "stim"}, "B | ctrl"),
        ["NK | ctrl", {"state": "stim", "kind": "NK"}],
    ]
    listed = scgce.tl.tgt(adata, COLUMNS, **{**WITHIN, "pairs": pairs}, copy=True)
    for name in ("deltas", "correctness", "asked"):
        np.testing.assert_array_equal(listed.uns["tgt"][name], adata.uns["tgt"][name])
    assert listed.uns["tgt"]["params"]["pairs"] == "given"


def test_a_frame_of_pairs_is_read_by_its_columns(adata: ad.AnnData) -> None:
    listed = [("T | ctrl", "T | stim"), ("B | stim", "B | ctrl"), ("NK | ctrl", "NK | stim")]
    frame = pd.DataFrame(listed, columns=["source", "target"]).astype("category")
    forms = (scgce.get.pairs(adata), scgce.get.metrics(adata), frame[["target", "source"]].assign(note=1), set(listed))
    for pairs in (*forms, pd.MultiIndex.from_frame(frame)):
        found = scgce.tl.tgt(adata, COLUMNS, **{**WITHIN, "pairs": pairs}, judges=False, copy=True)
        np.testing.assert_array_equal(found.uns["tgt"]["asked"], adata.uns["tgt"]["asked"])
        np.testing.assert_array_equal(found.uns["tgt"]["deltas"], adata.uns["tgt"]["deltas"])


@pytest.mark.parametrize("tool", ["tgt", "dbm"])
def test_another_frame_is_refused_in_one_line(adata: ad.AnnData, tool: str) -> None:
    for bad, said in (
        (pd.DataFrame({"from": [GROUPS[0]] * 50, "to": [GROUPS[1]] * 50}), "pairs has the columns from, to; expected"),
        (pd.DataFrame({"source": ["T | ctrl"], "target": [np.nan]}), "pairs=nan not in the groups"),
        (pd.Series([GROUPS[0]] * 50), "pairs=0 T . ctrl"),
    ):
        with pytest.raises(ValueError, match=said) as found:
            getattr(scgce.tl, tool)(adata, COLUMNS, use_rep="X_pca", sparsity=3, pairs=bad)
        assert "\n" not in str(found.value) and len(str(found.value)) < 300


def test_a_column_made_by_hand_and_a_column_of_kinds_give_the_same(adata: ad.AnnData) -> None:
    by_hand = scgce.tl.tgt(adata, "by_hand", **{**WITHIN, "reference": None}, copy=True)
    joined = scgce.tl.tgt(adata, COLUMNS, **{**WITHIN, "reference": None}, copy=True)
    for name in ("deltas", "correctness", "judge_knn", "asked"):
        np.testing.assert_array_equal(by_hand.uns["tgt"][name], joined.uns["tgt"][name])


def test_all_pairs_in_a_list_are_all_pairs(adata: ad.AnnData) -> None:
    every = [(one, other) for one in GROUPS for other in GROUPS if one < other]
    listed, plain = (scgce.tl.tgt(adata, COLUMNS, **QUICK, pairs=pairs, copy=True) for pairs in (every, "all"))
    assert "asked" not in listed.uns["tgt"]
    np.testing.assert_array_equal(listed.uns["tgt"]["deltas"], plain.uns["tgt"]["deltas"])


@pytest.mark.parametrize("method", ["refine", "refine_consistent", "path"])
def test_every_method_takes_pairs_and_keeps_its_promise(adata: ad.AnnData, method: str) -> None:
    found = scgce.tl.tgt(adata, COLUMNS, **{**WITHIN, "sparsity": 4, "method": method}, judges=False, copy=True)
    counts = found.uns["tgt"]["n_genes"]
    assert counts.max() <= 4
    assert (counts[~within(GROUPS)] == 0).all()
    means, deltas = scgce.get.pairs(found), found.uns["tgt"]["deltas"]
    assert (means["delta"].abs() <= 3 * means["mean_difference"].abs() * (1 + 1e-5)).all()
    assert (np.sign(means["delta"]) == np.sign(means["mean_difference"])).all()
    if method != "refine":
        for i, j in np.argwhere(within(GROUPS)):
            assert ((deltas[j] - deltas[i]) != 0).sum() <= 4


@pytest.mark.parametrize("name", ["dbm", "random_genes", "marker_tests", "lasso"])
def test_baselines_explain_the_same_pairs_as_they_do_among_all(adata: ad.AnnData, name: str) -> None:
    some, asked, tool = adata.copy(), within(GROUPS), getattr(scgce.tl, name)
    how: dict[str, Any] = {"use_rep": "X_pca", "sparsity": 4, "reference": "ctrl", "key_added": "some"}
    tool(some, COLUMNS, **how, pairs="within:kind")
    tool(some, COLUMNS, **{**how, "key_added": "all"})
    entry = some.uns["some"]
    np.testing.assert_array_equal(entry["asked"], asked)
    assert entry["params"]["pairs"] == "within:kind"
    np.testing.assert_array_equal(~np.isnan(entry["correctness"]), asked | np.eye(6, dtype=bool))
    assert set(scgce.get.contrasts(some, key="some")["contrast"]) == {"ctrl → stim"}
    for i, j in np.argwhere(asked):
        one = scgce.get.explanation(some, GROUPS[i], GROUPS[j], key="some")
        if name != "lasso":  # its λ is searched for over the pairs that it explains
            pd.testing.assert_frame_equal(one, scgce.get.explanation(some, GROUPS[i], GROUPS[j], key="all"))
        own = one.set_index("gene")["delta"].reindex(some.var_names).fillna(0)
        # Two groups a kind: the basis nearest to their two explanations, one the opposite of the other, is exact.
        deltas = scgce.get.deltas(some, key="some")
        if name != "dbm":  # its pairs are cut, the basis is not
            back = scgce.get.explanation(some, GROUPS[j], GROUPS[i], key="some").set_index("gene")["delta"]
            mean = (own - back.reindex(some.var_names).fillna(0)) / 2
            np.testing.assert_allclose(deltas.loc[GROUPS[j]] - deltas.loc[GROUPS[i]], mean, atol=1e-5)
    with pytest.raises(ValueError, match="not explained"):
        scgce.get.explanation(some, "B | ctrl", "T | ctrl", key="some")


def test_one_target_a_source_leaves_the_cells_where_they_are(adata: ad.AnnData) -> None:
    """Two groups a kind: every source has one target, and is scored many times on the same cells."""
    found = scgce.tl.tgt(adata, COLUMNS, **{**WITHIN, "sparsity": 6, "method": "refine"}, judges=False, copy=True)
    sweep = scgce.get.sweep(found).iloc[0]
    assert sweep["validation_correctness"] > 0.5 * sweep["correctness"] > 0


@pytest.mark.parametrize(("extension", "whole"), [("h5ad", "tgt"), ("zarr", "codes")])
def test_everything_reads_it_again_from_a_file(adata: ad.AnnData, tmp_path: Path, extension: str, whole: str) -> None:
    again = reread(adata, extension, tmp_path)
    for key in ("tgt", "codes"):
        scgce.tl.evaluate(again, key)
        before, after = scgce.get.metrics(adata, key=key), scgce.get.metrics(again, key=f"{key}_evaluated")
        np.testing.assert_allclose(after["correctness"], before["correctness"], atol=1e-6)
        assert again.uns[f"{key}_evaluated"]["params"]["reference"] == "ctrl"
    scgce.tl.evidence(again, whole, n_permutations=2, n_random=2)
    assert len(scgce.get.evidence(again, key=whole)) == 6
    assert scgce.get.evidence(again, key=whole)["off_manifold"].notna().all()
    scgce.tl.stability(again, whole, n_bootstraps=2)
    pairs = scgce.get.stability(again, key=whole)[["source", "target"]].drop_duplicates()
    assert len(pairs) == 6
    assert (pairs["source"].str.split(" | ").str[0] == pairs["target"].str.split(" | ").str[0]).all()
    scgce.report(again, tmp_path / "page.html", key=whole)
    some = again[again.obs["kind"] != "NK"].copy()
    scgce.tl.evaluate(some, reference=again)
    assert len(scgce.get.metrics(some, key="tgt_evaluated")) == 4


def test_every_reader_bears_it(adata: ad.AnnData) -> None:
    pair = {"source": "B | ctrl", "target": "B | stim"}
    for name, options in {
        "metrics": {"metrics": ("correctness", "judge_knn", "n_genes"), "order": "cluster"},
        "explanation": pair,
        "translation": pair,
        "codebook": {"key": "codes"},
        "embedding_shift": {"basis": "X_pca"},
        **{name: {} for name in ("levels", "heatmap", "sweep", "markers", "path")},
    }.items():
        figure, ax = plt.subplots()  # given Axes leave the layout, which takes most of the time, to their owner
        getattr(scgce.pl, name)(adata, ax=ax, **options)
        plt.close(figure)
    assert set(scgce.get.pairs(adata)["source"]) == set(GROUPS)
    assert not scgce.get.panel(adata).empty
    assert not scgce.get.markers(adata).empty
    scgce.tl.rank_genes(adata, key_added="ranked", copy=True)
    with pytest.raises(
        ValueError, match=r"not explained \(pairs='within:kind'\); from 'B \| ctrl' there are: B \| stim"
    ):
        scgce.get.explanation(adata, "B | ctrl", "T | ctrl")


@pytest.mark.parametrize("method", ["path", "truncate", "refine"])
def test_amounts_without_a_bound_are_symmetric_and_sparse(adata: ad.AnnData, method: str) -> None:
    how: dict[str, Any] = {**QUICK, "amplitude": None, "method": method, "sparsity": 4, "judges": False, "clip": None}
    some = adata[adata.obs["kind"] != "NK"].copy()
    scgce.tl.tgt(some, COLUMNS, pairs="within:kind", **how)
    entry = some.uns["tgt"]
    assert entry["n_genes"].max() <= 4 and entry["params"]["amplitude"] == -1
    frame = scgce.get.metrics(some)
    assert len(frame) == 4 and (frame["correctness"] > 0.3).all()
    there, back = (scgce.get.explanation(some, *ends).set_index("gene") for ends in (GROUPS[:2], GROUPS[1::-1]))
    pd.testing.assert_series_equal(there["delta"], -back["delta"].loc[there.index])


def test_the_codebook_shows_what_tells_these_pairs_apart(adata: ad.AnnData) -> None:
    shown = codebook_data(adata, key="codes")
    takes_part = {name for ends in (GROUPS[:2], GROUPS[2:4], GROUPS[4:]) for name in explained_by(adata, *ends)}
    assert set(shown["program"]) == takes_part
    assert list(dict.fromkeys(shown["group"])) == list(adata.uns["codes"]["groups"])


def explained_by(adata: ad.AnnData, source: str, target: str) -> list[str]:
    return list(scgce.get.explanation(adata, source, target, key="codes")["program"])


def test_lineages_of_a_contrast_are_means_of_their_types(adata: ad.AnnData) -> None:
    mapping = {name: ("TB" if name[0] in "TB" else "NK") + name[-7:] for name in GROUPS}
    scgce.tl.tgt(adata, COLUMNS, **{**WITHIN, "method": "path"}, key_added="exact")
    scgce.tl.lineages(adata, mapping, key="exact", judges=False)
    names = ["TB | ctrl", "TB | stim", "NK | ctrl", "NK | stim"]
    frame = scgce.get.metrics(adata, key="lineages")
    assert {(row.source, row.target) for row in frame.itertuples()} == {
        (source, target) for source in names for target in names if source != target and source[:2] == target[:2]
    }
    cells = adata.obs["kind"].value_counts()
    basis = scgce.get.deltas(adata, key="exact")
    shifts = {kind: basis.loc[f"{kind} | stim"] - basis.loc[f"{kind} | ctrl"] for kind in "TB"}
    wanted = (cells["T"] * shifts["T"] + cells["B"] * shifts["B"]) / (cells["T"] + cells["B"])
    found = scgce.get.explanation(adata, "TB | ctrl", "TB | stim", key="lineages").set_index("gene")["delta"]
    np.testing.assert_allclose(found, wanted.loc[found.index], atol=1e-4)
    assert set(wanted.index[wanted.abs() > 1e-4]) <= set(found.index)
    with pytest.raises(ValueError, match="links no two of a, b; expected two lineages with groups of the same sets"):
        scgce.tl.lineages(adata, dict.fromkeys(GROUPS[:2], "a") | dict.fromkeys(GROUPS[2:], "b"))
    del adata.uns["exact"], adata.uns["lineages"], adata.obs["lineages"]


def test_a_group_in_no_pair_is_named(adata: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
    some = adata[~adata.obs["by_hand"].isin(["NK | stim"])].copy()
    scgce.tl.tgt(some, COLUMNS, **WITHIN)
    assert any("NK | ctrl in no pair" in record.getMessage() for record in caplog.records)
    assert len(scgce.get.metrics(some)) == 4


@pytest.mark.parametrize(
    ("pairs", "error", "said"),
    [
        ("within:nothing", KeyError, "pairs='within:nothing'.*did you mean|found: within:kind"),
        ("within:by_hand", ValueError, "leaves no pair"),
        ("within", ValueError, "expected 'all', 'within:column', a list"),
        ([], ValueError, "names no pair"),
        ([("T | ctrl",)], ValueError, "is no .source, target."),
        (["T | ctrl", "T | stim"], ValueError, "is no .source, target."),
        ([("T | ctrl", "T | ctrl")], ValueError, "names one group twice"),
        ([("T | ctrl", "T | none")], KeyError, "pairs='T . none'"),
        ([("T | ctrl", {"kind": "T"})], ValueError, "expected a label for each of"),
        (3, (ValueError, TypeError), "pairs=3"),
    ],
)
def test_errors_say_what_is_accepted(adata: ad.AnnData, pairs: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        scgce.tl.tgt(adata, COLUMNS, **{**WITHIN, "pairs": pairs})


def test_errors_of_references_and_columns(adata: ad.AnnData) -> None:
    with pytest.raises(KeyError, match="reference='nowhere'.*ctrl"):
        scgce.tl.tgt(adata, COLUMNS, **{**WITHIN, "reference": "nowhere"})
    with pytest.raises(ValueError, match=r"group 'ctrl' have 3 labels of 'kind'.*groupby=\['kind', 'state'\]"):
        scgce.tl.tgt(adata, "state", **{**WITHIN, "pairs": "within:kind", "reference": None})
    odd = adata.copy()
    odd.obs["state"] = odd.obs["state"].cat.rename_categories({"ctrl": "T"})
    with pytest.raises(ValueError, match=r"reference='T' is a label of 'kind' and of 'state'; give \{'kind': 'T'\}"):
        scgce.tl.tgt(odd, COLUMNS, **{**WITHIN, "reference": "T"})
    with pytest.raises(ValueError, match="expected a label of one of kind, state"):
        scgce.tl.tgt(adata, COLUMNS, **{**WITHIN, "reference": {"other": "T"}})


def test_fewer_pairs_take_less_time_to_refine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in translated cells of refinement and scores, which do not depend on the machine."""
    found = scgce.datasets.simulated_cells(200, 36, 10, rng=0)
    sc.pp.pca(found, n_comps=6)
    found.obs["kind"] = pd.Categorical(found.obs["group"].cat.codes.to_numpy() // 2)
    several, many = Cells.translate_several, Cells.translate_many
    moved: list[int] = []

    def count_several(self: Cells, group: int, deltas: Any, **how: Any) -> Any:
        moved.append(len(deltas) * (self.slices[group].stop - self.slices[group].start))
        return several(self, group, deltas, **how)

    def count_many(self: Cells, rows: Any, source: Any, *rest: Any, **how: Any) -> Any:
        moved.append(len(source) * rows.shape[1])
        return many(self, rows, source, *rest, **how)

    monkeypatch.setattr(Cells, "translate_several", count_several)
    monkeypatch.setattr(Cells, "translate_many", count_many)
    total = {}
    for pairs in ("within:kind", "all"):
        moved.clear()
        scgce.tl.tgt(found, "group", pairs=pairs, use_rep="X_pca", sparsity=30, judges=False, copy=True)
        total[pairs] = sum(moved)
    assert total["within:kind"] < 0.2 * total["all"], "10 pairs of 90"
