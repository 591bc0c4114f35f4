"""``scgce evaluate``: score a stored explanation on cells of the user's choice."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from . import _values
from ._common import command
from ._files import check_output, read, write
from ._options import Device, Input, Key, Layer, Output, Raw
from ._trial import check_contents


@command
def evaluate(
    input: Input,
    output: Output,
    explanation: Annotated[
        Path | None,
        typer.Option("--explanation", "-e", help="AnnData that holds the explanation; the input if not given."),
    ] = None,
    key: Key = "tgt",
    groupby: Annotated[
        str | None, typer.Option("--groupby", "-g", help="Column of obs with the groups; as stored if not given.")
    ] = None,
    layer: Layer = None,
    raw: Raw = False,
    epsilon: Annotated[
        str | None,
        typer.Option("--epsilon", help="A distance, or mean or max: found anew; as stored if not given."),
    ] = None,
    clip: Annotated[
        str | None,
        typer.Option("--clip", help="How far cells may go: range, zero or none; as stored if not given."),
    ] = None,
    judges: Annotated[bool, typer.Option("--judges/--no-judges", help="Ask independent classifiers too.")] = True,
    min_cells: Annotated[int, typer.Option("--min-cells", help="A group with fewer cells is an error.", min=1)] = 1,
    max_cells: Annotated[
        str,
        typer.Option(
            "--max-cells",
            metavar="N|WORD",
            help="Cells of a group that are scored: reported (as many as were), or a number.",
        ),
    ] = "reported",
    key_added: Annotated[
        str | None, typer.Option("--key-added", help="Name of the scores in uns; KEY_evaluated if not given.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", help="As the explanation was made if not given.", min=0)
    ] = None,
    device: Device = "auto",
) -> None:
    """Score a stored explanation again: on its own reported cells, on held-out cells, on another donor."""
    check_output(output, input, *([] if explanation is None else [explanation]))
    reach: Any = _values.number_or_word("epsilon", epsilon, ("mean", "max"))
    bounds: Any = None if clip is None else _values.clip_word(clip) or False
    most: Any = _values.number_or_word("max_cells", max_cells, ("reported",))
    most = int(most) if isinstance(most, float) and most == int(most) else most
    adata = read(input, raw=raw)
    check_contents(adata, output)
    reference = None if explanation is None else read(explanation, name="explanation")
    from scgce import tl

    tl.evaluate(
        adata,
        key,
        reference=reference,
        groupby=None if groupby is None else _values.columns(groupby, adata.obs.columns),
        layer=layer,
        epsilon=reach,
        clip=bounds,
        judges=judges,
        min_cells=min_cells,
        max_cells=most,
        rng=seed,
        device=device,
        key_added=key_added,
    )
    write(adata, output)
