"""``scgce evaluate``: score a stored explanation on cells of the user's choice."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from . import _values
from ._common import command_with
from ._files import check_output, read, write
from ._options import Device, Input, Key, Layer, Option, Output, Raw
from ._trial import check_contents

Text = str | None
CELLS = "Cells of a group that are scored: reported (as many as were), or a number."
OPTIONS = {
    "groupby": Option(Text, None, "Column of obs with the groups; as stored if not given.", flags=("--groupby", "-g")),
    "epsilon": Option(Text, None, "A distance, or mean or max: found anew; as stored if not given."),
    "clip": Option(Text, None, "How far cells may go: range, zero or none; as stored if not given."),
    "judges": Option(bool, True, "Ask independent classifiers too.", flags=("--judges/--no-judges",)),
    "min_cells": Option(int, 1, "A group with fewer cells is an error.", least=1),
    "max_cells": Option(str, "reported", CELLS, metavar="N|WORD"),
    "key_added": Option(Text, None, "Name of the scores in uns; KEY_evaluated if not given."),
    "seed": Option(int | None, None, "As the explanation was made if not given.", metavar="N", least=0),
}
Explanation = Annotated[
    Path | None, typer.Option("--explanation", "-e", help="AnnData that holds the explanation; the input if not given.")
]


@command_with(OPTIONS)
def evaluate(
    input: Input,
    output: Output,
    explanation: Explanation = None,
    key: Key = "tgt",
    layer: Layer = None,
    raw: Raw = False,
    device: Device = "auto",
    **options: Any,
) -> None:
    """Score a stored explanation again: on its own reported cells, on held-out cells, on another donor."""
    check_output(output, input, *([] if explanation is None else [explanation]))
    groupby, given = options.pop("groupby"), _understood(options)
    adata = read(input, raw=raw)
    check_contents(adata, output)
    reference = None if explanation is None else read(explanation, name="explanation")
    columns = None if groupby is None else _values.columns(groupby, adata.obs.columns)
    from scgce import tl

    tl.evaluate(adata, key, reference=reference, groupby=columns, layer=layer, device=device, **given)
    write(adata, output)


def _understood(options: dict[str, Any]) -> dict[str, Any]:
    """The options as `tl.evaluate` takes them."""
    clip, most = options["clip"], _values.number_or_word("max_cells", options["max_cells"], ("reported",))
    return {
        "epsilon": _values.number_or_word("epsilon", options["epsilon"], ("mean", "max")),
        "clip": None if clip is None else _values.clip_word(clip) or False,
        "judges": options["judges"],
        "min_cells": options["min_cells"],
        "max_cells": int(most) if isinstance(most, float) and most == int(most) else most,
        "rng": options["seed"],
        "key_added": options["key_added"],
    }
