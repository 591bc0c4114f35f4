"""``scgce programs``: gene programmes from the cells or from a file, as AnnData and as tables."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._common import command_with
from ._errors import UsageError
from ._files import check_output, check_place, read, write
from ._given import given_sets
from ._help import names_in
from ._options import GeneSymbols, Input, Layer, Option, Output, Raw, Seed
from ._tables import tsv, write_table
from ._trial import check_contents

if TYPE_CHECKING:
    import pandas as pd

STDOUT = Path("-")
_SOURCES = (
    "auto, profile, coexpression, nmf, hallmark, a key of varm, or a file: .gmt, or .tsv/.csv with the columns source "
    "and target (and weight), of genes × programmes, or of genes and modules"
)


Text = str | None
GENES = "Source, target and weight of every gene, as TSV: a --source again."
OPTIONS = {
    "groupby": Option(
        Text,
        None,
        "Column of obs with the groups; profile and auto need it.",
        metavar="COLUMN",
        flags=("--groupby", "-g"),
        complete=names_in("obs"),
    ),
    "source": Option(str, "auto", f"Where they come from: {_SOURCES}.", metavar="SOURCE", flags=("--source", "-s")),
    "n_programs": Option(str, "auto", "How many to learn: auto or a whole number.", metavar="N"),
    "rest": Option(bool, True, "Group the genes of no given set from the cells too.", flags=("--rest/--no-rest",)),
    "min_genes": Option(int, 5, "Given sets with fewer are left out.", metavar="N", least=1),
    "annotate": Option(
        Text,
        None,
        "Known sets that the table names, as --source takes them, e.g. hallmark.",
        metavar="SOURCE",
        flags=("--annotate", "-a"),
    ),
    "table": Option(
        Path | None,
        None,
        "A row a programme, as TSV (or .parquet); - for stdout.",
        metavar="FILE",
        flags=("--table", "-t"),
    ),
    "genes": Option(Path | None, None, GENES, metavar="FILE"),
    "key_added": Option(str, "programs", "Name in varm and uns to write.", metavar="KEY"),
}


@command_with(OPTIONS)
def programs(
    input: Input,
    output: Output,
    layer: Layer = None,
    raw: Raw = False,
    gene_symbols: GeneSymbols = None,
    seed: Seed = 0,
    **options: Any,
) -> None:
    """Group genes into programmes: learned from the cells, or taken from gene sets that you have."""
    check_output(output, input)
    annotate, table, genes = (options.pop(name) for name in ("annotate", "table", "genes"))
    for path in (table, genes):
        if path is not None and path != STDOUT:
            check_place(path, input, output)
    if annotate is not None and table is None:
        raise UsageError("annotate: the names of known sets are written to a table; add --table")
    options["n_programs"] = _number(options["n_programs"])
    options["source"] = given_sets("source", options["source"])
    known, key = None if annotate is None else given_sets("annotate", annotate), options["key_added"]
    adata = read(input, raw=raw)
    check_contents(adata, output)
    from scgce import get, tl

    tl.programs(adata, layer=layer, gene_symbols=gene_symbols, rng=seed, **options)
    frame = get.programs(adata, key, annotate=known, gene_symbols=gene_symbols)
    write(adata, output)
    if table is not None:
        _write(frame, table)
    if genes is not None:
        names = {"program": "source", "gene": "target", "share": "weight"}
        _write(get.programs(adata, key, by="gene").rename(columns=names), genes)


def _write(frame: pd.DataFrame, path: Path) -> None:
    if path == STDOUT:
        sys.stdout.write(tsv(frame))
    else:
        write_table(frame, path)


def _number(text: str) -> int | str:
    if text == "auto":
        return text
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"n_programs={text!r}: expected auto or a whole number") from None
