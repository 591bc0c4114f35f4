"""Measure faithfulness: ``python -m benchmarks.faithfulness [--quick] [--only PART …]``."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import pandas as pd

from benchmarks._cells import FILES, REFERENCE, here
from benchmarks._run import write

from . import cells, draw, methods, planted, published
from .tasks import HERE, Task, kept, run

PARTS = ("published", "held_out", "cells", "planted", "programme", "causal")
REFERENCES = ("iris", "heart_disease")


def tasks(parts: list[str], quick: bool) -> list[Task]:
    """Everything that is asked for and can be done, what matters most first."""
    found = []
    references = REFERENCES[: 1 if quick else 2]
    repeats, seeds, encoders = (1, 2, 1) if quick else (5, 20, 10)
    if REFERENCE.is_dir() and "published" in parts:
        found += [Task("published", published.in_sample, {"dataset": name}) for name in references]
    if "cells" in parts:
        sets = [name for name in (["pbmc3k"] if quick else FILES) if here(name)]
        maps = ("PCA",) if quick else tuple(cells.MAPS)
        found += [
            Task("cells", cells.table, {"dataset": name, "encoder": encoder, "method": method, "quick": quick})
            for encoder in maps
            for method in (cells.QUICK if quick else cells.COMPARED)
            for name in sets
        ]
    if REFERENCE.is_dir() and "held_out" in parts:
        found += [
            Task("held_out", published.held_out, {"dataset": name, "repeat": repeat})
            for repeat in range(repeats)
            for name in references
        ]
    if "causal" in parts:
        found += [Task("causal", planted.causal, {"seed": seed}) for seed in range(encoders)]
    if "planted" in parts:
        found += [Task("planted", planted.cells, {"seed": seed}) for seed in range(seeds)]
    if "programme" in parts:
        found += [Task("programme", planted.programme, {"seed": seed}) for seed in range(seeds)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one of each, into a scratch folder")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--results", type=Path)
    parser.add_argument("--keep", action="store_true", help="go on where the run before was interrupted")
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    arguments = parser.parse_args()
    scratch = Path(tempfile.gettempdir()) / "scgce-faithfulness-quick"
    results = arguments.results or (scratch if arguments.quick else HERE / "results")
    results.mkdir(parents=True, exist_ok=True)

    def save(name: str, frame: pd.DataFrame) -> None:
        write(frame, results / f"{name}.csv", ".4f")

    start = time.perf_counter()
    if not arguments.keep:
        cells.forget()
    wanted = tasks(arguments.only, arguments.quick)
    before = {index: kept(task, results) for index, task in enumerate(wanted)} if arguments.keep else {}
    tables = run(wanted, arguments.jobs, save, {index: rows for index, rows in before.items() if rows is not None})
    for name, frame in summaries(tables).items():
        save(name, frame)
        print(f"\n{name}\n{frame.round(3).to_string(index=False)}")
    if "cells" in tables:
        draw.frontier(tables["cells"], 10, results / "frontier.png")
    print(f"\n{time.perf_counter() - start:.0f} s; results in {results}")


def summaries(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """What is printed: the tables of one run, those of several repeats as means."""
    found = {}
    if "published" in tables:
        columns = {"index": ["dataset", "method"], "columns": "sparsity", "values": ["correctness", "coverage"]}
        print(tables["published"].pivot(**columns).round(3).to_string())
        found["published_verdicts"] = published.verdicts(tables["published"])
    if "held_out" in tables:
        found["held_out_mean"] = published.over_repeats(tables["held_out"])
    if "cells" in tables:
        columns = {"index": ["dataset", "encoder", "sparsity"], "columns": "method"}
        for metric in methods.METRICS:
            print(f"\n{metric}\n{tables['cells'].pivot(**columns, values=metric).round(2).to_string()}")
        found["cells_baseline_wins"] = cells.wins(tables["cells"])
        found["cells_wins_counted"] = cells.counted(tables["cells"])
        found["cells_summary"] = cells.summary(tables["cells"])
    for name in ("planted", "programme", "causal"):
        if name in tables:
            found[f"{name}_mean"] = planted.over_seeds(tables[name])
    return found


if __name__ == "__main__":
    main()
