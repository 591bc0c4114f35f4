from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scgce
import scgce.encoders
from scgce.cli import _values
from scgce.cli._errors import UsageError

from .conftest import QUICK


def test_the_command_is_the_function(call: Callable, blobs: ad.AnnData, cells_file: Path) -> None:
    output = cells_file.parent / "out.h5ad"
    done = call("tgt", "-i", cells_file, "-o", output, *QUICK, "--amplitude", "none", "--epsilon", "max", "--seed", 4)
    assert done.code == 0, done.err
    assert done.out == ""
    scgce.tl.tgt(
        blobs,
        "group",
        use_rep="X_pca",
        sparsity=[3, 6],
        method="truncate",
        amplitude=None,
        epsilon="max",
        judges=False,
        rng=4,
    )
    found = ad.read_h5ad(output)
    np.testing.assert_array_equal(found.uns["tgt"]["deltas"], blobs.uns["tgt"]["deltas"])
    assert found.uns["tgt"]["params"] == blobs.uns["tgt"]["params"]


@pytest.mark.thorough  # a process of its own knows no shorter path
def test_same_seed_same_bytes_in_every_process(call: Callable, shell: Callable, cells_file: Path) -> None:
    folder = cells_file.parent
    for name, run in (("a.h5ad", shell), ("b.h5ad", call), ("c.zarr", call)):
        done = run("tgt", "-i", cells_file, "-o", folder / name, *QUICK, "--seed", 1)
        assert done.code == 0, done.err
        assert call("export", "-i", folder / name, "-o", folder / name[0]).code == 0
    tables = sorted((folder / "a").iterdir())
    assert len(tables) == 6
    for table in tables:
        for other in "bc":
            assert table.read_bytes() == (folder / other / table.name).read_bytes(), table.name


def test_groups_and_difference_of_means(call: Callable, cells_file: Path) -> None:
    output = cells_file.parent / "out.h5ad"
    options = ("--method", "dbm", "--groups", '"B/1", NK', "--sparsity", "4", "--no-judges")
    assert call("tgt", "-i", cells_file, "-o", output, "-g", "group", "-r", "X_pca", *options).code == 0
    entry = ad.read_h5ad(output).uns["dbm"]
    assert list(entry["groups"]) == ["B/1", "NK"]
    assert entry["params"]["method"] == "dbm"


def test_an_encoder_from_a_file(call: Callable, blobs: ad.AnnData, cells_file: Path) -> None:
    folder = cells_file.parent
    scgce.encoders.save_safetensors(scgce.encoders.linear_from_pca(blobs, "X_pca"), folder / "r.safetensors")
    options = ("-g", "group", *QUICK[4:], "--nonnegative", "--penalty", "gene")
    done = call("tgt", "-i", cells_file, "-o", folder / "out.h5ad", "--encoder", folder / "r.safetensors", *options)
    assert done.code == 0, done.err
    params = ad.read_h5ad(folder / "out.h5ad").uns["tgt"]["params"]
    assert (params["use_rep"], params["penalty"]) == ("", 0.0)
    done = call("tgt", "-i", cells_file, "-o", folder / "out.h5ad", "--encoder", folder / "none.safetensors", *options)
    assert done.code == 3
    assert done.err.count("\n") == 1


def test_the_input_stays_as_it_was(call: Callable, cells_file: Path) -> None:
    before = cells_file.read_bytes()
    assert call("tgt", "-i", cells_file, "-o", cells_file.parent / "out.h5ad", *QUICK).code == 0
    assert cells_file.read_bytes() == before


def test_log_goes_to_stderr_and_quiet_silences_it(call: Callable, cells_file: Path) -> None:
    few = ad.read_h5ad(cells_file)[:60].copy()
    few.write_h5ad(cells_file)
    said = call("tgt", "-i", cells_file, "-o", cells_file.parent / "out.h5ad", *QUICK)
    assert (said.code, said.out) == (0, "")
    assert "scgce: " in said.err
    quiet = call("tgt", "-i", cells_file, "-o", cells_file.parent / "out.h5ad", *QUICK, "--quiet")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


@pytest.mark.parametrize("text, value", [("auto", "auto"), ("20", 20), ("5,10", [5, 10]), (" 5 , 10 ", [5, 10])])
def test_sparsities(text: str, value: object) -> None:
    assert _values.sparsities(text) == value


@pytest.mark.parametrize("text", ["", "5,", "a", "1.5"])
def test_sparsities_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="expected auto, a whole number or several"):
        _values.sparsities(text)


def test_numbers_and_words() -> None:
    assert _values.number_or_none("amplitude", "None") is None
    assert _values.number_or_none("amplitude", "2.5") == 2.5
    assert _values.number_or_word("epsilon", None, ("mean",)) is None
    assert _values.number_or_word("epsilon", "mean", ("mean",)) == "mean"
    assert _values.number_or_word("epsilon", "0.5", ("mean",)) == 0.5


