"""Markers in the baseline gauge, and panels."""

from __future__ import annotations

import numpy as np
import pytest
from tests._results import blobs, store_result

from scgce import get


@pytest.fixture
def adata():
    return store_result(blobs(6), sparsities=(1, 2, 5), selected=2)


def test_markers_are_differences_to_the_median_group(adata):
    stored = adata.uns["tgt"]
    repeated = np.repeat(stored["deltas"].astype(float), stored["sizes"], axis=0)
    median = np.sort(repeated, axis=0)[(len(repeated) - 1) // 2]
    frame = get.markers(adata)
    assert list(frame.columns) == ["group", "gene", "delta", "mean", "mean_rest", "n_against", "against"]
    for row, group in enumerate(stored["groups"]):
        part = frame[frame["group"] == group]
        expected = stored["deltas"][row] - median
        assert len(part) == np.count_nonzero(expected)
        columns = adata.var_names.get_indexer(part["gene"])
        np.testing.assert_allclose(part["delta"], expected[columns])
        assert part["delta"].abs().is_monotonic_decreasing
    assert frame["group"].drop_duplicates().tolist() == list(stored["groups"])


def test_means_of_the_group_and_of_all_other_cells(adata):
    frame = get.markers(adata, "Dendritic")
    assert set(frame["group"]) == {"Dendritic"}
    inside = (adata.obs["cell_type"] == "Dendritic").to_numpy()
    table = adata.to_df()[frame["gene"]]
    np.testing.assert_allclose(frame["mean"], table[inside].mean(), rtol=1e-5)
    np.testing.assert_allclose(frame["mean_rest"], table[~inside].mean(), rtol=1e-5)


def test_against_names_the_groups_that_a_gene_tells_apart(adata):
    stored = adata.uns["tgt"]
    names = [str(name) for name in stored["groups"]]
    for row in get.markers(adata).to_dict("records"):
        means = stored["means"][:, adata.var_names.get_loc(row["gene"])].astype(float)
        own = means[names.index(row["group"])]
        clear = np.sign(row["delta"]) * (own - means) / np.sqrt(np.abs(own) + np.abs(means) + 0.1)
        expected = [names[j] for j in np.argsort(-clear) if clear[j] >= 0.3]
        assert row["against"] == ", ".join(expected) and row["n_against"] == len(expected)


def test_the_reference_of_the_stored_basis_does_not_matter(adata):
    before = get.markers(adata)
    adata.uns["tgt"]["deltas"] = adata.uns["tgt"]["deltas"] - adata.uns["tgt"]["deltas"][3]
    after = get.markers(adata)
    np.testing.assert_allclose(after["delta"].abs().sort_values(), before["delta"].abs().sort_values(), atol=1e-5)


def test_number_and_sparsity(adata):
    assert get.markers(adata, n_genes=1).groupby("group").size().max() == 1
    assert len(get.markers(adata, sparsity=1)) < len(get.markers(adata))
    with pytest.raises(ValueError, match="n_genes=0"):
        get.markers(adata, n_genes=0)
    with pytest.raises(ValueError, match=r"group='B'.*found: .*CD19\+ B"):
        get.markers(adata, "B")


def panel_value(adata, genes):
    """What the greedy choice maximises, from the tidy frame of all pairs."""
    frame = get.pairs(adata)
    frame["size"] = frame["delta"].abs()
    total = frame.groupby(["source", "target"])["size"].sum()
    held = frame[frame["gene"].isin(genes)].groupby(["source", "target"])["size"].sum().reindex(total.index).fillna(0)
    return (held / total).pow(0.5).sum(), held / total


def test_each_gene_of_the_panel_is_the_best_next_one():
    adata = store_result(blobs(6, n_genes=16), sparsities=(1, 2, 5), selected=2)
    frame = get.panel(adata, 3)
    chosen: list[str] = []
    for record in frame.to_dict("records"):
        value, _ = panel_value(adata, [*chosen, record["gene"]])
        rivals = [panel_value(adata, [*chosen, gene])[0] for gene in adata.var_names]
        assert value == pytest.approx(max(rivals))
        chosen.append(record["gene"])
        _, held = panel_value(adata, chosen)
        assert record["share"] == pytest.approx(held.mean())
        assert record["worst_share"] == pytest.approx(held.min())
        assert held[record["worst_source"], record["worst_target"]] == pytest.approx(held.min())
    assert frame["rank"].tolist() == [1, 2, 3]


def test_panel_counts_pairs(adata):
    frame = get.panel(adata, 100)
    counts = get.pairs(adata).groupby("gene").size() // 2
    assert frame.set_index("gene")["n_pairs"].to_dict() == counts.to_dict()
    assert frame["share"].is_monotonic_increasing
    assert frame["share"].iloc[-1] == pytest.approx(1)


def test_empty_explanations_have_an_empty_panel(adata):
    adata.uns["tgt"]["deltas"][:] = 0
    assert get.panel(adata, 5).empty
    assert get.markers(adata).empty
    with pytest.raises(ValueError, match="n_genes=0"):
        get.panel(adata, 0)
