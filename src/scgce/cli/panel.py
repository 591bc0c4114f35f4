"""``scgce panel``: `scgce.tl.panel` from file to file, and the panel as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import _values
from ._common import command_with
from ._files import check_output, read, write
from ._help import names_in
from ._options import Groupby, Input, Layer, Option, Output, Raw, Seed
from ._tables import check_table, write_table
from ._trial import check_contents

Text = str | None
SYMBOLS = "Column of var by which --fixed names genes, and that the table has too, e.g. feature_name."
OPTIONS = {
    "n_genes": Option(str, "50", "Length of the panel, or auto.", flags=("--n-genes", "-n")),
    "groups": Option(Text, None, "Labels to tell apart, between commas; all if not given."),
    "mask_var": Option(Text, None, "Boolean column of var: genes that may be chosen."),
    "gene_costs": Option(Text, None, "Column of var with the price of every gene; inf forbids."),
    "budget": Option(float | None, None, "Most that the panel may cost.", least=0),
    "fixed": Option(Text, None, "Genes that are in the panel in any case, between commas."),
    "gene_symbols": Option(Text, None, SYMBOLS, metavar="COLUMN", complete=names_in("var")),
    "pair_weights": Option(Text, None, "Column of obs with coarser labels: neighbours count more."),
    "explanation": Option(Text, None, "Name of an explanation in uns whose genes the panel uses."),
    "restrict": Option(
        bool, True, "With --explanation: only its genes, or start from them.", flags=("--restrict/--start",)
    ),
    "validation_fraction": Option(float, 0.25, "Share that chooses the number, and share that scores.", least=0),
    "min_cells": Option(int, 3, "A group with fewer cells is an error.", least=1),
    "table": Option(Path | None, None, "Write the panel as a table too: .tsv or .parquet.", flags=("--table", "-t")),
    "key": Option(str, "panel", "Name of the result in uns."),
}


@command_with(OPTIONS)
def panel(
    input: Input,
    output: Output,
    groupby: Groupby,
    layer: Layer = None,
    raw: Raw = False,
    seed: Seed = 0,
    **options: Any,
) -> None:
    """Choose a short list of genes that tells every pair of groups apart."""
    check_output(output, input)
    table, key = options.pop("table"), options.pop("key")
    check_table(table, output, input)
    given = _understood(options) | {"layer": layer, "rng": seed, "key_added": key}
    adata = read(input, raw=raw)
    check_contents(adata, output)
    from scgce import get, tl

    tl.panel(adata, _values.columns(groupby, adata.obs.columns), **given)
    write(adata, output)
    if table is not None:
        write_table(get.panel(adata, key=key, gene_symbols=options["gene_symbols"]), table)


def _understood(options: dict[str, Any]) -> dict[str, Any]:
    """The options as `tl.panel` takes them."""
    length = _values.number_or_word("n_genes", options["n_genes"], ("auto",))
    groups, explanation = _values.names("groups", options["groups"]), options.pop("explanation")
    return options | {
        "n_genes": int(length) if isinstance(length, float) and length.is_integer() else length,
        "groups": "all" if groups is None else groups,
        "fixed": _values.names("fixed", options["fixed"]) or (),
        "key": explanation,
    }
