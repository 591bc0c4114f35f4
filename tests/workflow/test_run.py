"""One real run on two small samples: killed, resumed, and then nothing left to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scgce import get

from .conftest import Project

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

RUN = "group/k-2-4"
FILES = [
    "explained.h5ad",
    "evaluated.h5ad",
    "report.html",
    *(f"tables/{name}.tsv" for name in ("explanations", "metrics", "sweep", "markers", "panel", "evaluated")),
    *(f"plots/{name}.png" for name in ("groups", "metrics", "sweep")),
]
ROWS = [
    {"sample": "a", "path": "data/a.h5ad", "held_out": "data/b.zarr"},
    {"sample": "b", "path": "data/b.zarr", "use_rep": "X_pca"},
]
TGT = {"method": "truncate", "options": {"judges": False, "validation-fraction": 0.2}}
SETTINGS: dict[str, Any] = {
    "groupings": ["group"],
    "sparsities": ["2, 4"],
    "use_rep": "pca",
    "tgt": TGT,
    "evaluate": {"options": {"judges": False}},
    "device": "cpu",
    "threads": 1,
}


def _times(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def done(big_project: Project, _blobs: ad.AnnData) -> Project:
    """The workflow after a run in which one rule was killed, and a second run."""
    folder = big_project.folder
    (folder / "data").mkdir()
    _blobs[:150].copy().write_h5ad(folder / "data" / "a.h5ad")
    _blobs[150:].copy().write_zarr(folder / "data" / "b.zarr")
    big_project.configure(ROWS, **SETTINGS)
    first = big_project.snakemake("--cores", "2", "--keep-going", kill="tgt --input data/b.zarr")
    assert first.returncode != 0
    results = folder / "results"
    assert (results / "a" / RUN / "report.html").exists()
    assert not (results / "b" / RUN / "explained.h5ad").exists()
    assert not (results / "summary.tsv").exists()
    before = _times(results / "a")
    second = big_project.snakemake("--cores", "2")
    assert second.returncode == 0, second.stderr
    assert _times(results / "a") == before  # the finished part was not computed again
    return big_project


def test_every_file_is_there(done: Project) -> None:
    for sample in "ab":
        for name in FILES:
            assert (done.folder / "results" / sample / RUN / name).stat().st_size > 0, (sample, name)
    logs = sorted((done.folder / "results" / "logs").rglob("*.log"))
    assert len(logs) == 2 * 6 + 1


def test_a_second_run_has_nothing_to_do(done: Project) -> None:
    again = done.snakemake("--cores", "2")
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout + again.stderr


@pytest.mark.parametrize(
    "changes, rules",
    [
        ({"threads": 2}, {}),
        ({"sparsities": ["2, 4", 3]}, {"tgt": 2, "evaluate": 2, "tables": 2, "summary": 1}),
        ({"tgt": TGT | {"amplitude": 2}}, {"tgt": 2, "evaluate": 2, "tables": 2, "summary": 1}),
        ({"evaluate": {}}, {"evaluate": 2, "evaluated_table": 2, "summary": 1}),
    ],
)
def test_a_changed_setting_is_computed_again(done: Project, changes: dict[str, Any], rules: dict[str, int]) -> None:
    done.configure(ROWS, **(SETTINGS | changes))
    plan = done.snakemake("--dry-run", "--cores", "2")
    done.configure(ROWS, **SETTINGS)
    assert plan.returncode == 0, plan.stderr
    counted = dict(re.findall(r"^(\w+) +(\d+)$", plan.stdout + plan.stderr, re.MULTILINE))
    assert {name: int(counted[name]) for name in rules} == rules
    assert "embed" not in counted
    if "tgt" not in rules:
        assert "tgt" not in counted
    if not rules:
        assert "Nothing to be done" in plan.stdout + plan.stderr


def test_a_changed_input_is_computed_again(done: Project) -> None:
    data = done.folder / "data" / "a.h5ad"
    cells = ad.read_h5ad(data)  # another content: the same bytes with a new time are not computed again
    cells.obs["seen"] = True
    cells.write_h5ad(data)
    plan = done.snakemake("--dry-run", "--cores", "2")
    text = plan.stdout + plan.stderr
    assert "input: data/a.h5ad" in text
    assert "input: data/b.zarr\n" not in text


def test_tables_are_those_of_the_files(done: Project) -> None:
    run = done.folder / "results" / "a" / RUN
    explained = ad.read_h5ad(run / "explained.h5ad")
    table = pd.read_csv(run / "tables" / "metrics.tsv", sep="\t")
    np.testing.assert_allclose(table["coverage"], get.metrics(explained)["coverage"], rtol=1e-6)
    assert set(explained.uns["tgt"]["sweep"]["sparsity"]) == {2, 4}
    assert explained.uns["tgt"]["params"]["method"] == "truncate"


def test_held_out_cells_are_scored_where_there_are_some(done: Project) -> None:
    results = done.folder / "results"
    data = {"a": ad.read_zarr(done.folder / "data" / "b.zarr"), "b": ad.read_zarr(done.folder / "data" / "b.zarr")}
    for sample, cells in data.items():
        evaluated = ad.read_h5ad(results / sample / RUN / "evaluated.h5ad")
        assert list(evaluated.obs_names) == list(cells.obs_names)
        table = pd.read_csv(results / sample / RUN / "tables" / "evaluated.tsv", sep="\t")
        expected = get.metrics(evaluated, key="tgt_evaluated")
        np.testing.assert_allclose(table["correctness"], expected["correctness"], rtol=1e-6)


def test_summary_has_a_row_for_every_run(done: Project) -> None:
    summary = pd.read_csv(done.folder / "results" / "summary.tsv", sep="\t")
    assert summary[["sample", "grouping", "sparsity", "n_pairs"]].to_numpy().tolist() == [
        ["a", "group", "2-4", 12],
        ["b", "group", "2-4", 12],
    ]
    table = pd.read_csv(done.folder / "results" / "b" / RUN / "tables" / "metrics.tsv", sep="\t")
    assert summary.loc[1, "correctness"] == pytest.approx(table["correctness"].mean(), abs=1e-6)


def test_inputs_are_as_they_were(done: Project, blobs: ad.AnnData) -> None:
    again = ad.read_h5ad(done.folder / "data" / "a.h5ad")
    assert list(again.uns) == []
    np.testing.assert_array_equal(again.X.toarray(), blobs[:150].X.toarray())
