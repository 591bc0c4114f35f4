"""``--gene-symbols``: pictures, pages and tables with the names that a column of var has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anndata as ad
import pandas as pd
import pytest

COLUMN = ("--gene-symbols", "feature_name")


@pytest.fixture
def named_file(explained: ad.AnnData, tmp_path: Path) -> Path:
    explained.var["feature_name"] = [f"SYM{g}" for g in range(explained.n_vars)]
    path = tmp_path / "named.h5ad"
    explained.write_h5ad(path)
    return path


def test_page_and_picture_show_them(call: Callable, explained: ad.AnnData, named_file: Path) -> None:
    page = named_file.with_suffix(".html")
    assert call("report", "-i", named_file, "-o", page, *COLUMN).code == 0
    assert '"SYM' in page.read_text(encoding="utf-8") and '"GENE' not in page.read_text(encoding="utf-8")
    source, target = explained.uns["tgt"]["groups"][:2]
    options = ("--kind", "explanation", "--source", source, "--target", target, "--format", "svg")
    folder = named_file.parent / "plots"
    assert call("plot", "-i", named_file, "-o", folder, *options, *COLUMN).code == 0
    drawn = (folder / "explanation.svg").read_text(encoding="utf-8")
    assert "<!-- SYM" in drawn and "<!-- GENE" not in drawn


def test_tables_have_them_in_a_column(call: Callable, explained: ad.AnnData, named_file: Path) -> None:
    folder = named_file.parent / "tables"
    assert call("export", "-i", named_file, "-o", folder, *COLUMN).code == 0
    for name in ("explanations", "markers", "panel"):
        table = pd.read_csv(folder / f"{name}.tsv", sep="\t")
        assert list(explained.var["feature_name"][table["gene"]]) == list(table["feature_name"])


def test_where_no_gene_is_shown_and_of_unknown_columns_they_are_refused(call: Callable, named_file: Path) -> None:
    for command in (("plot", "--kind", "metrics"), ("export", "--table", "metrics")):
        done = call(*command, "-i", named_file, "-o", named_file.parent / "out", *COLUMN)
        assert done.code == 2 and "gene" in done.err
    done = call("export", "-i", named_file, "-o", named_file.parent / "out", "--gene-symbols", "feature_nam")
    assert done.code == 2 and "did you mean 'feature_name'" in done.err
    assert not (named_file.parent / "out").exists()
