"""What the panels' scores come to: means, verdicts, stability, what the tools cost."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._run import publish, write

from .curated import LISTS
from .data import DONORS, SETS
from .judges import JUDGES
from .tools import OURS, TOOLS

MARGIN = 0.005
STABLE_SIZE = 20


def scores(panels: pd.DataFrame) -> pd.DataFrame:
    """Mean macro-F1 over judges, every set, split, tool and size."""
    return panels.assign(f1=panels[list(JUDGES)].mean(axis=1))[["set", "split", "tool", "size", "f1"]]


def means(panels: pd.DataFrame) -> pd.DataFrame:
    """Mean over random halves, one row a set and tool, one column a size."""
    found = scores(panels[panels["split"] != DONORS])
    return found.pivot_table(index=["set", "tool"], columns="size", values="f1", sort=False).reset_index()


def verdicts(panels: pd.DataFrame) -> pd.DataFrame:
    """Ours beside the best other tool of every set and size: difference, its standard error over splits, verdict."""
    found, every = [], scores(panels)
    every["cells"] = pd.Categorical(np.where(every["split"] == DONORS, DONORS, "halves"), ["halves", DONORS])
    every["set"] = pd.Categorical(every["set"], every["set"].unique())
    for (name, size, kind), some in every.groupby(["set", "size", "cells"], observed=True):
        wide = some.pivot(index="split", columns="tool", values="f1")
        if OURS not in wide or wide.shape[1] == 1:  # nothing to compare
            continue
        gaps = wide.drop(columns=OURS).rsub(wide[OURS], axis=0)  # on splits of both
        best = gaps.mean().idxmin()
        gap = gaps[best].dropna()
        error = gap.sem()
        tie = np.fmax(MARGIN, error)
        verdict = "first" if gap.mean() >= 0 else "tie" if gap.mean() >= -tie else "behind"
        ours, theirs = wide.loc[gap.index, [OURS, best]].mean()
        values = {"ours": ours, "best": theirs, "difference": gap.mean(), "error": error, "splits": len(gap)}
        found.append({"set": name, "cells": kind, "size": size, **values, "best_other": best, "verdict": verdict})
    return pd.DataFrame(found)


def stability(panels: pd.DataFrame) -> pd.DataFrame:
    """Mean Jaccard index of the panels of 20 genes from the choosing halves of different splits."""
    size = panels.loc[panels["size"] <= STABLE_SIZE, "size"].max()
    some = panels[(panels["size"] == size) & (panels["split"] != DONORS)]
    found = []
    for (name, tool), part in some.groupby(["set", "tool"], sort=False):
        sets = [set(genes.split()) for genes in part["genes"]]
        shares = [len(a & b) / len(a | b) for a, b in combinations(sets, 2)]
        found.append({"set": name, "tool": tool, "jaccard": float(np.mean(shares)) if shares else np.nan})
    return pd.DataFrame(found).pivot(index="tool", columns="set", values="jaccard").reset_index()


def costs(panels: pd.DataFrame) -> pd.DataFrame:
    """Median processor seconds of a tool for all sizes, and the most megabytes that it took beside the cells."""
    halves = panels[panels["split"] != DONORS].drop_duplicates(["set", "split", "tool"])
    names = list(dict.fromkeys(halves["set"]))
    by = halves.groupby(["tool", "set"], sort=False)
    seconds, memory = by["seconds"].median().unstack()[names], by["megabytes"].max().unstack()[names]
    return seconds.add_suffix(" [s]").join(memory.add_suffix(" [MB]")).reset_index()


def save(done: dict[str, pd.DataFrame], results: Path) -> None:
    """Write and print what the tables come to; rows in an order that does not depend on when which tool was run."""
    for name, frame in done.items():
        keys = [column for column in ("set", "split", "tool", "size") if column in frame]
        done[name] = frame.sort_values(keys, key=lambda own: own.map(_place), ignore_index=True)
        write(done[name], results / f"{name}.csv", ".4f")
    for name, make in {"means": means, "verdicts": verdicts, "stability": stability, "costs": costs}.items():
        print(f"\n{name}")
        publish(make(done["panels"]), results / f"{name}.csv", ".3f")


def _place(value: object) -> str:
    known = [*SETS, *TOOLS, *LISTS]
    return str(known.index(value) if value in known else value).zfill(8)
