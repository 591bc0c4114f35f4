"""``scgce panel``: `scgce.tl.panel` from file to file, and the panel as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import _values
from ._common import command
from ._errors import UsageError
from ._files import check_output, read, write
from ._options import Groupby, Input, Layer, Output, Raw, Seed
from ._tables import write_table
from ._trial import check_contents


@command
def panel(
    input: Input,
    output: Output,
    groupby: Groupby,
    n_genes: Annotated[str, typer.Option("--n-genes", "-n", help="Length of the panel, or auto.")] = "50",
    layer: Layer = None,
    raw: Raw = False,
    groups: Annotated[
        str | None, typer.Option("--groups", help="Labels to tell apart, between commas; all if not given.")
    ] = None,
    mask_var: Annotated[
        str | None, typer.Option("--mask-var", help="Boolean column of var: genes that may be chosen.")
    ] = None,
    gene_costs: Annotated[
        str | None, typer.Option("--gene-costs", help="Column of var with the price of every gene; inf forbids.")
    ] = None,
    budget: Annotated[float | None, typer.Option("--budget", help="Most that the panel may cost.", min=0)] = None,
    fixed: Annotated[
        str | None, typer.Option("--fixed", help="Genes that are in the panel in any case, between commas.")
    ] = None,
    pair_weights: Annotated[
        str | None, typer.Option("--pair-weights", help="Column of obs with coarser labels: neighbours count more.")
    ] = None,
    explanation: Annotated[
        str | None, typer.Option("--explanation", help="Name of an explanation in uns whose genes the panel uses.")
    ] = None,
    restrict: Annotated[
        bool, typer.Option("--restrict/--start", help="With --explanation: only its genes, or start from them.")
    ] = True,
    validation_fraction: Annotated[
        float,
        typer.Option("--validation-fraction", help="Share that chooses the number, and share that scores.", min=0),
    ] = 0.25,
    min_cells: Annotated[int, typer.Option("--min-cells", help="A group with fewer cells is an error.", min=1)] = 3,
    table: Annotated[
        Path | None, typer.Option("--table", "-t", help="Write the panel as a table too: .tsv or .parquet.")
    ] = None,
    key: Annotated[str, typer.Option("--key", help="Name of the result in uns.")] = "panel",
    seed: Seed = 0,
) -> None:
    """Choose a short list of genes that tells every pair of groups apart."""
    check_output(output, input)
    if table is not None and table.suffix not in (".tsv", ".parquet"):
        raise UsageError(f"table={str(table)!r}: expected a name that ends in .tsv or .parquet")
    length = _values.number_or_word("n_genes", n_genes, ("auto",))
    if isinstance(length, float) and length.is_integer():
        length = int(length)
    chosen = _values.names(groups)
    adata = read(input, raw=raw)
    check_contents(adata, output)
    from scgce import get, tl

    tl.panel(
        adata,
        _values.columns(groupby, adata.obs.columns),
        length,  # type: ignore[arg-type]
        layer=layer,
        groups="all" if chosen is None else chosen,
        mask_var=mask_var,
        gene_costs=gene_costs,
        budget=budget,
        fixed=_values.names(fixed) or (),
        pair_weights=pair_weights,
        key=explanation,
        restrict=restrict,
        validation_fraction=validation_fraction,
        min_cells=min_cells,
        rng=seed,
        key_added=key,
    )
    write(adata, output)
    if table is not None:
        write_table(get.panel(adata, key=key), table)