def test_names_may_hold_commas_in_quotes() -> None:
    assert _values.names("groups", None) is None
    assert _values.names("groups", 'CD4+/CD25 T Reg, "T, naive"') == ["CD4+/CD25 T Reg", "T, naive"]


def test_pairs_of_interest_with_donors_from_the_command_line(call: Callable, tmp_path: Path) -> None:
    cells, done = tmp_path / "cells.h5ad", tmp_path / "done.h5ad"
    options = ("--n-cells", 600, "--n-genes", 160, "--n-groups", 2, "--n-donors", 6, "--condition", "--seed", 1)
    assert call("simulate", "-o", cells, *options).code == 0
    how = ("-g", "group,condition", "-r", "X_pca", "--pairs", "within:group", "--reference", "ctrl", "--no-judges")
    found = call("tgt", "-i", cells, "-o", done, *how, "--split-by", "donor", "-k", 4, "--method", "truncate")
    assert found.code == 0, found.err
    explained = ad.read_h5ad(done)
    assert explained.uns["tgt"]["params"]["pairs"] == "within:group"
    assert "donor_evidence" in explained.uns["tgt"]
    table = call("export", "-i", done, "-o", "-", "--table", "contrasts")
    frame = pd.read_csv(io.StringIO(table.out), sep="\t")
    assert set(frame["contrast"]) == {"ctrl → stim"} and frame["donors"].gt(0).all()
    folder = tmp_path / "tables"
    assert call("export", "-i", done, "-o", folder).code == 0
    assert (folder / "contrasts.tsv").is_file()
    assert call("plot", "-i", done, "-o", tmp_path / "plots", "--kind", "contrasts").code == 0
    assert (tmp_path / "plots" / "contrasts.png").stat().st_size > 5000
    wrong = call("tgt", "-i", cells, "-o", done, "-g", "group", "-r", "X_pca", "--pairs", "within:nothing")
    assert wrong.code != 0 and "pairs='within:nothing'" in wrong.err
    without = call("tgt", "-i", cells, "-o", done, "-g", "group", "--method", "dbm", "--pairs", "within:group")
    assert without.code != 0 and "pairs" in without.err


def test_donors_left_out_in_turn_from_the_command_line(call: Callable, tmp_path: Path) -> None:
    cells, done = tmp_path / "cells.h5ad", tmp_path / "done.h5ad"
    options = ("--n-cells", 400, "--n-genes", 80, "--n-groups", 2, "--n-donors", 4, "--seed", 1)
    assert call("simulate", "-o", cells, *options).code == 0
    how = ("-i", cells, "-o", done, "-g", "group", "-r", "X_pca", "-k", 4, "--no-judges", "--leave-one-out")
    found = call("tgt", *how, "--split-by", "donor", "--method", "truncate")
    assert found.code == 0, found.err
    evidence = ad.read_h5ad(done).uns["tgt"]["donor_evidence"]
    assert np.isfinite(evidence["left_out_correctness"][:, 0, 1]).all()
    alone = call("tgt", *how)
    assert alone.code == 2 and "--split-by" in alone.err
    baseline = call("tgt", *how, "--split-by", "donor", "--method", "dbm")
    assert baseline.code == 2 and "--leave-one-out: no effect" in baseline.err


def test_pairs_and_sets_from_tables(call: Callable, blobs: ad.AnnData, cells_file: Path) -> None:
    folder = cells_file.parent
    pd.DataFrame({"source": ["B/1", "3"], "target": ["NK", "NK"]}).to_csv(folder / "pairs.tsv", sep="\t", index=False)
    blobs.var["symbol"] = [f"SYM{g}" for g in range(blobs.n_vars)]
    blobs.write_h5ad(cells_file)
    sets = pd.DataFrame({"source": np.repeat(["a", "b"], 20), "target": [f"SYM{g}" for g in range(40)]})
    sets.to_csv(folder / "sets.csv", index=False)
    options = ("-r", "X_pca", "--pairs", folder / "pairs.tsv", "--programs", folder / "sets.csv", "--no-judges")
    command = ("tgt", "-i", cells_file, "-o", folder / "out.h5ad", "-g", "group", *options)
    refused = call(*command)
    assert refused.code == 2 and "gene_symbols='symbol' matches by it" in refused.err
    assert not (folder / "out.h5ad").exists()
    done = call(*command, "--gene-symbols", "symbol")
    assert done.code == 0, done.err
    entry = ad.read_h5ad(folder / "out.h5ad").uns["tgt"]
    assert list(entry["programs"]["names"][:2]) == ["a", "b"]
    named = entry["asked"] @ np.arange(len(entry["groups"]))
    assert entry["asked"].sum() == 4 and set(entry["groups"][named > 0]) <= {"B/1", "NK", "3"}
    missing = call(*command, "--pairs", folder / "none.tsv")
    assert missing.code == 3 and "cannot be read" in missing.err
