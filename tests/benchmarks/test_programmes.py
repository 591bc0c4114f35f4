"""Tables that grow with `benchmarks._run.grown`, and what `benchmarks.programmes` makes of its rows."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from benchmarks._cells import PLACE
from benchmarks._run import grown, write
from benchmarks.programmes.data import Case, halves
from benchmarks.programmes.methods import Job, ordered, todo
from benchmarks.programmes.scores import SCORES
from benchmarks.programmes.tables import as_many_genes


class Draw(NamedTuple):
    name: str
    seed: int


def drawn(job: Draw) -> pd.DataFrame:
    """A seed below nought fails."""
    return pd.DataFrame({"value": np.random.default_rng(job.seed).random(2), "step": [0, 1]})


def test_a_table_grows_keeps_what_is_there_and_says_what_failed(tmp_path: Path) -> None:
    file, first, second = tmp_path / "t.csv", Draw("a", 0), Draw("b", 1)
    table = grown(drawn, [first], file)
    assert table[["name", "seed", "step"]].to_numpy().tolist() == [["a", 0, 0], ["a", 0, 1]]
    write(table.assign(value=7.0), file)
    table = grown(drawn, [second, first], file, keep=True)
    assert table["name"].tolist() == ["a", "a", "b", "b"], "rows stand where they stood"
    assert (table["value"][:2] == 7.0).all() and (table["value"][2:] < 1.0).all()
    table = grown(drawn, [first], file)
    assert (table["value"] < 1.0).all() and len(table) == 4, "made anew, and the others stay"
    with pytest.raises(SystemExit, match="failed: a -1$"):
        grown(drawn, [Draw("a", -1), Draw("c", 2)], file, most=2)
    assert pd.read_csv(file)["name"].tolist() == ["a", "a", "b", "b", "c", "c"]


def test_every_case_has_its_parts_and_rows_stand_in_one_order() -> None:
    jobs = todo(["paul15", "pbmc68k_reduced"], ["programmes", "random"])
    assert len(jobs) == len(set(jobs)) == 2 * 3 * 3
    assert [job.part for job in jobs] == ["programmes"] * 9 + ["random"] * 9
    assert Job("pbmc68k_reduced", "UMAP", "median", "random") not in jobs
    table = pd.DataFrame(jobs)
    pd.testing.assert_frame_equal(ordered(table).reset_index(drop=True), ordered(table[::-1]).reset_index(drop=True))


def test_random_programmes_are_read_where_they_move_as_many_genes() -> None:
    rows = pd.DataFrame({"method": ["programmes", *["random programmes"] * 2], "sparsity": [5, 2, 5]})
    rows["genes"] = [150.0, 100.0, 300.0]
    for name in SCORES:
        rows[name] = [0.9, 0.2, 0.6]
    assert as_many_genes(rows, 5) == ".30 .30 .30 .30"
    assert as_many_genes(rows, 8) == ""


def test_a_missing_data_set_says_where_it_was_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(PLACE, str(tmp_path))
    with pytest.raises(FileNotFoundError, match=PLACE):
        halves(Case("paul15", "PCA", "median"))
