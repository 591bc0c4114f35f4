"""Where the time of ``tl.tgt`` goes: ``python -m benchmarks.speed.where``.

Simulated cells of the bipolar data's size, six sparsities, the encoder given.
"""

from __future__ import annotations

import argparse
import logging
import time
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any
from unittest.mock import patch

import pandas as pd

import scgce
from scgce.matrix import arrays
from scgce.tl import _tgt

from .cells import encoder_of, many_cells, some_cells
from .machine import publish
from .scaling import SWEEP

SIZE = {False: (27_499, 13_166, 18), True: (2_000, 300, 4)}
READ = "for comparison: one read of X (sums of groups)"
#: phase → the function of ``tl.tgt`` that it consists of
PHASES = {
    "read X: checks, group sums, X W, cells kept": "prepare",
    "epsilon": "pick_epsilon",
    "lambda path": "material",
    "choice, refit, refinement": "choose",
    "judges": "report_on",
    "scores of what is reported": "stored",
}


def phases(run: Callable[[], object]) -> dict[str, float]:
    """Seconds of every phase during a run."""
    spent = dict.fromkeys(PHASES, 0.0)

    def clocked(phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def with_clock(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                spent[phase] += time.perf_counter() - start

        return with_clock

    patches = [patch.object(_tgt, name, clocked(phase, getattr(_tgt, name))) for phase, name in PHASES.items()]
    for one in patches:
        one.start()
    try:
        start = time.perf_counter()
        run()
        spent["all"] = time.perf_counter() - start
    finally:
        for one in patches:
            one.stop()
    return spent


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    warnings.simplefilter("ignore")
    logging.getLogger("scgce").setLevel(logging.ERROR)
    n_cells, n_genes, n_groups = SIZE[quick]
    some = some_cells(n_genes, n_groups, min(n_cells, 10_000))
    encoder = encoder_of(some)
    scgce.tl.tgt(some[::8].copy(), "group", encoder=encoder, sparsity=5, min_cells=1, device="cpu")  # compiles
    adata = many_cells(some, n_cells)
    columns = {}
    for method in ("truncate", "path", "refine", "refine_consistent"):
        options = {"encoder": encoder, "sparsity": SWEEP, "method": method, "device": "cpu"}
        columns[method] = phases(lambda options=options: scgce.tl.tgt(adata, "group", **options))
        start = time.perf_counter()
        arrays.group_sums(adata.X, adata.obs["group"].cat.codes.to_numpy().astype("int64"), n_groups)
        columns[method][READ] = time.perf_counter() - start
    table = pd.DataFrame(columns).rename_axis("seconds").reset_index()
    publish(table, "where", quick)


if __name__ == "__main__":
    main()
