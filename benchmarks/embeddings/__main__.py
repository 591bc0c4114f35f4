"""One command for all tables: ``python -m benchmarks.embeddings``; CSV files beside this one."""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from . import explain, quality, speed
from .data import SETS, SHARED
from .methods import METHODS

PARTS = ("quality", "speed", "explain")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHARED, help="folder with the data sets")
    parser.add_argument("--results", type=Path, default=Path(__file__).resolve().parent / "results")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    arguments = parser.parse_args()
    tables: dict[str, pd.DataFrame] = {}
    if "quality" in arguments.only:
        tables["quality"] = quality.table(arguments.sets, arguments.methods, arguments.data)
    if "speed" in arguments.only:
        tables["speed"] = speed.table()
    if "explain" in arguments.only:
        tables["explain"] = explain.table(arguments.methods, arguments.data)
    arguments.results.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        frame.to_csv(arguments.results / f"{name}.csv", index=False, float_format="%.4f", lineterminator="\n")
        print(f"\n{name}\n{frame.round(3).to_string(index=False)}")


if __name__ == "__main__":
    main()
