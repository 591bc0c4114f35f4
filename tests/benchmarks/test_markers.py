"""The markers benchmark: halves, round robin, verdicts; the tables that are committed say what the page says."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks._run import side_by_side  # noqa: E402
from benchmarks.markers import curated, data, judges, tables, tools  # noqa: E402
from benchmarks.markers.__main__ import HERE  # noqa: E402

from scgce.datasets import simulated_cells  # noqa: E402


@pytest.fixture(scope="module")
def task() -> data.Task:
    adata = simulated_cells(240, 40, 3, rng=1)
    return data.halves(adata, 0)


def test_halves_share_no_cell_and_split_every_group(task: data.Task) -> None:
    assert not set(task.choose.obs_names) & set(task.judge.obs_names)
    sizes = [part.obs["group"].value_counts() for part in (task.choose, task.judge)]
    assert (sizes[0] - sizes[1]).abs().max() <= 1


def test_donors_are_not_mixed(task: data.Task) -> None:
    adata = ad.concat([task.choose, task.judge])
    assert data.donors(adata) is None
    adata.obs["donor"] = np.where(np.arange(adata.n_obs) % 2, "a", "b")
    split = data.donors(adata)
    assert split is not None
    assert set(split.choose.obs["donor"]) == {"a"} and set(split.judge.obs["donor"]) == {"b"}


def test_round_robin_takes_turns_and_no_gene_twice() -> None:
    assert tools.round_robin([["a", "b", "c"], ["b", "d"]]) == ["a", "b", "d", "c"]


@pytest.mark.parametrize("name", ["scgce", "t-test", "random genes"])
def test_a_tool_gives_panels_of_the_sizes_asked_for_and_the_judges_score_them(task: data.Task, name: str) -> None:
    panels = tools.TOOLS[name](task.choose.copy(), (3, 6))
    assert {size: len(set(genes)) for size, genes in panels.items()} == {3: 3, 6: 6}
    found = judges.macro_f1(task, panels[6])
    assert set(found) == set(judges.JUDGES) and all(0 <= score <= 1 for score in found.values())


def test_verdicts_compare_with_the_best_other_tool() -> None:
    rows = [
        {"set": "s", "split": str(split), "tool": tool, "size": 5, "genes": "a b"} | dict.fromkeys(judges.JUDGES, f1)
        for split in range(2)
        for tool, f1 in ((tools.OURS, 0.81 + 0.1 * split), ("good", 0.9), ("poor", 0.1))
    ]
    found = tables.verdicts(pd.DataFrame(rows))
    assert found["best_other"].tolist() == ["good"] and found["difference"].tolist() == [pytest.approx(-0.04)]
    assert found["error"].tolist() == [pytest.approx(0.05)] and found["verdict"].tolist() == ["tie"]
    assert found["splits"].tolist() == [2]
    once = {**rows[0], "tool": "slow", "split": "0"} | dict.fromkeys(judges.JUDGES, 0.8)
    assert tables.verdicts(pd.DataFrame([*rows, once]))["best_other"].tolist() == ["good"]
    rows[0].update(dict.fromkeys(judges.JUDGES, 0.9))
    assert tables.verdicts(pd.DataFrame(rows))["verdict"].tolist() == ["first"]


def test_verdicts_of_one_tool_alone_are_none() -> None:
    row = {"set": "a", "split": "0", "tool": "Wilcoxon", "size": 5, "logreg": 0.5, "knn": 0.5, "tree": 0.5}
    assert tables.verdicts(pd.DataFrame([row])).empty


def test_jobs_end_on_their_own_and_one_that_fails_is_said() -> None:
    some = [judges.Job("pbmc68k", "0", tool) for tool in ("random genes", "no such tool")]
    found = dict(side_by_side(partial(judges.rows, sizes=(3, 5)), some, most=2))
    assert found[some[1]] is None
    frame = found[some[0]]
    assert frame is not None
    assert frame["size"].tolist() == [3, 5] and frame["n_genes"].tolist() == [3, 5]
    assert frame[list(judges.JUDGES)].stack().between(0, 1).all() and (frame["megabytes"] >= 0).all()


@pytest.mark.skipif(not (HERE / "panels.csv").exists(), reason="no results have been made")
def test_committed_tables_follow_from_the_committed_rows(tmp_path: Path) -> None:
    done = {name: pd.read_csv(HERE / f"{name}.csv", dtype={"split": str}) for name in ("panels", "curated")}
    tables.save({name: frame[::-1] for name, frame in done.items()}, tmp_path)
    for name in ("panels", "means", "verdicts", "stability", "costs"):
        assert (tmp_path / f"{name}.csv").read_bytes() == (HERE / f"{name}.csv").read_bytes(), name


@pytest.mark.skipif("pbmc3k" not in data.available(), reason="the cells lie beside the project")
def test_blood_types_are_named_by_their_known_markers_and_not_by_housekeeping_genes() -> None:
    lists = curated.LISTS[tools.OURS](data.cells("pbmc3k").copy())
    first = {name: set(genes[: curated.TOP]) for name, genes in lists.items()}
    assert {"CCR7", "IL7R"} <= first["Naive CD4 T"] and "IL7R" in first["Memory CD4 T"] and "CD8A" in first["CD8 T"]
    housekeeping = {"TPT1", "RPL21", "MALAT1", "B2M", "ACTB"}
    assert not any(
        genes & housekeeping or {g for g in genes if g.startswith(("RPL", "RPS"))} for genes in first.values()
    )
