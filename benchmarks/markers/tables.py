"""What the panels' scores come to: means, verdicts, stability, what the tools cost."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._run import write

from .curated import LISTS
from .data import SETS
from .judges import JUDGES
from .tools import OURS, TOOLS

MARGIN = 0.005
STABLE_SIZE = 20


def scores(panels: pd.DataFrame) -> pd.DataFrame:
    """Mean macro-F1 over judges, every set, split, tool and size."""
    return panels.assign(f1=panels[list(JUDGES)].mean(axis=1))[["set", "split", "tool", "size", "f1"]]


def means(panels: pd.DataFrame) -> pd.DataFrame:
    """Mean over random halves, one row a set and tool, one column a size."""
    found = scores(panels[panels["split"] != "donors"])
    return found.pivot_table(index=["set", "tool"], columns="size", values="f1", sort=False).reset_index()


def verdicts(panels: pd.DataFrame) -> pd.DataFrame:
    """Ours beside the best other tool of every set and size: difference, its standard error over splits, verdict."""
    found = []
    for (name, size), part in scores(panels).groupby(["set", "size"], sort=False):
        for kind, some in (("halves", part[part["split"] != "donors"]), ("donors", part[part["split"] == "donors"])):
            if not len(some):
                continue
            wide = some.pivot(index="split", columns="tool", values="f1")
            if OURS not in wide or wide.shape[1] == 1:  # nothing to compare
                continue
            gaps = {tool: (wide[OURS] - wide[tool]).dropna() for tool in wide if tool != OURS}  # on splits of both
            best = min((tool for tool in gaps if len(gaps[tool])), key=lambda tool: gaps[tool].mean())
            gap = gaps[best]
            error = gap.std(ddof=1) / np.sqrt(len(gap)) if len(gap) > 1 else np.nan
            tie = MARGIN if np.isnan(error) else max(MARGIN, error)
            verdict = "first" if gap.mean() >= 0 else "tie" if gap.mean() >= -tie else "behind"
            ours, theirs = wide.loc[gap.index, [OURS, best]].mean()
            values = {"ours": ours, "best": theirs, "difference": gap.mean(), "error": error, "splits": len(gap)}
            found.append({"set": name, "cells": kind, "size": size, **values, "best_other": best, "verdict": verdict})
    return pd.DataFrame(found)


def stability(panels: pd.DataFrame) -> pd.DataFrame:
    """Mean Jaccard index of the panels of 20 genes from the choosing halves of different splits."""
    size = panels.loc[panels["size"] <= STABLE_SIZE, "size"].max()
    some = panels[(panels["size"] == size) & (panels["split"] != "donors")]
    found = []
    for (name, tool), part in some.groupby(["set", "tool"], sort=False):
        sets = [set(genes.split()) for genes in part["genes"]]
        shares = [len(a & b) / len(a | b) for a, b in combinations(sets, 2)]
        found.append({"set": name, "tool": tool, "jaccard": float(np.mean(shares)) if shares else np.nan})
    return pd.DataFrame(found).pivot(index="tool", columns="set", values="jaccard").reset_index()


def costs(panels: pd.DataFrame) -> pd.DataFrame:
    """Median processor seconds of a tool for all sizes, and the most megabytes that it took beside the cells."""
    halves = panels[panels["split"] != "donors"].drop_duplicates(["set", "split", "tool"])
    names = list(dict.fromkeys(halves["set"]))
    by = halves.groupby(["tool", "set"], sort=False)
    seconds, memory = by["seconds"].median().unstack()[names], by["megabytes"].max().unstack()[names]
    return seconds.add_suffix(" [s]").join(memory.add_suffix(" [MB]")).reset_index()


def sorted_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows in an order that does not depend on which job ended first."""
    order = {"set": list(SETS), "tool": [*TOOLS, *LISTS]}
    keys = [name for name in ("set", "split", "tool", "size") if name in frame]
    return frame.sort_values(
        keys,
        key=lambda column: column.map(order[column.name].index) if column.name in order else column,
        ignore_index=True,
    )


def save(done: dict[str, pd.DataFrame], results: Path) -> None:
    """Write every table and print it."""
    made = {"means": means, "verdicts": verdicts, "stability": stability, "costs": costs}
    found = {name: make(done["panels"]) for name, make in made.items()} if "panels" in done else {}
    for name, frame in found.items():
        write(frame, results / f"{name}.csv", ".3f")
    for name, frame in (found | {name: frame for name, frame in done.items() if name == "curated"}).items():
        print(f"\n{name}\n{frame.round(3).to_string(index=False)}")
