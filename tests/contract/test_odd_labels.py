"""Labels, colours and coordinates as real files hold them, read by everything in the same way."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from matplotlib.colors import to_hex
from tests.contract._api import OF_AN_EXTRA, at_hand

import scgce

CODES = np.arange(300) % 4
LABELS: dict[str, object] = {
    "floats": CODES.astype(float),
    "floats with missing labels": np.where(np.arange(300) < 8, np.nan, CODES.astype(float)),
    "categories of floats": pd.Categorical(CODES.astype(float)),
    "integers": CODES,
    "fractions": CODES / 2,
    "truth values": CODES > 1,
    "nullable integers": pd.array(np.where(np.arange(300) < 8, None, CODES), dtype="Int64"),
    "numbers as text": CODES.astype(str),
    "bytes": np.array([b"a", "b\u00e9".encode(), b"c", b"d"], dtype=object)[CODES],
    "bytes of a fixed length": np.array([b"a", b"b", b"c", b"d"])[CODES],
    "categories of bytes": pd.Categorical(np.array([b"a", b"b", b"c", b"d"], dtype=object)[CODES]),
    "an empty label": np.array(["", "a", "b", "c"])[CODES],
}


def explained(adata: ad.AnnData, labels: object) -> ad.AnnData:
    adata.obs["group"] = pd.Series(labels, index=adata.obs_names)
    scgce.tl.dbm(adata, "group", use_rep="X_pca", sparsity=5, judges=False)
    return adata


@pytest.mark.parametrize("kind", LABELS)
def test_every_reader_knows_the_groups(blobs: ad.AnnData, kind: str, tmp_path: Path) -> None:
    adata = explained(blobs, LABELS[kind])
    adata.write_h5ad(tmp_path / "cells.h5ad")
    adata = ad.read_h5ad(tmp_path / "cells.h5ad")
    names = [str(name) for name in adata.uns["dbm"]["groups"]]
    sizes = dict(zip(names, adata.uns["dbm"]["sizes"].tolist(), strict=True))
    assert sum(sizes.values()) == int(pd.Series(LABELS[kind]).notna().sum())

    figure = scgce.pl.groups(adata, "group", key="dbm", show=False, return_fig=True)
    plt.close(figure)
    frame = scgce.pl._groups.groups_data(adata, "group", scgce.pl._map.cell_map(adata, None, "X_umap"))
    assert frame["group"].value_counts().to_dict() == sizes
    drawn = scgce.pl._explanation.explanation_data(adata, names[0], names[1], key="dbm")
    assert drawn.loc[drawn["state"] == "observed", "group"].value_counts().to_dict() == sizes
    scgce.pl.markers(adata, key="dbm", show=False)
    scgce.pl.embedding_shift(adata, basis="X_pca", key="dbm", show=False)
    plt.close("all")
    scgce.report(adata, tmp_path / "page.html", key="dbm")
    scgce.tl.evaluate(adata, "dbm", judges=False)
    assert [str(name) for name in adata.uns["dbm_evaluated"]["groups"]] == names

    scgce.tl.rank_genes(adata, "dbm")
    fields = adata.uns["rank_genes_groups"]["names"].dtype.names
    assert list(fields) == [name or "(empty)" for name in names]
    assert len(sc.get.rank_genes_groups_df(adata, fields[0])) == adata.n_vars


def test_a_group_is_found_by_number_and_by_name(blobs: ad.AnnData) -> None:
    adata = explained(blobs, LABELS["floats"])
    frames = [scgce.get.explanation(adata, source, 2, key="dbm") for source in ("1", 1, 1.0, np.float32(1))]
    for frame in frames[1:]:
        pd.testing.assert_frame_equal(frame, frames[0])


@pytest.mark.parametrize("kind", ["floats", "fractions"])
def test_every_argument_that_takes_labels_takes_numbers(blobs: ad.AnnData, kind: str) -> None:
    adata = explained(blobs, LABELS[kind])
    values, names = sorted(set(adata.obs["group"])), list(adata.uns["dbm"]["groups"])
    how = {"use_rep": "X_pca", "sparsity": 5, "judges": False}

    def same(make: object) -> None:
        one, other = (make(labels) for labels in (values, names))  # type: ignore[operator]
        pd.testing.assert_frame_equal(one, other)

    def told(adata: ad.AnnData, key: str) -> pd.DataFrame:
        return scgce.get.metrics(adata, key=key)

    def lineages(mapping: dict) -> pd.DataFrame:
        return told(scgce.tl.lineages(adata, mapping, key="dbm", judges=False, copy=True), "lineages")

    def panel(**options: object) -> pd.DataFrame:
        return scgce.get.panel(scgce.tl.panel(adata, "group", 3, copy=True, **options), key="panel")

    def dbm(**options: object) -> pd.DataFrame:
        return told(scgce.tl.dbm(adata, "group", **how, **options, copy=True), "dbm")

    same(lambda labels: dbm(pairs=[(labels[0], labels[2])]))
    same(lambda labels: dbm(pairs=pd.DataFrame({"source": labels[:1], "target": labels[2:3]})))
    same(lambda labels: dbm(groups=[labels[0], labels[2]]))
    same(lambda labels: dbm(reference=labels[2]))
    same(lambda labels: lineages(dict(zip(labels, "AABB", strict=True))))
    same(lambda labels: lineages({"A": labels[:2], "B": labels[2:]}))
    same(lambda labels: panel(pair_weights=pd.DataFrame(1.0, index=labels, columns=labels)))
    same(lambda labels: panel(groups=[labels[0], labels[2]]))
    same(lambda labels: scgce.pl._metrics.metrics_data(adata, order=labels[::-1], key="dbm"))
    same(lambda labels: scgce.get.markers(adata, labels[2], key="dbm"))
    if at_hand(OF_AN_EXTRA):
        scgce.tl.integrated_gradients(adata, "group", use_rep="X_pca", n_pairs=2, n_steps=2)
        same(lambda labels: scgce.get.attributions(adata, labels[0], labels[2]))


def test_fractions_of_several_columns_are_found(blobs: ad.AnnData) -> None:
    adata = blobs.copy()
    adata.obs["dose"], adata.obs["kind"] = CODES % 2 / 2, np.array(["A", "B"])[CODES // 2]
    groupby, how = ["kind", "dose"], {"use_rep": "X_pca", "sparsity": 5, "judges": False, "reference": 0.0}
    scgce.tl.dbm(adata, groupby, **how, pairs=[({"kind": "A", "dose": 0.0}, {"kind": "A", "dose": 0.5})])
    frame = scgce.get.explanation(adata, {"kind": "A", "dose": 0.0}, "A | 0.5", key="dbm")
    assert len(frame) == 5 and adata.uns["dbm"]["params"]["reference"] == "0.0"


def test_a_reference_is_found_by_number_and_by_name(blobs: ad.AnnData) -> None:
    adata = explained(blobs, LABELS["floats"])
    for reference in ("2", 2, 2.0):
        scgce.tl.dbm(adata, "group", use_rep="X_pca", sparsity=5, judges=False, reference=reference)
        assert adata.uns["dbm"]["params"]["reference"] == "2"
        assert not adata.uns["dbm"]["deltas"][2].any()
    adata.obs["half"] = (np.arange(300) % 8 > 3).astype(float)
    how = {"use_rep": "X_pca", "sparsity": 5, "judges": False}
    scgce.tl.dbm(adata, ["group", "half"], reference={"half": 1.0}, **how)
    read = scgce.get.contrasts(adata, key="dbm")["source"].str.split(" | ", regex=False).str[1]
    assert set(read) == {"1"}


def test_a_group_may_be_called_baseline(blobs: ad.AnnData) -> None:
    """The word for the median over groups, and what many studies call the first of two visits."""
    names = ["week 4", "baseline"]
    adata = explained(blobs, np.array([*names, "week 8", "week 9"])[CODES])
    how = {"use_rep": "X_pca", "sparsity": 5, "judges": False}
    scgce.tl.dbm(adata, "group", reference="baseline", **how)
    row = list(adata.uns["dbm"]["groups"]).index("baseline")
    assert not adata.uns["dbm"]["deltas"][row].any()
    again = scgce.tl.evaluate(adata, "dbm", judges=False, copy=True)
    np.testing.assert_array_equal(again.uns["dbm_evaluated"]["deltas"], adata.uns["dbm"]["deltas"])
    typical, own = (
        scgce.pl._heatmap.translations_data(adata, reference=reference, key="dbm").set_index("group")["delta"]
        for reference in ("baseline", {"group": "baseline"})
    )
    assert typical["baseline"].any()
    assert not own["baseline"].any()

    adata.obs["kind"], adata.obs["visit"] = np.array(["B", "T"])[CODES // 2], np.array(names)[CODES % 2]
    scgce.tl.dbm(adata, ["kind", "visit"], pairs="within:kind", reference="baseline", **how)
    assert set(scgce.get.contrasts(adata, key="dbm")["source"]) == {"B | baseline", "T | baseline"}


def test_colours_by_name(blobs: ad.AnnData) -> None:
    given = {"NK": "red", "T cell": "#00ff00", "B/1": (0, 0, 1), "3": "black", "more": "white"}
    blobs.uns["group_colors"] = given
    found = scgce.pl._style.group_colors(blobs, "group", ["3", "NK", "T cell", "B/1"])
    assert found == {name: to_hex(given[name]) for name in found}
    blobs.uns["group_colors"] = {"NK": "red"}  # not for every group: scanpy's own, as with a list that is too short
    assert scgce.pl._style.group_colors(blobs, "group", ["NK"])["NK"] != to_hex("red")


def without_places(adata: ad.AnnData, rows: slice) -> ad.AnnData:
    """As after an outer concatenation with cells that have no map."""
    adata.obsm["X_umap"][rows] = np.nan
    return adata


@pytest.mark.parametrize("draw", ["groups", "explanation", "embedding_shift"])
def test_cells_without_coordinates_are_counted_and_the_others_drawn(blobs: ad.AnnData, draw: str) -> None:
    labels = np.where(np.arange(300) < 50, None, CODES.astype(str))
    adata = without_places(explained(blobs, labels), slice(0, 50))
    if draw == "embedding_shift":  # a map with an encoder: what it draws are the cells as the encoder sees them
        adata.X = adata.X.toarray()
        adata.X[:50, 0] = np.nan
        figure = scgce.pl.embedding_shift(adata, basis="X_pca", key="dbm", show=False, return_fig=True)
    elif draw == "groups":
        figure = scgce.pl.groups(adata, "group", basis="X_umap", show=False, return_fig=True)
    else:
        figure = scgce.pl.explanation(adata, "0", "1", basis="X_umap", key="dbm", show=False, return_fig=True)
    texts = [text.get_text() for place in figure.axes for text in place.texts]
    assert "50 of 300 cells have no place here" in texts
    for place in figure.axes:
        assert np.isfinite([*place.get_xlim(), *place.get_ylim()]).all()
    points = np.concatenate([part.get_offsets() for part in figure.axes[0 if draw != "explanation" else 1].collections])
    assert np.isfinite(np.ma.filled(points, np.nan)).all(axis=1).sum() >= 250
    plt.close(figure)


def test_a_group_without_any_coordinates_has_no_name_on_the_map(blobs: ad.AnnData) -> None:
    blobs.obsm["X_umap"][CODES == 2] = np.nan
    figure = scgce.pl.groups(blobs, "group", basis="X_umap", labels="map", show=False, return_fig=True)
    texts = {text.get_text() for text in figure.axes[0].texts}
    assert "NK" not in texts and {"B/1", "T cell", "3"} <= texts
    plt.close(figure)


def test_the_page_says_how_many_cells_have_no_place(blobs: ad.AnnData) -> None:
    from scgce._report._payload import payload

    adata = without_places(explained(blobs, CODES.astype(str)), slice(0, 50))
    rng = np.random.default_rng(0)
    content = payload(adata, "dbm", title=None, basis="X_umap", max_cells=1000, rng=rng)
    assert {name: content["cells"][name] for name in ("total", "shown", "unplaced")} == {
        "total": 300,
        "shown": 250,
        "unplaced": 50,
    }
