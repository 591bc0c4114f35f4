"""``scgce evidence``: `scgce.tl.evidence` from file to file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from ._common import command_with, refuse_without_effect
from ._files import check_output, read, write
from ._help import names_in
from ._options import Device, Input, Key, Option, Output, Sparsity
from ._tables import check_table, write_table
from ._trial import check_contents
from ._values import check

PAIRS, DONORS = "Pair by pair", "Over donors"
BY = "pair: what speaks for and against every pair; donor: how far it holds over donors."
RANDOM = "Of programmes: searches with random ones; p-values are at least 1 / (1 + N)."
SPLIT_BY = "Column of obs with donors; that of the explanation if not given."
LEFT_OUT = "Explain again without each donor, score on it (a fit for each)."
JOBS = "Random programmes, or donors left out, beside each other; one if not given."
TABLE = "Write the evidence as a table too: .tsv or .parquet."

OPTIONS = {
    "by": Option(Literal["pair", "donor"], "pair", BY, metavar="pair|donor"),
    "n_permutations": Option(int, 200, "Permutations of the labels of a pair; 0 for none.", PAIRS, "N", least=0),
    "n_random": Option(int, 9, RANDOM, PAIRS, "N", least=0),
    "threshold": Option(float, 0.5, "Scores below it list a pair as unexplained.", PAIRS, least=0, most=1),
    "split_by": Option(str | None, None, SPLIT_BY, DONORS, "COLUMN", complete=names_in("obs")),
    "leave_one_out": Option(bool, False, LEFT_OUT, DONORS, flags=("--leave-one-out/--no-leave-one-out",)),
    "min_cells": Option(int, 3, "Cells of both groups that a donor needs.", DONORS, "N", least=1),
    "interval": Option(float, 0.95, "Coverage of the intervals, all together.", DONORS, "NUMBER"),
    "n_jobs": Option(int | None, None, JOBS, metavar="N"),
    "table": Option(Path | None, None, TABLE, flags=("--table", "-t")),
    "seed": Option(int | None, None, "As the explanation was made if not given.", metavar="N", least=0),
}


@command_with(OPTIONS)
def evidence(
    input: Input,
    output: Output,
    key: Key = "tgt",
    sparsity: Sparsity = None,
    device: Device = "auto",
    **options: Any,
) -> None:
    """Gather evidence for and against a stored explanation, pair by pair or over donors."""
    check_output(output, input)
    table, seed, by = options.pop("table"), options.pop("seed"), options["by"]
    check_table(table, output, input)
    idle = [name for name, option in OPTIONS.items() if option.panel == (PAIRS if by == "donor" else DONORS)]
    refuse_without_effect(idle, f"with --by {by}")
    from scgce import get, tl

    given = options | {"sparsity": sparsity, "rng": seed, "device": device}
    check(tl.evidence, **given)
    adata = read(input)
    check_contents(adata, output)
    tl.evidence(adata, key, **given)
    write(adata, output)
    if table is not None:
        write_table(get.evidence(adata, key=key) if by == "pair" else get.contrasts(adata, key=key), table)
