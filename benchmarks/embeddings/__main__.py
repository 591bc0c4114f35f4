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
    parser.add_argument("--keep", action="store_true", help="keep the rows of quality.csv that are there")
    arguments = parser.parse_args()
    tables: dict[str, pd.DataFrame] = {}
    if "quality" in arguments.only:
        file = arguments.results / "quality.csv"
        tables["quality"] = quality.table(arguments.sets, arguments.methods, arguments.data, file, keep=arguments.keep)
    if "speed" in arguments.only:
        tables["speed"] = speed.table()
    if "explain" in arguments.only:
        tables["explain"] = explain.table(arguments.methods, arguments.data)
    for name, frame in tables.items():
        quality.write(frame, arguments.results / f"{name}.csv")
        print(f"\n{name}\n{frame.round(3).to_string(index=False)}")


if __name__ == "__main__":
    main()
