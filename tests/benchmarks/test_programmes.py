"""Jobs of `benchmarks.programmes`: what is finished stays, and the table is made of the jobs' files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks._cells import PLACE
from benchmarks._run import write
from benchmarks.programmes import jobs, tables
from benchmarks.programmes.data import Case
from benchmarks.programmes.jobs import HALVES, Job

CASES = [Case("pbmc3k", "UMAP", "10,000"), Case("retina (18)", "PCA", "median")]


def rows_of(job: Job, correctness: float) -> pd.DataFrame:
    facts = dict(zip(jobs.KEY, job.key, strict=True))
    return pd.DataFrame([{**facts, "method": job.part, "sparsity": 5, "correctness": correctness}])


def test_a_case_has_its_halves_made_once_and_first() -> None:
    asked = jobs.todo(CASES, ["programmes", "random"], Path("nowhere"), keep=False)
    assert [job.part for job in asked] == [HALVES] * 2 + ["programmes"] * 2 + ["random"] * 2
    random = Job(CASES[0], "random")
    assert set(random.needs()) == {Job(CASES[0], HALVES), Job(CASES[0], "programmes")}
    assert not list(Job(CASES[0], HALVES).needs())
    assert len({job.file(Path()) for job in asked}) == len(asked)


def test_what_is_there_is_kept_or_made_anew(tmp_path: Path) -> None:
    done = Job(CASES[0], "programmes")
    write(rows_of(done, 0.9), done.file(tmp_path))
    assert jobs.todo(CASES, ["programmes"], tmp_path, keep=True) == [
        Job(CASES[1], HALVES),
        Job(CASES[1], "programmes"),
    ]
    assert len(jobs.todo(CASES, ["programmes"], tmp_path, keep=False)) == 4
    assert not done.file(tmp_path).exists()


def test_the_table_prefers_the_files_of_jobs_to_the_earlier_table(tmp_path: Path) -> None:
    new, old = Job(CASES[1], "means"), Job(CASES[0], "programmes")
    earlier = pd.concat([rows_of(new, 0.1), rows_of(old, 0.2)])
    write(earlier, tmp_path / "programmes.csv")
    write(rows_of(new, 0.8), new.file(tmp_path))
    table = jobs.merged(tmp_path)
    assert table["dataset"].tolist() == ["pbmc3k", "retina (18)"]
    np.testing.assert_allclose(table["correctness"], [0.2, 0.8])


def test_random_programmes_are_read_where_they_move_as_many_genes() -> None:
    rows = pd.DataFrame({"method": ["programmes", *["random programmes"] * 2], "sparsity": [5, 2, 5]})
    rows["genes"] = [150.0, 100.0, 300.0]
    for name in tables.SCORES:
        rows[name] = [0.9, 0.2, 0.6]
    assert tables._as_many_genes(rows, 5) == ".30 .30 .30 .30"
    assert tables._as_many_genes(rows, 8) == ""


def test_a_missing_data_set_says_where_it_was_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(PLACE, str(tmp_path))
    with pytest.raises(FileNotFoundError, match=PLACE):
        Case("paul15", "PCA", "median").halves()
