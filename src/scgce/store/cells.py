"""Facts about cells in a stored result, kept by the cells' names: which of them fitted, and in which group they were.

Position and number say nothing of which cell a row is: rows are permuted, dropped and joined between two tools. Names
are stored as digests of 8 bytes, so that an atlas costs little.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

FIT, VALIDATE, REPORT = 0, 1, 2
"""Parts of the cells: those that fit, those that select λ and k, those that are reported."""
NEW = -2
"""Part of a cell that the explanation does not know."""


@dataclass(frozen=True)
class CellFacts:
    """What a result knows of the cells of an AnnData, which may be others than those explained."""

    part: np.ndarray
    """(n,) int8: `FIT`, `VALIDATE`, `REPORT`, −1 for a cell that took no part, `NEW`."""
    group: np.ndarray
    """(n,) int64: row of the group that the cell was explained in; −1: in none, or not known."""
    n_missing: int
    """Cells of the explanation that the AnnData lacks."""
    by_name: bool
    """False for a result of an earlier version: its cells were matched by position, their groups are not known."""
    shared: np.ndarray
    """(n,) bool: the name is that of explained cells of several groups, so that the name does not tell the group."""

    @property
    def known(self) -> np.ndarray:
        """(n,) bool: cells that the explanation knows."""
        return np.asarray(self.part != NEW)

    @property
    def held_out(self) -> np.ndarray:
        """(n,) bool: cells that neither fitted nor selected; the new ones too."""
        return np.asarray((self.part == REPORT) | (self.part == NEW))

    def groups(self, labelled: np.ndarray) -> np.ndarray:
        """(n,) int64: the group of every cell, by its name where that tells it, else as ``labelled`` (n,) today."""
        return np.where(self.known & ~self.shared, self.group, labelled)

    def relabelled(self, labelled: np.ndarray) -> int:
        """How many explained cells are ``labelled`` (n,) otherwise today than they were."""
        return int((self.known & ~self.shared & (self.group >= 0) & (labelled != self.group)).sum())


def digests(names: Iterable[object]) -> np.ndarray:
    """Digests (n,) uint64 of names."""
    joined = b"".join(hashlib.blake2b(str(name).encode(), digest_size=8).digest() for name in names)
    return np.frombuffer(joined, dtype="<u8").astype(np.uint64)


def cell_fields(
    names: Iterable[object], split: np.ndarray, codes: np.ndarray, donors: Mapping[str, int] | None = None
) -> dict[str, np.ndarray]:
    """The fields of a result that hold its cells: ``cell_digest`` uint64, ``cell_group`` int32, ``split`` int8 (n,).

    Where whole donors fitted, selected and were reported, also ``donors`` and ``donor_part`` (D,).
    """
    found = {"cell_digest": digests(names), "cell_group": codes.astype(np.int32), "split": split.astype(np.int8)}
    if donors:
        found["donors"] = np.array(list(donors), dtype=str)
        found["donor_part"] = np.array(list(donors.values()), dtype=np.int8)
    return found


def cell_facts(entry: Mapping[str, Any], names: Iterable[object]) -> CellFacts | None:
    """What a result knows of cells, by their names; of an earlier version's result by position.

    Returns
    -------
    The facts; None for a result of an earlier version whose cells are not as many, so that nothing is known of them.
    """
    names = list(names)
    if "cell_digest" in entry:
        return match_cells(entry, names)
    split = np.asarray(entry.get("split", ()), dtype=np.int8)
    if len(split) != len(names) or not len(split):
        return None
    return CellFacts(split, np.full(len(split), -1, dtype=np.int64), 0, False, np.zeros(len(split), dtype=bool))


def match_cells(entry: Mapping[str, Any], names: Iterable[object]) -> CellFacts:
    """What a result that holds its cells' names knows of the cells of these names.

    Where several explained cells have one name, a cell of that name counts as one that fitted if any of them did, and
    its group is not known unless it was that of all of them.
    """
    split, wanted = np.asarray(entry["split"], dtype=np.int8), digests(names)
    stored = np.asarray(entry["cell_digest"], dtype=np.uint64)
    group = np.asarray(entry["cell_group"], dtype=np.int64)
    if np.array_equal(stored, wanted):
        return CellFacts(split, group, 0, True, np.zeros(len(split), dtype=bool))
    # Sorted by name, then by part with those in no group last: the first of a name is the one that fitted, if any did.
    order = np.lexsort((np.where(split < 0, np.int8(9), split), stored))
    unique, first = np.unique(stored[order], return_index=True)
    place = np.minimum(np.searchsorted(unique, wanted), len(unique) - 1)
    there = unique[place] == wanted
    row = order[first[place]]
    n_missing = len(unique) - int(np.isin(unique, wanted).sum())
    part = np.where(there, split[row], np.int8(NEW)).astype(np.int8)
    low, high = (bound.reduceat(group[order], first) for bound in (np.minimum, np.maximum))
    shared = there & (low != high)[place]
    return CellFacts(part, np.where(there & ~shared, group[row], -1), n_missing, True, shared)


def reported_sizes(entry: Mapping[str, Any]) -> np.ndarray:
    """Cells of each group (l,) that a result was reported on: its reported cells, all of them without a split."""
    split = np.asarray(entry.get("split", ()), dtype=np.int8)
    n_groups = len(entry["groups"])
    if "cell_group" in entry:
        part = REPORT if (split == REPORT).any() else FIT
        codes = np.asarray(entry["cell_group"], dtype=np.int64)[split == part]
        return np.bincount(codes[codes >= 0], minlength=n_groups)
    sizes = np.asarray(entry["sizes"], dtype=np.int64)
    if not (split == REPORT).any():
        return sizes
    share = np.round(float(entry["params"].get("validation_fraction", 0.25)) * sizes).astype(np.int64)
    return np.minimum(np.maximum(share, 1), np.maximum((sizes - 1) // 2, 1))
