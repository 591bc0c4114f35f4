"""Other names of genes: matched by name, own names where there is none, ambiguous ones told apart."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scgce._api.errors import NotFoundError
from scgce._api.symbols import gene_labels, symbols_of, with_symbols

IDS = ["ENSG1", "ENSG2", "ENSG3", "ENSG4", "ENSG5", "MS4A1"]


@pytest.fixture(params=["object", "category", "string"])
def adata(request: pytest.FixtureRequest) -> ad.AnnData:
    names = pd.Series(["CD3E", None, "TBCE", "TBCE", " ", None], index=IDS, dtype="object")
    var = pd.DataFrame({"feature_name": names.astype(request.param), "entrez": range(10, 16)}, index=IDS)
    return ad.AnnData(np.zeros((2, 6), np.float32), var=var)


def test_genes_without_a_symbol_keep_their_name_and_shared_symbols_are_told_apart(adata: ad.AnnData) -> None:
    assert list(symbols_of(adata, IDS, "feature_name")) == ["CD3E", "ENSG2", "TBCE", "TBCE", "ENSG5", "MS4A1"]
    labels = ["CD3E", "ENSG2", "TBCE (ENSG3)", "TBCE (ENSG4)", "ENSG5", "MS4A1"]
    assert list(gene_labels(adata, IDS, "feature_name")) == labels
    assert list(gene_labels(adata, IDS, None)) == IDS
    assert list(gene_labels(adata, ["ENSG3"], "entrez")) == ["12"]
    adata.var["missing"] = adata.var["entrez"].where(adata.var["entrez"] > 10)  # floats now
    adata.var["bytes"] = [symbol.encode() for symbol in "abcdef"]
    assert list(gene_labels(adata, ["ENSG1", "ENSG3"], "missing")) == ["ENSG1", "12"]
    assert list(gene_labels(adata, ["ENSG1", "ENSG3"], "bytes")) == ["a", "c"]


def test_genes_are_matched_by_name_in_whatever_order_and_number(adata: ad.AnnData) -> None:
    fewer = adata[:, ["ENSG4", "MS4A1", "ENSG1"]]
    assert list(gene_labels(fewer, ["ENSG1", "ENSG2", "ENSG3", "ENSG4"], "feature_name")) == [
        "CD3E",
        "ENSG2",  # no longer there
        "ENSG3",
        "TBCE",  # of one gene only
    ]
    assert list(gene_labels(fewer, [], "feature_name")) == []


def test_a_symbol_that_is_another_gene_s_own_name_is_told_apart(adata: ad.AnnData) -> None:
    adata.var["feature_name"] = ["MS4A1", *["other"] * 4, None]
    labels = gene_labels(adata, IDS, "feature_name")
    assert labels[0] == "MS4A1 (ENSG1)" and labels[5] == "MS4A1"
    assert len(set(labels)) == len(labels)


def test_an_unknown_column_and_one_that_the_frame_has_are_refused(adata: ad.AnnData) -> None:
    with pytest.raises(NotFoundError, match="gene_symbols='feature_nam' not in adata.var.*did you mean 'feature_name'"):
        gene_labels(adata, [], "feature_nam")
    frame = pd.DataFrame({"gene": IDS[:2], "delta": [1.0, 2.0]})
    found = with_symbols(frame.copy(), adata, "feature_name")
    assert list(found.columns) == ["gene", "feature_name", "delta"]
    adata.var["delta"] = "x"
    with pytest.raises(ValueError, match="gene_symbols='delta' is also the name of a column"):
        with_symbols(frame, adata, "delta")
