"""The commands around `tgt`: each is its function, from file to file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pytest
import scanpy as sc

import scgce
from scgce.cli import demo
from scgce.cli._threads import VARIABLES, limit_threads


def test_simulate_is_the_same_for_the_same_seed(call: Callable, tmp_path: Path) -> None:
    options = ("--n-cells", 80, "--n-genes", 40, "--n-groups", 3, "--seed", 5)
    for name in "ab":
        assert call("simulate", "-o", tmp_path / f"{name}.h5ad", *options).code == 0
    a, b = (ad.read_h5ad(tmp_path / f"{name}.h5ad") for name in "ab")
    np.testing.assert_array_equal(a.X.toarray(), b.X.toarray())
    np.testing.assert_array_equal(a.obsm["X_pca"], b.obsm["X_pca"])
    assert a.varm["PCs"].shape == (40, 39)
    expected = scgce.datasets.simulated_cells(80, 40, 3, rng=5)
    np.testing.assert_array_equal(a.X.toarray(), expected.X.toarray())


def test_simulate_without_a_representation(call: Callable, tmp_path: Path) -> None:
    assert (
        call("simulate", "-o", tmp_path / "a.zarr", "--n-cells", 30, "--n-genes", 20, "--represent", "none").code == 0
    )
    assert list(ad.read_zarr(tmp_path / "a.zarr").obsm) == []


def test_rank_genes_is_read_by_scanpy(call: Callable, explained: ad.AnnData, explained_file: Path) -> None:
    output = explained_file.parent / "ranked.h5ad"
    done = call("rank-genes", "-i", explained_file, "-o", output, "--key-added", "ranks", "--sparsity", 2)
    assert done.code == 0, done.err
    scgce.tl.rank_genes(explained, key_added="ranks", sparsity=2)
    expected = sc.get.rank_genes_groups_df(explained, None, key="ranks")
    assert sc.get.rank_genes_groups_df(ad.read_h5ad(output), None, key="ranks")["names"].equals(expected["names"])


def test_evaluate_on_other_cells(call: Callable, cells_file: Path, blobs: ad.AnnData) -> None:
    folder = cells_file.parent
    scgce.tl.tgt(blobs, "group", use_rep="X_pca", sparsity=4, method="truncate", judges=False)
    blobs.write_h5ad(folder / "explained.h5ad")
    options = ("-e", folder / "explained.h5ad", "--no-judges", "--key-added", "scores", "--clip", "zero")
    done = call("evaluate", "-i", cells_file, "-o", folder / "scored.h5ad", *options)
    assert done.code == 0, done.err
    fresh = ad.read_h5ad(cells_file)
    scgce.tl.evaluate(fresh, reference=blobs, judges=False, key_added="scores", clip=True)
    found = scgce.get.metrics(ad.read_h5ad(folder / "scored.h5ad"), key="scores")
    np.testing.assert_allclose(found["correctness"], scgce.get.metrics(fresh, key="scores")["correctness"])


def test_evaluate_never_overwrites_the_explanation(call: Callable, cells_file: Path, explained_file: Path) -> None:
    done = call("evaluate", "-i", cells_file, "-o", explained_file, "-e", explained_file)
    assert done.code == 4
    assert "would overwrite" in done.err


@pytest.mark.parametrize("method, key", [("autoencoder", "X_autoencoder"), ("scvis", "map")])
def test_embed_fits_and_places_new_cells(call: Callable, cells_file: Path, method: str, key: str) -> None:
    fitted, placed = cells_file.parent / "fitted.h5ad", cells_file.parent / "placed.h5ad"
    options = ("--method", method, "--epochs", 1, "--batch-size", 64, "--key", key)
    done = call("embed", "-i", cells_file, "-o", fitted, *options)
    assert done.code == 0, done.err
    position = ad.read_h5ad(fitted).obsm[key]
    assert position.shape == (300, 2)
    done = call("embed", "-i", cells_file, "-o", placed, "--like", fitted, "--key", key)
    assert done.code == 0, done.err
    np.testing.assert_allclose(ad.read_h5ad(placed).obsm[key], position, atol=1e-5)


def test_embed_passes_on_what_was_given(call: Callable, cells_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}
    monkeypatch.setattr(scgce.tl, "distill", lambda _, use_rep, **options: seen.update(options, use_rep=use_rep))
    output = cells_file.parent / "out.h5ad"
    assert call("embed", "-i", cells_file, "-o", output, "--method", "distill", "-r", "X_umap", "--seed", 2).code == 0
    assert seen == {"use_rep": "X_umap", "rng": 2, "device": "auto"}
    done = call("embed", "-i", cells_file, "-o", output, "--method", "distill")
    assert done.code == 2
    assert "--use-rep X_umap" in done.err


def test_report_is_a_page(call: Callable, explained_file: Path) -> None:
    page = explained_file.parent / "page.html"
    assert call("report", "-i", explained_file, "-o", page, "--title", "My <cells>").code == 0
    assert "<title>My &lt;cells&gt;</title>" in page.read_text(encoding="utf-8")
    done = call("report", "-i", explained_file, "-o", page.with_suffix(".pdf"))
    assert done.code == 2
    assert "expected a name ending in .html" in done.err


def test_demo_shows_and_writes_what_it_says(call: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tgt = scgce.tl.tgt

    def quick(adata: ad.AnnData, groupby: str, *, rng: int, device: str, **options: Any) -> None:
        assert (groupby, rng, device) == ("bulk_labels", 0, "auto")
        if "programs" in options:
            sets = {f"set {start}": list(adata.var_names[start::8]) for start in range(8)}
            tgt(adata, groupby, **options | {"programs": sets, "sparsity": 2}, judges=False)
            return
        assert options == {"use_rep": "X_umap"}
        sc.pp.pca(adata, n_comps=10)
        tgt(adata, groupby, use_rep="X_pca", sparsity=[5], method="truncate", judges=False)

    monkeypatch.setattr(scgce.tl, "tgt", quick)
    done = call("demo", "-o", tmp_path / "demo", "--quiet")
    assert (done.code, done.err) == (0, "")
    written = [
        "codebook.png",
        "explanation.png",
        "groups.png",
        "metrics.png",
        "pbmc68k.h5ad",
        "report.html",
        "sweep.png",
    ]
    assert sorted(path.name for path in (tmp_path / "demo").iterdir()) == written
    assert all(str(tmp_path / "demo" / name) in done.out for name in written)
    assert f"{demo.SOURCE} → {demo.TARGET}: add delta to cells of {demo.SOURCE}" in done.out
    assert "DBM correctness" in done.out
    assert f"{demo.SOURCE} → {demo.TARGET} (" in done.out
    assert "<-" in done.out


PRINTED = os.environ.get("SCGCE_DEMO")
"""A file with what `scgce demo` printed: `.ci/run` has run it already."""


@pytest.mark.parametrize("printed", [pytest.param(PRINTED, marks=[] if PRINTED else [pytest.mark.slow])])
def test_the_readme_has_the_numbers_of_the_demo(call: Callable, tmp_path: Path, printed: str | None) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| \**(\d+)\**(?: \(selected\))? \|(.*)\|$", readme, re.MULTILINE)
    text = Path(printed).read_text(encoding="utf-8") if printed else call("demo", "-o", tmp_path / "demo").out
    genes, _, _ = text.partition("In gene programmes")
    printed = {row.split()[0]: row for row in genes.splitlines() if row.strip()}
    assert [k for k, _ in shown] == ["5", "10", "20", "50"]
    for k, cells in shown:
        numbers = [float(cell.strip(" *")) for cell in cells.split("|")]
        # Another BLAS may round otherwise.
        first = printed[k].split()[1 : 1 + len(numbers)]
        assert [float(number) for number in first] == pytest.approx(numbers, abs=0.021)
    [selected] = re.findall(r"^\| \*\*(\d+)\*\* \(selected\)", readme, re.MULTILINE)
    assert "<-" in printed[selected]


def test_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba
    import torch

    for variable in VARIABLES:
        monkeypatch.setenv(variable, "7")
    before = numba.get_num_threads(), torch.get_num_threads()
    limit_threads(None)
    assert os.environ["OMP_NUM_THREADS"] == "7"
    try:
        limit_threads(1)
        assert os.environ["OMP_NUM_THREADS"] == "1"
        assert os.environ["NUMBA_NUM_THREADS"] == "7"  # numba has started
        assert (numba.get_num_threads(), torch.get_num_threads()) == (1, 1)
    finally:
        numba.set_num_threads(before[0])
        torch.set_num_threads(before[1])


def test_plot_draws_what_can_be_drawn(call: Callable, explained: ad.AnnData, explained_file: Path) -> None:
    folder = explained_file.parent / "plots"
    assert call("plot", "-i", explained_file, "-o", folder, "--dpi", 40).code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["groups.png", "metrics.png", "sweep.png"]
    source, target = explained.uns["tgt"]["groups"][:2]
    options = ("--kind", "explanation", "--source", source, "--target", target, "--format", "svg")
    assert call("plot", "-i", explained_file, "-o", folder, *options).code == 0
    assert (folder / "explanation.svg").read_text(encoding="utf-8").startswith("<?xml")


@pytest.mark.parametrize(
    "options, said",
    [
        (("--kind", "pie"), "kind='pie': expected some of groups, metrics, sweep, explanation"),
        (("--kind", "explanation"), "give --source and --target"),
        (("--source", "A"), "go together"),
        (("--kind", "groups,codebook"), "explains in genes, not in programmes"),
        (("--key", "panel"), "is a panel of genes, no explanation; scgce.get.panel"),
    ],
)
def test_plot_names_what_it_cannot_draw(
    call: Callable, explained: ad.AnnData, explained_file: Path, options: tuple[str, ...], said: str
) -> None:
    if "panel" in options:
        scgce.tl.panel(explained, "cell_type", 2, min_cells=1, validation_fraction=0)
        explained.write_h5ad(explained_file)
    done = call("plot", "-i", explained_file, "-o", explained_file.parent / "plots", *options)
    assert done.code == 2
    assert said in done.err
    assert not (explained_file.parent / "plots").exists()


def test_pipes_get_utf8_wherever_we_are(shell: Callable, explained: ad.AnnData, tmp_path: Path) -> None:
    explained.var_names = [f"gène{g}" for g in range(explained.n_vars)]
    explained.uns["tgt"]["genes"] = np.array(explained.var_names, dtype=object)
    explained.write_h5ad(tmp_path / "in.h5ad")
    ascii_only = "import sys; sys.stdout.reconfigure(encoding='ascii')"
    done = shell("export", "-i", tmp_path / "in.h5ad", "-o", "-", "-t", "panel", first=ascii_only)
    assert done.code == 0, done.err
    assert "gène" in done.out
