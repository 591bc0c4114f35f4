"""Wherever genes are shown, they can be shown by another name, as in scanpy."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import anndata as ad
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from tests.contract._api import N_GENES, call, function, given_axes, public, tiny
from tests.tl._frozen import frozen

import scgce

COLUMN = "feature_name"
GENE = re.compile(r"\bgene\d+\b")
WORD = re.compile(r"\b[^\W\d]\w*")
# What else of a result names genes: one pair's comparison, all genes' amounts by programme.
OPTIONS: dict[str, dict[str, Any]] = {"pl.compare": {"source": "B/1", "target": "T cell"}}


@pytest.fixture(scope="module")
def ready(results: ad.AnnData) -> ad.AnnData:
    """Results of genes that were reordered since."""
    adata = results.copy()
    adata.var[COLUMN] = pd.Categorical([f"SYM{g}" for g in range(N_GENES)])
    return adata[:, adata.var_names[::-1]].copy()


def texts(figure: Any) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def takes(name: str) -> bool:
    return "gene_symbols" in inspect.signature(function(name)).parameters


@pytest.mark.parametrize("name", [name for name in public() if name.startswith("pl.")])
def test_every_picture_that_names_genes_names_them_by_their_symbols(ready: ad.AnnData, name: str) -> None:
    options = OPTIONS.get(name, {})
    plain = texts(call(name, ready, return_fig=True, **given_axes(name), **options))
    assert bool(GENE.search(plain)) == takes(name)
    if takes(name):
        shown = texts(call(name, ready, return_fig=True, gene_symbols=COLUMN, **given_axes(name), **options))
        expected = GENE.sub(lambda found: ready.var[COLUMN].get(found[0], found[0]), plain)
        # numbers on the axes are as many as have room beside the names
        assert sorted(WORD.findall(shown)) == sorted(WORD.findall(expected))
    plt.close("all")


@pytest.mark.parametrize("name", [name for name in public() if name.startswith("get.")])
def test_every_frame_of_genes_has_a_column_of_their_symbols(ready: ad.AnnData, name: str) -> None:
    variants: list[dict[str, Any]] = [{"by": "gene"}] if "by" in inspect.signature(function(name)).parameters else []
    for options in [{}, *variants]:
        plain = call(name, ready, **options)
        genes = next((column for column in ("gene", "item") if column in plain.columns), None)
        if genes is not None:
            named = call(name, ready, gene_symbols=COLUMN, **options)
            wanted = [ready.var[COLUMN].get(gene, gene) for gene in plain[genes]]
            assert list(named.columns) == [
                part for column in plain.columns for part in ([column, COLUMN] if column == genes else [column])
            ]
            assert list(named[COLUMN]) == wanted
            pd.testing.assert_frame_equal(named.drop(columns=COLUMN), plain)
        elif "leading_genes" in plain.columns or "leading_genes" in plain.attrs:
            named = call(name, ready, gene_symbols=COLUMN, **options)
            words = named["leading_genes"] if "leading_genes" in named else named.attrs["leading_genes"].values()
            assert all("SYM" in one and not GENE.search(one) for one in words)
        else:
            assert not takes(name)


def test_programmes_of_pairs_are_led_by_symbols(ready: ad.AnnData) -> None:
    options = {"key": "in_programmes", "gene_symbols": COLUMN}
    for frame in (
        scgce.get.pairs(ready, **options),
        scgce.get.explanation(ready, "B/1", "T cell", **options),
    ):
        assert frame["leading_genes"].str.contains("SYM").all()
        assert COLUMN not in frame


def test_programmes_are_matched_and_named_by_symbols() -> None:
    adata = tiny()
    adata.var[COLUMN] = [f"SYM{g}" for g in range(N_GENES)]
    sets = {"one": [f"SYM{g}" for g in range(6)], "two": [f"SYM{g}" for g in range(6, 12)]}
    by_id = {name: [gene.replace("SYM", "gene") for gene in genes] for name, genes in sets.items()}
    ensembl = adata.copy()
    ensembl.var_names = [f"ENSG0000000000{g}" for g in range(N_GENES)]
    with pytest.raises(ValueError, match="adata.var\\['feature_name'\\] has 100% of them: gene_symbols='feature_name'"):
        scgce.tl.programs(ensembl, source=sets)
    scgce.tl.programs(adata, source=sets, gene_symbols=COLUMN, key_added="named")
    scgce.tl.programs(adata, source=by_id, key_added="own")
    assert frozen(dict(adata.varm)["named"]) == frozen(dict(adata.varm)["own"])
    assert list(adata.uns["named"]["genes"]) == list(adata.var_names)
    scgce.tl.programs(adata, "group", source="profile", n_programs=3, gene_symbols=COLUMN, key_added="learned")
    assert all("SYM" in name and "gene" not in name for name in adata.uns["learned"]["names"])
    found = scgce.get.programs(adata, "named", annotate=sets, gene_symbols=COLUMN)
    assert list(found["set"]) == ["one", "two"]
    assert list(found["overlap"]) == [6, 6]


def test_the_page_shows_symbols(ready: ad.AnnData, tmp_path: Path) -> None:
    scgce.report(ready, tmp_path / "named.html", gene_symbols=COLUMN)
    page = (tmp_path / "named.html").read_text()
    used = scgce.get.pairs(ready, gene_symbols=COLUMN)[COLUMN].unique()
    assert all(f'"{symbol}"' in page for symbol in used)
    assert not [gene for gene in ready.var_names if f'"{gene}"' in page]


def test_ids_that_two_genes_share_as_a_symbol_stand_in_brackets(ready: ad.AnnData) -> None:
    adata = ready.copy()
    first, second = scgce.get.explanation(adata, "B/1", "T cell")["gene"][:2]
    adata.var[COLUMN] = np.where(adata.var_names.isin([first, second]), "SAME", adata.var_names)
    shown = texts(scgce.pl.explanation(adata, "B/1", "T cell", gene_symbols=COLUMN, return_fig=True))
    assert f"SAME ({first})" in shown and f"SAME ({second})" in shown
    plt.close("all")
