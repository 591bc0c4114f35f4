"""Where the time of ``tl.tgt`` goes: ``python -m benchmarks.speed.where``.

Simulated cells of the bipolar data's size, six sparsities, the encoder given. The profiler of the standard library
counts processor time; stages are the functions that `tl.tgt` calls, found by name in what it counted.
"""

from __future__ import annotations

import cProfile
import pstats
import time
from collections.abc import Callable

import pandas as pd

import scgce
from benchmarks._run import command

from .cells import encoded
from .machine import SWEEP, publish

SIZE = {False: (27_499, 13_166, 18), True: (2_000, 300, 4)}
STAGES = {
    "read X: checks, group sums, X W": ("explain/read.py", "prepare"),
    "epsilon": ("explain/read.py", "pick_epsilon"),
    "lambda path": ("explain/fit.py", "material"),
    "choice": ("core/choose/select.py", "choose"),
    "of it, refits of consistent solutions": ("core/choose/select.py", "consistent"),
    "of it, refinement": ("core/choose/refine.py", "refine"),
    "of it, scores of candidates": ("core/choose/select.py", "_score"),
    "judges": ("explain/entry.py", "report_on"),
    "scores of what is reported": ("explain/entry.py", "stored"),
}
"""Stage → the file and the function that it consists of."""


def profiled(run: Callable[[], object]) -> dict[str, float]:
    """Seconds of every stage."""
    profile = cProfile.Profile(time.process_time)
    profile.runcall(run)
    stats = pstats.Stats(profile)
    found = dict.fromkeys(STAGES, 0.0)
    for (file, _, name), (_, _, _, inside, _) in stats.stats.items():  # type: ignore[attr-defined]
        for stage, (suffix, function) in STAGES.items():
            if file.endswith(suffix) and name == function:
                found[stage] += inside
    return found | {"all": stats.total_tt}  # type: ignore[attr-defined]


if __name__ == "__main__":
    quick = command(__doc__, "quick").parse_args().quick
    adata, encoder = encoded(*SIZE[quick])
    columns = {}
    for method in ("truncate", "path", "refine"):
        options = {"encoder": encoder, "sparsity": SWEEP, "method": method, "device": "cpu"}
        columns[method] = profiled(lambda options=options: scgce.tl.tgt(adata, "group", **options))
    publish(pd.DataFrame(columns).rename_axis("processor seconds").reset_index(), "where", quick)
