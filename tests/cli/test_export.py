from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scgce import get
from scgce.cli._tables import TABLES, tsv, write_table


def _read(text: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text), sep="\t", na_values="NA", keep_default_na=False)


def test_every_table_holds_what_get_gives(call: Callable, explained: ad.AnnData, explained_file: Path) -> None:
    folder = explained_file.parent / "tables"
    done = call("export", "-i", explained_file, "-o", folder)
    assert done.code == 0, done.err
    assert done.out == ""
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{name}.tsv" for name in TABLES)
    expected = {
        "explanations": get.pairs(explained),
        "metrics": get.metrics(explained),
        "sweep": get.sweep(explained),
        "markers": get.markers(explained),
        "panel": get.panel(explained),
    }
    for name, frame in expected.items():
        found = _read((folder / f"{name}.tsv").read_text(encoding="utf-8"))
        pd.testing.assert_frame_equal(found, frame, check_dtype=False, rtol=1e-6)


def test_deltas_are_the_basis_in_long_form(call: Callable, explained: ad.AnnData, explained_file: Path) -> None:
    done = call("export", "-i", explained_file, "-o", "-", "-t", "deltas", "--sparsity", 2)
    long = _read(done.out)
    wide = get.deltas(explained, sparsity=2)
    assert len(long) == np.count_nonzero(wide.to_numpy())
    for row in long.itertuples():
        assert row.delta == pytest.approx(wide.loc[row.group, row.gene], rel=1e-6)


def test_one_pair_on_stdout(call: Callable, explained: ad.AnnData, explained_file: Path) -> None:
    source, target = explained.uns["tgt"]["groups"][:2]
    options = ("-t", "explanations", "--source", source, "--target", target)
    done = call("export", "-i", explained_file, "-o", "-", *options)
    assert done.code == 0, done.err
    expected = get.explanation(explained, source, target)
    pd.testing.assert_frame_equal(_read(done.out), expected, check_dtype=False, rtol=1e-6)


def test_parquet_is_exact(call: Callable, explained: ad.AnnData, explained_file: Path) -> None:
    pytest.importorskip("pyarrow")
    folder = explained_file.parent / "tables"
    assert call("export", "-i", explained_file, "-o", folder, "--format", "parquet", "-t", "metrics, sweep").code == 0
    pd.testing.assert_frame_equal(
        pd.read_parquet(folder / "metrics.parquet"), get.metrics(explained), check_dtype=False
    )
    assert sorted(path.name for path in folder.iterdir()) == ["metrics.parquet", "sweep.parquet"]


def test_parquet_without_pyarrow_says_so(call: Callable, explained_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    done = call("export", "-i", explained_file, "-o", explained_file.parent / "t", "--format", "parquet", "-t", "sweep")
    assert done.code == 2
    assert "pip install pyarrow" in done.err


@pytest.mark.parametrize(
    "options, said",
    [
        (("-o", "-"), "choose one table"),
        (("-o", "-", "-t", "sweep", "--format", "parquet"), "as TSV"),
        (("-o", "x", "-t", "sweeps"), "table='sweeps': expected some of explanations, metrics"),
        (("-o", "x", "--source", "A"), "go together"),
        (("-o", "x", "-t", "sweep", "--source", "A", "--target", "B"), "add it to --table"),
        (("-o", "-", "-t", "sweep", "--key", "tgd"), "key='tgd' not in the scgce results"),
        (("-o", "-", "-t", "metrics", "--sparsity", "4"), "sparsity='4'"),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    call: Callable, explained_file: Path, options: tuple[str, ...], said: str
) -> None:
    done = call("export", "-i", explained_file, *options)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert said.replace("'4'", "4") in done.err


def test_a_file_is_not_taken_for_a_folder(call: Callable, explained_file: Path) -> None:
    file = explained_file.parent / "notes.txt"
    file.write_text("mine")
    assert call("export", "-i", explained_file, "-o", file).code == 4
    assert file.read_text() == "mine"


def test_text_is_the_same_for_the_same_values() -> None:
    frame = pd.DataFrame({"gene": ["a\tb", 'say "x"', "NA"], "delta": [0.1, np.float32(1 / 3), np.nan], "n": [1, 2, 3]})
    assert tsv(frame) == 'gene\tdelta\tn\n"a\tb"\t0.1\t1\n"say ""x"""\t0.3333333\t2\nNA\tNA\t3\n'


def test_lines_end_the_same_everywhere(tmp_path: Path) -> None:
    write_table(pd.DataFrame({"x": [1]}), tmp_path / "t.tsv")
    assert (tmp_path / "t.tsv").read_bytes() == b"x\n1\n"
