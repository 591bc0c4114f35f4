"""The faithfulness benchmark: what is run, how it is summed up, and that the committed tables say it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scanpy as sc

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.faithfulness import cells, methods, planted, published  # noqa: E402
from benchmarks.faithfulness.__main__ import HERE, SUMMARIES, WORK, jobs  # noqa: E402

import scgce  # noqa: E402
from scgce.datasets import simulated_cells, synthetic  # noqa: E402

RESULTS = HERE / "results"


def test_precision_and_recall_count_genes() -> None:
    precision, recall, copied = planted.recovered(["a", "b", "x", "c1"], {"a", "b", "d", "e"}, {"c1", "c2"})
    assert (precision, recall, copied) == (0.5, 0.5, 0.25)
    assert planted.recovered([], {"a"}, set()) == (0.0, 0.0, 0.0)
    assert planted.recovered(["a"], set(), set())[1] == 0.0


def one_row(method: str, correctness: float, judge: float) -> dict[str, object]:
    scores = {"correctness": correctness, "coverage": 0.5, "judge_logreg": judge, "judge_knn": 0.5}
    return {"dataset": "d", "encoder": "e", "method": method, "sparsity": 5} | scores


def test_wins_are_baselines_above_the_default_by_more_than_the_margin() -> None:
    table = pd.DataFrame(
        [
            one_row(methods.DEFAULT, 0.6, 0.6),
            one_row("t-test", 0.7, 0.602),
            one_row("lasso per pair", 0.5, 0.9),
            one_row("refine, c=5", 0.99, 0.99),
        ]
    )
    found = cells.wins(table)
    assert list(zip(found["method"], found["metric"], strict=True)) == [
        ("t-test", "correctness"),
        ("lasso per pair", "judge_logreg"),
    ]
    assert found["ours"].tolist() == [0.6, 0.6]
    assert len(cells.wins(table, "refine, c=5")) == 0
    counted = cells.counted(table).set_index(["ours", "baseline"])["correctness: baseline above"]
    assert counted[methods.DEFAULT].to_dict() == {name: int(name == "t-test") for name in methods.BASELINES}


def test_the_summary_names_the_baseline_that_does_best() -> None:
    table = pd.DataFrame(
        [one_row(methods.DEFAULT, 0.6, 0.6), one_row("t-test", 0.4, 0.1), one_row("lasso per pair", 0.5, 0.2)]
    )
    (row,) = cells.summary(table).to_dict("records")
    assert row["best baseline"] == "lasso per pair"
    assert [row["c=3: map"], row["best baseline: map"]] == pytest.approx([0.55, 0.5])
    assert [row["c=3: judges"], row["best baseline: judges"]] == pytest.approx([0.55, 0.35])
    assert np.isnan(row["c=∞: map"])


def test_means_and_standard_errors_are_over_repeats_and_seeds() -> None:
    rng = np.random.default_rng(0)
    values = rng.random((5, 4))
    table = pd.DataFrame(values, columns=list(methods.METRICS)).assign(
        dataset="d", method="m", sparsity=1, repeat=range(5)
    )
    found = published.over_repeats(table).iloc[0]
    np.testing.assert_allclose(found["judge_knn_se"], values[:, 3].std(ddof=1) / 5**0.5)
    seeds = pd.DataFrame({"method": "m", "sparsity": 5, "precision": values[:, 0], "seed": range(5)})
    found = planted.over_seeds(seeds).iloc[0]
    assert found["precision"] == pytest.approx(values[:, 0].mean())
    assert found["precision_se"] == pytest.approx(values[:, 0].std(ddof=1) / 5**0.5)


def test_everything_that_is_promised_is_compared() -> None:
    assert set(methods.BASELINES) < set(cells.COMPARED)
    assert set(cells.BY_AMPLITUDE) < set(cells.COMPARED)
    assert methods.DEFAULT in cells.BY_AMPLITUDE
    assert list(SUMMARIES) == list(WORK)
    for part in WORK:
        assert len(set(jobs(part, quick=False))) == len(jobs(part, quick=False))
        assert len(jobs(part, quick=True)) <= 2
    assert len(jobs("planted", quick=False)) == 20


def test_the_scaled_difference_reaches_what_the_sweep_says_of_it() -> None:
    adata = simulated_cells(300, 40, 3, rng=0)
    sc.pp.pca(adata, n_comps=5)
    how = {"use_rep": "X_pca", "sparsity": (2, 5)}
    methods.explain(adata, "group", "difference × factor", **how)
    found = scgce.get.compare(adata, ["difference × factor"])
    scgce.tl.tgt(adata, "group", method="path", amplitude=methods.BOUND, judges=False, **how)
    sweep = scgce.get.sweep(adata)
    assert (sweep["dbm_factor"] > 1).any()
    for name in ("correctness", "coverage"):
        np.testing.assert_allclose(found[name], sweep[f"dbm_scaled_{name}"], atol=1e-6)
    assert found["judge_knn"].notna().all()


def test_a_method_is_stored_under_its_name_and_read_into_rows() -> None:
    adata = synthetic(200, rng=0)
    adata.varm["PCs"] = np.eye(4)[:, :2]
    adata.obsm["X_pca"] = (adata.X - adata.X.mean(axis=0)) @ adata.varm["PCs"]
    for name in ("truncate, c=1.5", "difference of means"):
        methods.explain(adata, "group", name, use_rep="X_pca", sparsity=(1, 2), judges=False)
    assert adata.uns["truncate, c=1.5"]["params"]["amplitude"] == 1.5
    rows = methods.rows(adata, ["truncate, c=1.5", "difference of means"], dataset="causal")
    assert rows["method"].tolist() == ["truncate, c=1.5"] * 2 + ["difference of means"] * 2
    assert rows["sparsity"].tolist() == [1, 2, 1, 2]
    assert (rows["dataset"] == "causal").all()
    assert planted.chosen(adata, "0", "3", "difference of means", 2) in (["x1", "x2"], ["x2", "x1"])


@pytest.mark.parametrize("part", SUMMARIES)
def test_committed_summaries_follow_from_the_committed_tables(part: str) -> None:
    if not (RESULTS / f"{part}.csv").exists():
        pytest.skip("no results have been made")
    table = pd.read_csv(RESULTS / f"{part}.csv")
    for name, make in SUMMARIES[part].items():
        expected = make(table).round(3)
        pd.testing.assert_frame_equal(pd.read_csv(RESULTS / f"{name}.csv").round(3), expected, atol=2e-3)
