"""Results in files: written and read, by later releases too; damaged ones are refused; nothing in them is executed."""

from __future__ import annotations

import builtins
import gzip
import pickle
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import anndata as ad
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from tests._files import reread, write_zarr
from tests.contract._api import call, given_axes
from tests.contract.make_release_file import FOLDER, FRAMES
from tests.tl._frozen import frozen

import scgce

READERS = ("get.explanation", "get.metrics", "get.sweep", "get.pairs", "get.evidence", "get.stability", "pl.path")
DEEP = ("tl.evaluate", "tl.rank_genes")
OF_OTHERS = ("evidence", "stability", "path")
"""Parts of an entry that these do not read."""
SOURCES = Path(scgce.__file__).parent


def written_h5ad(adata: ad.AnnData, path: Path) -> ad.AnnData:
    adata.write_h5ad(path)
    return ad.read_h5ad(path)


def written_zarr(version: int) -> Callable[[ad.AnnData, Path], ad.AnnData]:
    def write(adata: ad.AnnData, path: Path) -> ad.AnnData:
        write_zarr(adata, path, version)
        return ad.read_zarr(path)

    return write


@pytest.fixture(scope="module")
def explained(results: ad.AnnData) -> ad.AnnData:
    """The cells with one result: files of zarr hold a folder for every array."""
    adata = results.copy()
    adata.uns = {"tgt": adata.uns["tgt"]}
    del adata.obsm["X_autoencoder"], adata.varm["programs"]
    return adata


@pytest.mark.parametrize("through", [written_h5ad, written_zarr(2), written_zarr(3)], ids=["h5ad", "zarr-2", "zarr-3"])
def test_every_reader_says_the_same_after_a_file(
    explained: ad.AnnData, through: Callable[[ad.AnnData, Path], ad.AnnData], tmp_path: Path
) -> None:
    back = through(explained, tmp_path / "cells")
    again = reread(back, "h5ad" if through is written_h5ad else "zarr", tmp_path)
    for name in READERS:
        if name.startswith("get."):
            pd.testing.assert_frame_equal(call(name, back), call(name, explained))
            pd.testing.assert_frame_equal(call(name, again), call(name, explained))
    call("tl.evaluate", back)
    call("tl.evaluate", explained.copy())
    assert frozen(scgce.get.metrics(back, key="tgt_evaluated")) == frozen(
        scgce.get.metrics(call("tl.evaluate", explained, copy=True), key="tgt_evaluated")
    )


@pytest.mark.parametrize("path", sorted(FOLDER.glob("release-*.h5ad.gz")), ids=lambda path: path.stem)
def test_results_of_every_release_are_read(path: Path, tmp_path: Path) -> None:
    (tmp_path / "cells.h5ad").write_bytes(gzip.decompress(path.read_bytes()))
    adata = ad.read_h5ad(tmp_path / "cells.h5ad")
    wanted = pd.read_csv(path.with_name(path.name.replace(".h5ad.gz", ".csv")), keep_default_na=False, na_values=[""])
    assert path.stat().st_size < 100_000
    for name in FRAMES:
        frame, stored = getattr(scgce.get, name)(adata), wanted[wanted["frame"] == name]
        assert len(frame) == len(stored)
        for column in frame.columns.intersection(stored.columns):
            values = stored[column].to_numpy()
            if pd.api.types.is_numeric_dtype(frame[column]):
                np.testing.assert_allclose(frame[column].astype(float), values.astype(float), rtol=1e-5, err_msg=column)
            else:
                assert frame[column].astype(str).tolist() == [str(value) for value in values]
    call("tl.evaluate", adata)
    np.testing.assert_array_equal(adata.uns["tgt_evaluated"]["correctness"], adata.uns["tgt"]["correctness"])
    for name in ("tl.rank_genes", "tl.lineages"):
        call(name, adata)


def test_there_is_a_file_of_a_release() -> None:
    assert list(FOLDER.glob("release-*.h5ad.gz"))


# --- damaged entries ------------------------------------------------------------------------------------------------

