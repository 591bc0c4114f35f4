"""Measure faithfulness: ``python -m benchmarks.faithfulness [--quick] [--only PART …]``."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks._cells import FILES, REFERENCE, here
from benchmarks._run import command, grown, publish

from . import cells, planted, published

HERE = Path(__file__).resolve().parent
REFERENCES = ("iris", "heart_disease")
WORK: dict[str, Callable[..., pd.DataFrame]] = {
    "cells": cells.table,
    "held_out": published.held_out,
    "causal": planted.causal,
    "planted": planted.cells,
    "programme": planted.programme,
}
"""What matters most first; each makes rows of a table of its name."""
SUMMARIES: dict[str, dict[str, Callable[[pd.DataFrame], pd.DataFrame]]] = {
    "cells": {
        "cells_baseline_wins": cells.wins,
        "cells_wins_counted": cells.counted,
        "cells_summary": cells.summary,
    },
    "held_out": {"held_out_mean": published.over_repeats},
    **{name: {f"{name}_mean": planted.over_seeds} for name in ("causal", "planted", "programme")},
}


def jobs(part: str, quick: bool) -> list[Any]:
    """What is to be done for a part and can be done."""
    references = REFERENCES[: 1 if quick else 2] if REFERENCE.is_dir() else ()
    repeats, seeds, encoders = (1, 2, 1) if quick else (5, 20, 10)
    maps, methods = (("PCA",), cells.QUICK) if quick else (tuple(cells.MAPS), cells.COMPARED)
    sets = [name for name in (["pbmc3k"] if quick else FILES) if here(name)]
    found: dict[str, list[Any]] = {
        "cells": [cells.Case(name, encoder, method) for encoder in maps for method in methods for name in sets],
        "held_out": [published.Split(name, repeat) for repeat in range(repeats) for name in references],
        "causal": [planted.Seed(seed) for seed in range(encoders)],
    }
    return found[part] if part in found else [planted.Seed(seed) for seed in range(seeds)]


def main() -> None:
    parser = command(__doc__, "quick", "jobs", "keep")
    parser.add_argument("--only", nargs="+", choices=WORK, default=list(WORK))
    parser.add_argument("--results", type=Path)
    asked = parser.parse_args()
    results = asked.results or (Path(tempfile.mkdtemp()) if asked.quick else HERE / "results")
    if not asked.keep:
        cells.forget()
    for part in asked.only:
        todo = jobs(part, asked.quick)
        if not todo:
            continue
        work = partial(WORK[part], quick=asked.quick) if part == "cells" else WORK[part]
        table = grown(work, todo, results / f"{part}.csv", most=asked.jobs, keep=asked.keep)
        for name, make in SUMMARIES[part].items():
            print(f"\n{name}")
            publish(make(table), results / f"{name}.csv", ".4f")
    print(f"results in {results}")


if __name__ == "__main__":
    main()
