"""``scgce evidence`` and ``scgce stability`` are the tools from file to file, with a table beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scgce

TOLD = {"check_dtype": False, "rtol": 1e-6}


@pytest.fixture
def file(blobs: ad.AnnData, tmp_path: Path) -> Path:
    blobs.obs["donor"] = pd.Categorical([f"d{number}" for number in np.arange(blobs.n_obs) // 4 % 6])
    blobs.var["symbol"] = [f"SYM{g}" for g in range(blobs.n_vars)]
    scgce.tl.tgt(blobs, "group", use_rep="X_pca", sparsity=[4], method="truncate", judges=False, split_by="donor")
    blobs.write_h5ad(tmp_path / "cells.h5ad")
    return tmp_path / "cells.h5ad"


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", na_values="NA", keep_default_na=False)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_evidence_of_pairs_and_over_donors(call: Callable, file: Path, tmp_path: Path) -> None:
    expected, out = ad.read_h5ad(file), tmp_path / "out.h5ad"
    options = ("--n-permutations", 7, "--threshold", 0.9, "--seed", 3, "--table", tmp_path / "pairs.tsv")
    done = call("evidence", "-i", file, "-o", out, *options)
    assert done.code == 0, done.err
    scgce.tl.evidence(expected, n_permutations=7, threshold=0.9, rng=3)
    pd.testing.assert_frame_equal(read(tmp_path / "pairs.tsv"), scgce.get.evidence(expected), **TOLD)
    pd.testing.assert_frame_equal(scgce.get.unexplained(ad.read_h5ad(out)), scgce.get.unexplained(expected))
    done = call("evidence", "-i", file, "-o", out, "--by", "donor", "--interval", 0.9, "--table", tmp_path / "d.tsv")
    assert done.code == 0, done.err
    scgce.tl.evidence(expected, by="donor", interval=0.9)
    pd.testing.assert_frame_equal(read(tmp_path / "d.tsv"), scgce.get.contrasts(expected), **TOLD)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_stability_and_what_export_makes_of_it(call: Callable, file: Path, tmp_path: Path) -> None:
    expected, out = ad.read_h5ad(file), tmp_path / "out.h5ad"
    options = ("--n-bootstraps", 3, "--resample", "donor", "--seed", 2, "--gene-symbols", "symbol")
    done = call("stability", "-i", file, "-o", out, *options, "--table", tmp_path / "genes.tsv")
    assert done.code == 0, done.err
    scgce.tl.stability(expected, n_bootstraps=3, resample="donor", rng=2)
    frame = scgce.get.stability(expected, gene_symbols="symbol")
    pd.testing.assert_frame_equal(read(tmp_path / "genes.tsv"), frame, **TOLD)
    assert call("export", "-i", out, "-o", tmp_path / "tables", "--gene-symbols", "symbol").code == 0
    assert (tmp_path / "tables" / "stability.tsv").read_bytes() == (tmp_path / "genes.tsv").read_bytes()
    assert not (tmp_path / "tables" / "evidence.tsv").exists()
    done = call("export", "-i", out, "-o", "-", "-t", "evidence")
    assert done.code == 2 and "run scgce.tl.evidence" in done.err


@pytest.mark.parametrize(
    "command, options, code, said",
    [
        ("evidence", ("--table", "a.csv"), 2, "expected a name that ends in .tsv or .parquet"),
        ("stability", ("--table", "no/such/a.tsv"), 4, "the folder 'no/such' does not exist"),
        ("panel", ("-g", "x", "--table", "no/such/a.tsv"), 4, "the folder 'no/such' does not exist"),
        ("stability", ("--n-bootstraps", "1"), 2, "--n-bootstraps"),
        ("stability", ("--interval", "2"), 2, "interval=2.0: expected a number between 0 and 1"),
        ("stability", ("--n-jobs", "0"), 2, "n_jobs=0: expected"),
        ("evidence", ("--by", "donor", "--interval", "0"), 2, "interval=0.0: expected"),
        ("evidence", ("--by", "cells"), 2, "--by"),
    ],
)
def test_what_cannot_be_is_refused_before_the_file_is_read(
    call: Callable, tmp_path: Path, command: str, options: tuple[str, ...], code: int, said: str
) -> None:
    (tmp_path / "cells.h5ad").write_text("no HDF5 at all")
    done = call(command, "-i", tmp_path / "cells.h5ad", "-o", tmp_path / "out.h5ad", *options)
    assert (done.code, done.err.count("\n")) == (code, 1)
    assert said in done.err
