"""What is typed: read as it was meant, refused before a file is read, shown within a terminal's width."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scgce.cli import _values
from scgce.cli._config import COMMANDS, read_config

from .conftest import ENVIRONMENT

PRINTED = st.text(st.characters(blacklist_categories=["Cs", "Cc"]))
HARD = ["CD4-positive, alpha-beta T cell", 'the "new" one', " B cell ", "γδ T, naïve", "-1", "--method", '"', '""', " "]


@given(st.lists(PRINTED | st.sampled_from(HARD), min_size=1))
def test_names_between_commas_are_read_back(names: list[str]) -> None:
    assert _values.names("groups", _values.joined(names)) == names


@pytest.mark.parametrize(
    "text, names",
    [
        ("a,b", ["a", "b"]),
        (' a , "b, c" ', ["a", "b, c"]),
        ('5" wide,b', ['5" wide', "b"]),
        ('" a"', [" a"]),
        ('"",b', ["", "b"]),
    ],
)
def test_names_as_people_type_them(text: str, names: list[str]) -> None:
    assert _values.names("groups", text) == names


@given(st.lists(PRINTED | st.sampled_from(HARD), min_size=1, max_size=3, unique=True))
def test_columns_are_read_back_as_names_or_as_the_one_that_is_there(names: list[str]) -> None:
    found = _values.columns(_values.joined(names), names)
    assert found == (names[0] if len(names) == 1 else names)
    assert _values.columns(names[0], names) == names[0]


@pytest.mark.parametrize("text", ["", "a,,b", "a,", '"a" b', " "])
def test_names_that_are_none(text: str) -> None:
    with pytest.raises(_values.UsageError, match=f"^groups={re.escape(repr(text))}: expected"):
        _values.names("groups", text)


def test_lists_in_a_file_are_lists(tmp_path: Path) -> None:
    import yaml

    path = tmp_path / "options.yaml"
    path.write_text(yaml.safe_dump({"groups": HARD, "sparsity": [5, 10]}, allow_unicode=True), encoding="utf-8")
    options = read_config(path, "tgt", {"groups", "sparsity"})
    assert _values.names("groups", options["groups"]) == HARD
    assert _values.sparsities(options["sparsity"]) == [5, 10]


@pytest.mark.parametrize(
    "options, said",
    [
        (("--sparsity", "0"), "sparsity='0': expected auto"),
        (("--sparsity", "5,-1"), "sparsity='5,-1'"),
        (("--amplitude", "-1"), "amplitude='-1': expected a number above 0, or none"),
        (("--amplitude", "nan"), "amplitude='nan'"),
        (("--epsilon", "-2"), "epsilon='-2': expected a number of at least 0 or one of mean, max"),
        (("--penalty", "2"), "penalty='2': expected a number from 0 to 1 or one of pair, gene"),
        (("--groups", "a,,b"), "groups='a,,b': expected names between commas, found none"),
        (("--layer", ""), "layer='': expected a name"),
        (("--key", ""), "key_added='': expected a name"),
        (("--device", "gpu"), "device='gpu': expected auto, cpu, cuda"),
        (("--key", "a/b"), "key_added='a/b': expected a name without '/'"),
        (("--validation-fraction", "0.7"), "--validation-fraction"),
        (("--encoder", "r.safetensors", "--use-rep", "X_pca"), "--encoder and --use-rep: give one of them"),
        (("--method", "dbm", "--amplitude", "2"), "--amplitude: no effect with --method dbm"),
        (("--method", "dbm", "--penalty", "pair", "--nonnegative"), "--nonnegative, --penalty: no effect"),
    ],
)
def test_bad_values_are_refused_before_the_file_is_read(
    call: Callable, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    broken = tmp_path / "cells.h5ad"
    broken.write_text("no HDF5 at all")
    done = call("tgt", "-i", broken, "-o", tmp_path / "out.h5ad", "-g", "x", *options)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    "command, options, said",
    [
        (
            "embed",
            ("--method", "distill", "-r", "X_umap", "--epochs", "3"),
            "--epochs: no effect with --method distill",
        ),
        ("embed", ("--like", "other.h5ad", "--batch-size", "8"), "--batch-size: no effect with --like"),
        ("export", ("--table", "metrics", "--n-genes", "5"), "--n-genes: no effect without the table 'panel'"),
        ("evidence", ("--split-by", "donor", "--interval", "0.9"), "--split-by, --interval: no effect with --by pair"),
        ("evidence", ("--by", "donor", "--n-random", "3"), "--n-random: no effect with --by donor"),
        ("plot", ("--kind", "groups", "--source", "a", "--target", "b"), "--source, --target: no effect"),
    ],
)
def test_options_without_effect_are_refused(
    call: Callable, tmp_path: Path, command: str, options: tuple[str, ...], said: str
) -> None:
    done = call(command, "-i", tmp_path / "none.h5ad", "-o", tmp_path / "out.h5ad", *options)
    assert done.code == 2
    assert said in done.err


def test_an_option_without_effect_in_the_file_is_refused_too(call: Callable, tmp_path: Path) -> None:
    (tmp_path / "o.yaml").write_text("tgt: {method: dbm, mask-var: hvg}\n")
    done = call("tgt", "--config", tmp_path / "o.yaml", "-i", "none.h5ad", "-o", tmp_path / "out.h5ad", "-g", "x")
    assert "--mask-var: no effect with --method dbm" in done.err


@pytest.mark.parametrize("width", [80, 100, 200])
@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help_fits_and_cuts_nothing(
    call: Callable, monkeypatch: pytest.MonkeyPatch, width: int, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = call(*command, "--help").out
    assert max(len(line) for line in text.splitlines()) <= min(width, 100)
    assert "..." not in text.replace("[ARGS]...", "")
    assert "…" not in text.replace(",N…]", "").replace(",NAME…]", "")
    assert not re.search(r"<\w+", text)


def _completed(words: str) -> list[str]:
    environment = ENVIRONMENT | {"_SCGCE_COMPLETE": "complete_bash", "COMP_WORDS": words}
    environment["COMP_CWORD"] = str(len(words.split(" ")) - 1)
    done = subprocess.run(
        [sys.executable, "-m", "scgce"], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    return done.stdout.split()


def test_a_shell_completes_commands_and_names_in_the_file(cells_file: Path) -> None:
    assert {"tgt", "embed", "report"} <= set(_completed("scgce "))
    assert _completed(f"scgce tgt -i {cells_file} --groupby gr") == ["group"]
    assert "X_pca" in _completed(f"scgce tgt -i {cells_file} -r X")
    assert _completed(f"scgce tgt -i {cells_file}.none -r X") == []


def test_a_message_shows_the_path_that_was_given(tmp_path: Path) -> None:
    from scgce.store.atomic import replacing

    path = tmp_path / "report.html"
    with pytest.raises(ValueError, match="cannot write") as caught, replacing(path) as temporary:
        raise ValueError(f"cannot write {temporary}: {temporary.name}")
    assert str(caught.value) == f"cannot write {path}: report.html"
    with pytest.raises(OSError, match="report") as refused, replacing(path) as temporary:
        os.rename(temporary, temporary)
    assert refused.value.filename == str(path)
    assert ".part" not in str(refused.value).replace(str(refused.value.filename2), "")
