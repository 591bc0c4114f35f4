from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pandas as pd
import pytest

from .conftest import WORKFLOW


@pytest.fixture
def summary() -> ModuleType:
    spec = importlib.util.spec_from_file_location("summary", WORKFLOW / "scripts" / "summary.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _table(folder: Path, run: str, name: str, values: list[float]) -> str:
    path = folder / run / "tables" / f"{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame({"source": list("AB"), "target": ["NA", "A"], "correctness": values})
    frame.to_csv(path, sep="\t", index=False, na_rep="NA")
    return str(path)


def test_means_of_every_run(summary: ModuleType, tmp_path: Path) -> None:
    runs = {"s2/leiden/k-auto": [0.5, 0.7], "s1/cell type/k-5-10": [1.0, float("nan")]}
    metrics = [_table(tmp_path, run, "metrics", values) for run, values in runs.items()]
    scored = [_table(tmp_path, run, "evaluated", [0.0, 0.5]) for run in runs]
    frame = summary.summarise(metrics, scored)
    assert frame.to_dict("list") == {
        "sample": ["s1", "s2"],
        "grouping": ["cell type", "leiden"],
        "sparsity": ["5-10", "auto"],
        "n_pairs": [2, 2],
        "correctness": [1.0, 0.6],
        "evaluated_correctness": [0.25, 0.25],
    }


def test_tables_of_different_runs_are_not_mixed(summary: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zip"):
        summary.summarise([_table(tmp_path, "s/g/k-1", "metrics", [0.0, 0.0])], [])


def test_the_table_is_written(summary: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    job = SimpleNamespace(
        log=[str(tmp_path / "log")],
        input=SimpleNamespace(
            metrics=[_table(tmp_path, "s/g/k-1", "metrics", [1.0, 0.0])],
            evaluated=[_table(tmp_path, "s/g/k-1", "evaluated", [1.0, 1.0])],
        ),
        output=SimpleNamespace(table=str(tmp_path / "summary.tsv")),
    )
    summary.main(job)
    assert (tmp_path / "summary.tsv").read_text() == (
        "sample\tgrouping\tsparsity\tn_pairs\tcorrectness\tevaluated_correctness\ns\tg\t1\t2\t0.5\t1\n"
    )
