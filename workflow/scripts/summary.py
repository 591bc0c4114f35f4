"""One row for each sample, grouping and sparsity: the means over ordered pairs, as reported and as evaluated."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

KEY = ["sample", "grouping", "sparsity"]


def summarise(metrics: Sequence[str], evaluated: Sequence[str]) -> pd.DataFrame:
    """
    Average the tables of all runs.

    Parameters
    ----------
    metrics, evaluated
        Files ``…/sample/grouping/k-sparsity/tables/name.tsv``, in the same order.

    Returns
    -------
    ``sample``, ``grouping``, ``sparsity``, ``n_pairs``, then the mean of every metric and, with ``evaluated_`` before
    its name, of the evaluation.
    """
    rows = []
    for reported, scored in zip(metrics, evaluated, strict=True):
        table, other = _means(reported), _means(scored)
        row = dict(zip(KEY, _run(Path(reported)), strict=True))
        row["n_pairs"] = len(pd.read_csv(reported, sep="\t"))
        row |= table | {f"evaluated_{name}": value for name, value in other.items()}
        rows.append(row)
    return pd.DataFrame(rows).sort_values(KEY, kind="stable", ignore_index=True)


def _run(path: Path) -> tuple[str, str, str]:
    run = path.parents[1]
    return run.parents[1].name, run.parent.name, run.name.removeprefix("k-")


def _means(path: str) -> dict[str, float]:
    frame = pd.read_csv(path, sep="\t", na_values="NA", keep_default_na=False)
    return {str(name): float(value) for name, value in frame.drop(columns=["source", "target"]).mean().items()}


def main(job: Any) -> None:
    """Write the table that Snakemake asked for."""
    with open(job.log[0], "w", encoding="utf-8") as log:
        sys.stderr = log
        frame = summarise(job.input.metrics, job.input.evaluated)
        frame.to_csv(job.output.table, sep="\t", index=False, float_format="%.7g", na_rep="NA", lineterminator="\n")


if "snakemake" in globals():
    main(globals()["snakemake"])
