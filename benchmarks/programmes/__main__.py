"""Gene programmes beside single genes: what each reaches on cells that took no part, in the map and before judges.

``python -m benchmarks.programmes`` writes, for every data set, map and depth, k programmes a pair (mean over pairs) at
real amounts beside k genes at the default, the difference of means cut to k genes at real amounts and at the best
single factor up to 3, random programmes of the same sizes among the same genes, and programmes of other kinds and
numbers. Half of the cells fit and select (the student of the UMAP, too, is trained on them, and the PCA of the whole
matrix is the user's), the other half is scored, with ε its own. Rows are written as they come; ``--keep`` goes on where
the run before was interrupted. ``--only``, ``--maps``, ``--depths`` and ``--parts`` take a part of it.
"""

from __future__ import annotations

import argparse
import logging
import warnings
from pathlib import Path

import pandas as pd

from . import data, methods, tables

RESULTS = Path(__file__).parent / "results"
FIRST = ["dataset", "map", "depth", "method", "sparsity"]


def tasks(asked: argparse.Namespace) -> list[tuple[str, str, str]]:
    """Data set, map and depth; every data set in the first map first. pbmc68k_reduced has no counts, so one depth."""
    return [
        (name, kind, depth)
        for kind in asked.maps
        for depth in asked.depths
        for name in asked.only
        if data.SETS[name][0] or depth == "10,000"
    ]


def run(name: str, kind: str, depth: str, part: str) -> pd.DataFrame:
    """The rows of one part, on one data set in one map."""
    halves, groupby = data.halves(name, kind, depth), data.SETS[name][1]
    found = [
        rows.assign(dataset=name, map=kind, depth=depth, method=method, part=part)
        for method, rows in methods.PARTS[part](halves, groupby, data.MAPS[kind])
    ]
    table = pd.concat(found, ignore_index=True)
    return table[[*FIRST, *[column for column in table if column not in FIRST]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", default=list(data.SETS), choices=list(data.SETS), metavar="SET")
    parser.add_argument("--maps", nargs="+", default=list(data.MAPS), choices=list(data.MAPS))
    parser.add_argument("--depths", nargs="+", default=list(data.DEPTHS), choices=list(data.DEPTHS))
    parser.add_argument("--parts", nargs="+", default=list(methods.PARTS), choices=list(methods.PARTS), metavar="PART")
    parser.add_argument("--keep", action="store_true", help="go on where the run before was interrupted")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the tables")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.getLogger("scgce").setLevel(logging.ERROR)
    file = asked.results / "programmes.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    done = pd.read_csv(file) if asked.keep and file.exists() else pd.DataFrame()
    if not asked.keep:
        data.forget()
    for name, kind, depth in tasks(asked):
        for part in asked.parts:
            task = {"dataset": name, "map": kind, "depth": depth, "part": part}
            if len(done) and (done[list(task)] == list(task.values())).all(axis=1).any():
                continue
            found = run(name, kind, depth, part)
            print(found.to_string(index=False, float_format=lambda value: f"{value:.2f}"), flush=True)
            done = pd.concat([done, found], ignore_index=True)
            done.to_csv(file, index=False, float_format="%.3f", lineterminator="\n")
    tables.save(done, asked.results)


if __name__ == "__main__":
    main()
