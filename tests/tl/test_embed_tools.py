"""What holds for every embedding tool: fields, seed, disk, and that a failed call changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pytest
import scanpy as sc
from scipy import sparse
from tests._files import reread

from scgce.encoders import encoder_from_uns, resolve
from scgce.tl import autoencoder, distill, scvis, umap_loss

Tool = Callable[..., Any]


def _tool(name: str) -> tuple[Tool, dict[str, Any], str]:
    short = {"device": "cpu", "batch_size": 64}
    return {
        "scvis": (scvis, {**short, "n_epochs": 4}, "X_scvis"),
        "autoencoder": (autoencoder, {**short, "n_epochs": 5}, "X_autoencoder"),
        "umap_loss": (umap_loss, {**short, "n_epochs": 4}, "X_umap_loss"),
        "distill": (distill, {**short, "use_rep": "X_umap", "n_steps": 150}, "X_umap_student"),
    }[name]


NAMES = ("scvis", "autoencoder", "umap_loss", "distill")


@pytest.fixture(params=NAMES)
def tool(request: pytest.FixtureRequest) -> tuple[Tool, dict[str, Any], str]:
    return _tool(request.param)


@pytest.fixture(scope="module")
def _cells(_blobs: ad.AnnData) -> ad.AnnData:
    blobs = _blobs.copy()
    scores = blobs.obsm["X_pca"]
    nearest = ((scores[:, None] - scores[None]) ** 2).sum(axis=-1).argsort(axis=1)[:, 1:11]
    rows = np.repeat(np.arange(300), 10)
    graph = sparse.csr_matrix((np.ones(3000, np.float32), (rows, nearest.ravel())), shape=(300, 300))
    blobs.obsp["connectivities"] = graph.maximum(graph.T)
    return blobs


@pytest.fixture
def cells(_cells: ad.AnnData) -> ad.AnnData:
    """The blobs with a neighbour graph made without numba: ten nearest cells in the PCA."""
    return _cells.copy()


@pytest.fixture(scope="module")
def fitted(_cells: ad.AnnData) -> ad.AnnData:
    """The cells after every tool."""
    adata = _cells.copy()
    for name in NAMES:
        call, arguments, _ = _tool(name)
        assert call(adata, **arguments) is None
    return adata


def test_position_and_encoder_agree(fitted: ad.AnnData, tool: tuple[Tool, dict[str, Any], str]):
    cells, (_, _, key) = fitted, tool
    entry = cells.uns[key]
    assert cells.obsm[key].shape == (300, 2)
    assert cells.obsm[key].dtype == np.float32
    assert {"params", "encoder", "gene_means", "units", "history"} == set(entry)
    np.testing.assert_array_equal(encoder_from_uns(entry["encoder"])(cells.X), cells.obsm[key])
    found = resolve(cells, use_rep=key)
    if key == "X_umap_student":  # what is stored is how well the student reproduces its teacher
        assert 0.5 < found.fidelity["r2"] < 1.0
    else:
        assert found.fidelity["r2"] == pytest.approx(1.0)
    np.testing.assert_array_equal(found.genes, cells.var_names)


def test_same_seed_same_bytes(cells: ad.AnnData, fitted: ad.AnnData, tool: tuple[Tool, dict[str, Any], str]):
    call, arguments, key = tool
    second, other = (call(cells, rng=seed, copy=True, **arguments).obsm[key] for seed in (0, 6))
    assert fitted.obsm[key].tobytes() == second.tobytes()
    assert fitted.obsm[key].tobytes() != other.tobytes()
    assert key not in cells.obsm


@pytest.mark.filterwarnings("ignore:Writing zarr v2 data")
@pytest.mark.parametrize("ending", ["h5ad", "zarr"])
def test_the_disk_changes_nothing(fitted: ad.AnnData, tmp_path: Path, ending: str):
    again = reread(fitted, ending, tmp_path)
    for key in (_tool(name)[2] for name in NAMES):
        np.testing.assert_array_equal(resolve(again, use_rep=key)(again.X), fitted.obsm[key])
        assert again.uns[key]["params"]["method"] == fitted.uns[key]["params"]["method"]


def test_a_failed_call_changes_nothing(cells: ad.AnnData, tool: tuple[Tool, dict[str, Any], str]):
    call, arguments, _ = tool
    obsm, uns, varm = set(cells.obsm), set(cells.uns), set(cells.varm)
    for wrong in ({"batch_size": 0}, {"learning_rate": -1.0}, {"patience": -1}, {"layer": "none"}, {"device": "x"}):
        with pytest.raises((ValueError, KeyError), match="|".join([*wrong, str(next(iter(wrong.values())))])):
            call(cells, **{**arguments, **wrong})
    assert (set(cells.obsm), set(cells.uns), set(cells.varm)) == (obsm, uns, varm)


def test_three_dimensions(cells: ad.AnnData):
    for call, arguments, key in (_tool("scvis"), _tool("autoencoder"), _tool("umap_loss")):
        call(cells, n_components=3, **{**arguments, "n_epochs": 1})
        assert cells.obsm[key].shape == (300, 3)


def test_umap_reads_the_graph_it_is_told(cells: ad.AnnData):
    _, arguments, _ = _tool("umap_loss")
    cells.obsp["other"] = sparse.identity(300, format="csr")
    cells.uns["mine"] = {"connectivities_key": "other"}
    with pytest.raises(ValueError, match="no edges"):
        umap_loss(cells, neighbors_key="mine", **arguments)
    with pytest.raises(KeyError, match=r"neighbors_key='mime'.*did you mean 'mine'"):
        umap_loss(cells, neighbors_key="mime", **arguments)
    del cells.obsp["connectivities"]
    with pytest.raises(KeyError, match=r"sc\.pp\.neighbors"):
        umap_loss(cells, **arguments)


def test_umap_does_not_see_how_the_graph_is_stored(cells: ad.AnnData):
    _, arguments, key = _tool("umap_loss")
    arguments["n_epochs"] = 1
    umap_loss(cells, **arguments)
    first = cells.obsm[key].copy()
    graph = cells.obsp["connectivities"]
    coordinates = sparse.coo_matrix(graph)
    order = np.random.default_rng(0).permutation(coordinates.nnz)
    row, column, weight = coordinates.row[order], coordinates.col[order], coordinates.data[order]
    starts = np.argsort(row, kind="stable")  # by rows, in any order within them
    shuffled = sparse.csr_matrix((weight[starts], column[starts], graph.indptr), shape=graph.shape)
    assert not shuffled.has_sorted_indices
    held = shuffled.indices.copy()
    cells.obsp["connectivities"] = shuffled
    umap_loss(cells, **arguments)
    np.testing.assert_array_equal(cells.obsm[key], first)
    np.testing.assert_array_equal(cells.obsp["connectivities"].indices, held)


def test_umap_keeps_the_shape_of_its_similarity(cells: ad.AnnData):
    umap_loss(cells, min_dist=0.1, **_tool("umap_loss")[1])
    params = cells.uns["X_umap_loss"]["params"]
    distance = np.linspace(0.0, 3.0, 50)
    wanted = np.where(distance < 0.1, 1.0, np.exp(-(distance - 0.1)))
    np.testing.assert_allclose(1 / (1 + params["a"] * distance ** (2 * params["b"])), wanted, atol=0.06)


@pytest.mark.slow  # to import umap takes as long as all tests of this file
@pytest.mark.filterwarnings("ignore:Tensorflow not installed:ImportWarning")
def test_umap_has_the_similarity_of_umap_learn(cells: ad.AnnData):
    umap = pytest.importorskip("umap.umap_")
    for spread, min_dist in ((1.0, 0.1), (1.0, 0.0), (2.0, 0.5)):
        umap_loss(cells, spread=spread, min_dist=min_dist, n_epochs=1)
        params = cells.uns["X_umap_loss"]["params"]
        np.testing.assert_allclose([params["a"], params["b"]], umap.find_ab_params(spread, min_dist), rtol=1e-9)


@pytest.mark.parametrize(("name", "value"), [("min_dist", -0.1), ("spread", 0.0), ("negative_sample_rate", 0)])
def test_umap_names_what_it_cannot_use(cells: ad.AnnData, name: str, value: float):
    with pytest.raises(ValueError, match=f"{name}={value}"):
        umap_loss(cells, **{name: value})


@pytest.mark.parametrize("name", ["n_components", "batch_size", "patience"])
def test_fractions_of_a_cell_are_refused(cells: ad.AnnData, name: str):
    with pytest.raises(TypeError, match=f"{name}=2.5"):
        autoencoder(cells, **{name: 2.5})


def test_distill_from_genes_stores_its_fidelity(cells: ad.AnnData):
    distill(cells, "umap", basis="X", n_pcs=10, hidden=(32,), n_steps=400, device="cpu", key_added="student")
    entry = cells.uns["student"]
    assert entry["encoder"]["W"].shape == (60, 10)
    assert entry["encoder"]["fidelity"]["r2"] > 0.8
    assert entry["params"]["use_rep"] == "X_umap"
    assert entry["params"]["hidden"].tolist() == [32]


@pytest.mark.parametrize(("rng", "stored"), [(3, 3), (np.int64(3), 3), (np.random.default_rng(3), -1)], ids=str)
def test_the_seed_is_stored(cells: ad.AnnData, rng: object, stored: int):
    autoencoder(cells, rng=rng, n_epochs=1, key_added="Z")
    distill(cells, "umap", rng=rng, n_steps=50, key_added="s")
    assert cells.uns["Z"]["params"]["seed"] == cells.uns["s"]["params"]["seed"] == stored


@pytest.mark.parametrize(("n_dims", "given", "used"), [(2, None, 1.0), (6, None, 0.25), (6, 0.5, 0.5)])
def test_distill_disturbs_its_input_by_the_dimensions(cells: ad.AnnData, n_dims: int, given: float | None, used: float):
    cells.obsm["Z"] = cells.obsm["X_pca"][:, :n_dims]
    distill(cells, "Z", noise=given, n_steps=50, key_added="s")
    assert cells.uns["s"]["params"]["noise"] == used


def test_on_real_cells_the_map_keeps_the_labels(pbmc68k: ad.AnnData):
    sc.pp.pca(pbmc68k, n_comps=30)
    scvis(pbmc68k, n_epochs=60, batch_size=256, device="cpu")
    labels = pbmc68k.obs["bulk_labels"].cat.codes.to_numpy()

    def agreement(Z: np.ndarray) -> float:
        nearest = ((Z[:, None] - Z[None]) ** 2).sum(axis=-1).argsort(axis=1)[:, 1:16]
        return float((labels[nearest] == labels[:, None]).mean())

    assert agreement(pbmc68k.obsm["X_scvis"]) > agreement(pbmc68k.obsm["X_umap"]) - 0.05
