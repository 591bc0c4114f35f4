"""``scgce stability``: `scgce.tl.stability` from file to file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ._common import command_with, refuse_without_effect
from ._files import check_output, read, write
from ._help import names_in
from ._options import Device, GeneSymbols, Input, Key, Option, Output, Seed, Sparsity
from ._tables import check_table, write_table
from ._trial import check_contents
from ._values import check

RESAMPLE = "Column of obs with donors, drawn as wholes; cells within groups if not given."
REFIT = "Train the student anew for each, where one stands for the map."
TABLE = "Write how often each gene is chosen as a table too: .tsv or .parquet."

OPTIONS = {
    "n_bootstraps": Option(int, 20, "How often the explanation is repeated.", metavar="N", least=2),
    "resample": Option(str | None, None, RESAMPLE, metavar="COLUMN", complete=names_in("obs")),
    "refit": Option(bool, False, REFIT, flags=("--refit/--no-refit",)),
    "interval": Option(float, 0.9, "Coverage of the interval of each amount.", metavar="NUMBER"),
    "n_jobs": Option(int | None, None, "Repetitions beside each other; one if not given.", metavar="N"),
    "table": Option(Path | None, None, TABLE, flags=("--table", "-t")),
}


@command_with(OPTIONS)
def stability(
    input: Input,
    output: Output,
    key: Key = "tgt",
    sparsity: Sparsity = None,
    gene_symbols: GeneSymbols = None,
    seed: Seed = 0,
    device: Device = "auto",
    **options: Any,
) -> None:
    """Repeat a stored explanation on bootstrap samples: how often each gene is chosen, and its amounts."""
    check_output(output, input)
    table = options.pop("table")
    check_table(table, output, input)
    if table is None:
        refuse_without_effect(("gene_symbols",), "without --table")
    from scgce import get, tl

    given = options | {"sparsity": sparsity, "rng": seed, "device": device}
    check(tl.stability, **given)
    adata = read(input)
    check_contents(adata, output)
    tl.stability(adata, key, **given)
    write(adata, output)
    if table is not None:
        write_table(get.stability(adata, gene_symbols=gene_symbols, key=key), table)
