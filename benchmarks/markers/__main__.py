"""Panels of every marker tool, judged on other cells: ``python -m benchmarks.markers [--quick] [--splits N] [--keep]``.

COSG, NS-Forest and scGeneFit take part where they are installed: ``pip install cosg``, and without their dependencies,
which ask for a package that is no more, ``pip install --no-deps nsforest plotly narwhals scGeneFit``.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from pathlib import Path

import pandas as pd

from . import curated, data, judges, tables, tools

HERE = Path(__file__).parent / "results"
SIZES = (5, 10, 20, 30, 50, 100)


def rows(task: data.Task, tool: str, sizes: tuple[int, ...]) -> list[dict[str, object]]:
    """One row for every size: genes, macro-F1 of the judges, seconds of the tool for all sizes."""
    start = time.perf_counter()
    panels = tools.TOOLS[tool](task.choose.copy(), sizes)
    seconds = time.perf_counter() - start
    return [
        {"tool": tool, "size": size, "n_genes": len(genes), **judges.macro_f1(task, genes)}
        | {"seconds": seconds, "genes": " ".join(genes)}
        for size, genes in panels.items()
    ]


def tasks(name: str, splits: int) -> dict[str, data.Task]:
    """Halves at random by number, and the donors' task where there are donors."""
    adata = data.cells(name)
    found = {str(split): data.halves(adata, split) for split in range(splits)}
    other = data.donors(adata)
    return found if other is None else found | {"donors": other}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one split of the smallest set, into a scratch folder")
    parser.add_argument("--splits", type=int, default=5, help="random halves of every set")
    parser.add_argument("--keep", action="store_true", help="go on where the run before was interrupted")
    arguments = parser.parse_args()
    results = Path(tempfile.gettempdir()) / "scgce-markers-quick" if arguments.quick else HERE
    results.mkdir(parents=True, exist_ok=True)
    logging.getLogger("scgce").setLevel(logging.ERROR)
    file = results / "panels.csv"
    done = pd.read_csv(file, dtype={"split": str}) if arguments.keep and file.exists() else pd.DataFrame()
    sets, splits = (["pbmc68k"], 1) if arguments.quick else (data.available(), arguments.splits)
    sizes = SIZES[:2] if arguments.quick else SIZES
    made = {name: tasks(name, splits) for name in sets}
    for split in [*map(str, range(splits)), "donors"]:
        for name in [name for name in sets if split in made[name]]:
            for tool in tools.available():
                if len(done) and ((done["set"] == name) & (done["split"] == split) & (done["tool"] == tool)).any():
                    continue
                found = pd.DataFrame(rows(made[name][split], tool, sizes))
                found.insert(0, "split", split)
                found.insert(0, "set", name)
                done = pd.concat([done, found], ignore_index=True)
                done.to_csv(file, index=False, float_format="%.4f", lineterminator="\n")
    markers = curated.table(data.cells("pbmc3k")) if "pbmc3k" in sets else None
    tables.save(done, markers, results)


if __name__ == "__main__":
    main()
