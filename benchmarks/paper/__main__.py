"""Run the paper's experiments: ``python -m benchmarks.paper [--quick] [--only NAME …]``."""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

from . import causal, labels, modifications, published, shown, single_cell, tradeoff, variance
from .studies import Settings

EXPERIMENTS = {
    "variance": variance,
    "tradeoff": tradeoff,
    "labels": labels,
    "causal": causal,
    "modifications": modifications,
    "published": published,
    "single_cell": single_cell,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Regenerate the tables and pictures of docs/paper.md.")
    parser.add_argument("--quick", action="store_true", help="two encoder seeds and fewer cells, into a scratch folder")
    parser.add_argument("--only", nargs="+", choices=EXPERIMENTS, default=list(EXPERIMENTS), help="these experiments")
    parser.add_argument("--results", type=Path, help="where to write CSV and PNG")
    parser.add_argument("--jobs", type=int, default=2, help="encoders at a time")
    parser.add_argument("--keep", action="store_true", help="keep the trained encoders of the run before")
    arguments = parser.parse_args()
    scratch = Path(tempfile.gettempdir()) / "scgce-paper-quick"
    results = arguments.results or (scratch if arguments.quick else Settings().results)
    settings = Settings(arguments.quick, results, results / ".cache", arguments.jobs)
    if not arguments.keep:
        shutil.rmtree(settings.cache, ignore_errors=True)
    for name in arguments.only:
        start = time.perf_counter()
        print(f"{name} …", flush=True)
        EXPERIMENTS[name].run(settings)
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    shown.run(settings)
    print(f"results in {settings.results}")


if __name__ == "__main__":
    main()