EDITS: dict[str, Callable[[Any], Any]] = {
    "text": lambda _: "edited",
    "half": lambda value: value[: len(value) // 2] if isinstance(value, np.ndarray) and value.ndim else np.zeros(2),
    "empty": lambda _: np.zeros(0),
    "number": lambda _: -7.5,
    "nested": lambda _: {"a": "b"},
}


def places(entry: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in entry.items():
        yield (*above, name)
        if isinstance(value, Mapping):
            yield from places(value, (*above, name))


def edited(entry: Mapping[str, Any], place: tuple[str, ...], edit: Callable[[Any], Any] | None) -> dict[str, Any]:
    changed, (name, *rest) = dict(entry), place
    if rest:
        changed[name] = edited(changed[name], tuple(rest), edit)
    elif edit is None:
        del changed[name]
    else:
        changed[name] = edit(changed[name])
    return changed


SAID = re.compile(r"uns\[|stored encoder|encoder|key=|adata\.(obs|layers)|explanation was made|epsilon|layer")


def refused_clearly(name: str, adata: ad.AnnData, where: str) -> bool:
    """Whether the call was refused; an error must say where the fault is, or what to do."""
    try:
        call(name, adata, **given_axes(name))
    except (ValueError, KeyError) as error:
        if not SAID.search(str(error)):
            pytest.fail(f"{name} after {where}: {type(error).__name__}: {error}")
        return True
    finally:
        plt.close("all")
    return False


@pytest.mark.parametrize("edit", [None, *EDITS], ids=lambda edit: edit or "deleted")
def test_an_edited_entry_is_read_or_refused_clearly(results: ad.AnnData, edit: str | None) -> None:
    refused = 0
    deep = DEEP if edit in (None, "half") else ()
    for place in places(results.uns["tgt"]):
        adata = ad.AnnData(results.X, obs=results.obs, var=results.var, obsm=dict(results.obsm))
        adata.uns["tgt"] = edited(results.uns["tgt"], place, EDITS[edit] if edit else None)
        # What the picture reads; it takes longer than all frames, so it is drawn where a shape may be wrong.
        drawn = place[0] in ("path", "sweep") and edit in (None, "half", "empty")
        for name in (*READERS[: None if drawn else -1], *(deep if place[0] not in OF_OTHERS else ())):
            refused += refused_clearly(name, adata, f"{edit} {'.'.join(place)}")
    assert refused > 50


@pytest.mark.parametrize("entry", [3, "text", {}, {"params": {}}, {"params": {"scgce_version": "9"}}, np.ones(3), []])
def test_a_foreign_entry_is_refused(results: ad.AnnData, entry: Any) -> None:
    adata = results.copy()
    adata.uns["tgt"] = entry
    for name in ("get.metrics", "get.stability", "tl.evaluate", "tl.evidence", "tl.rank_genes", "pl.levels"):
        with pytest.raises(ValueError, match=r"adata\.uns\['tgt'\]"):
            call(name, adata)


def test_a_truncated_file_is_an_error_of_the_reader(results: ad.AnnData, tmp_path: Path) -> None:
    results.write_h5ad(tmp_path / "whole.h5ad")
    whole = (tmp_path / "whole.h5ad").read_bytes()
    (tmp_path / "part.h5ad").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(OSError, match="truncated"):
        ad.read_h5ad(tmp_path / "part.h5ad")


def test_cells_that_are_no_longer_all_there_are_said_so(results: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
    fewer = results[:60].copy()
    for name in ("tl.evaluate", "tl.evidence", "tl.stability", "tl.lineages"):
        caplog.clear()
        call(name, fewer.copy())
        assert "adata lacks 12 of the cells that were explained" in caplog.text
    call("tl.evaluate", fewer, reference=results)
    assert len(scgce.get.metrics(fewer, key="tgt_evaluated")) == 6


# --- nothing is executed --------------------------------------------------------------------------------------------


def test_no_code_is_run_from_a_file(results: ad.AnnData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    back = written_h5ad(results, tmp_path / "cells.h5ad")

    def never(*_: Any, **__: Any) -> Any:
        pytest.fail("code from a file was about to be run")

    for module, names in ((pickle, ("load", "loads", "Unpickler")), (torch, ("load",)), (builtins, ("eval",))):
        for name in names:
            monkeypatch.setattr(module, name, never)
    call("tl.evaluate", back)
    call("get.pairs", back)
    scgce.report(back, tmp_path / "page.html")


def test_the_sources_hold_no_way_to_run_code_from_a_file() -> None:
    ways = re.compile(r"\b(pickle|dill|joblib\.load|torch\.load|marshal|shelve)\b|(?<![\w.])(eval|exec)\(|yaml\.load\(")
    found = {
        f"{path.relative_to(SOURCES)}: {line.strip()}"
        for path in SOURCES.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if ways.search(line.partition("#")[0]) and "allow_pickle=False" not in line
    }
    assert found == set()
