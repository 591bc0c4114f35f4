"""Every part of every case, and the rows that it gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from .data import DEPTHS, MAPS, SETS, Case
from .methods import PARTS

FIRST = ["dataset", "map", "depth", "method", "sparsity"]


class Job(NamedTuple):
    """One part of one case."""

    dataset: str
    map: str
    depth: str
    part: str


def todo(only: Sequence[str], maps: Sequence[str], depths: Sequence[str], parts: Sequence[str]) -> list[Job]:
    """All parts of all cases, what others take first. pbmc68k_reduced has no counts, so one depth."""
    return [
        Job(name, kind, depth, part)
        for part in parts
        for kind in maps
        for depth in depths
        for name in only
        if SETS[name][0] or depth == "10,000"
    ]


def rows(job: Job) -> pd.DataFrame:
    """The rows of one part of one case."""
    found = [rows.assign(**job._asdict(), method=method) for method, rows in PARTS[job.part](Case(*job[:3]))]
    table = pd.concat(found, ignore_index=True)
    return table[[*FIRST, *[column for column in table if column not in FIRST]]]


def ordered(table: pd.DataFrame) -> pd.DataFrame:
    """Cases and parts in the order in which they are written down here."""
    known = dict(zip(Job._fields, (SETS, MAPS, DEPTHS, PARTS), strict=True))
    return table.sort_values([*known], key=lambda own: own.map([*known[own.name]].index), kind="stable")
