"""Reading the tables that come with the package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import anndata as ad
import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Table:
    """A bundled table and what has to be said about it.

    Attributes
    ----------
    file
        Name in the package's ``data`` folder.
    features
        Feature names in order, each with its meaning.
    description, source, license
        Texts written to ``uns``.
    """

    file: str
    features: Mapping[str, str]
    description: str
    source: str
    license: str


def load(table: Table, *, drop_first_row: bool) -> ad.AnnData:
    """Read *table*, scale every feature to [0, 1] and return it as AnnData.

    Parameters
    ----------
    table
        What to read.
    drop_first_row
        Leave out the first data row, before scaling, as the published experiments did by taking it for a header.

    Returns
    -------
    AnnData with float64 ``X`` in [0, 1], the original units in ``layers["original"]``, the columns that are not
    features in ``obs``, ``var[["description", "minimum", "maximum"]]``, and ``uns["description"]``,
    ``uns["source"]``, ``uns["license"]``. ``obs_names`` are row numbers of the full table, from 0.
    """
    with files(__package__).joinpath("data", table.file).open(encoding="utf-8") as stream:
        frame = pd.read_csv(stream)
    frame.index = frame.index.astype(str)
    if drop_first_row:
        frame = frame.iloc[1:]
    names = list(table.features)
    original = frame[names].to_numpy(dtype=np.float64)
    low, high = original.min(axis=0), original.max(axis=0)
    var = pd.DataFrame({"description": list(table.features.values()), "minimum": low, "maximum": high}, index=names)
    adata = ad.AnnData(X=(original - low) / (high - low), obs=frame.drop(columns=names), var=var)
    adata.layers["original"] = original
    for field in ("description", "source", "license"):
        adata.uns[field] = getattr(table, field)
    return adata
