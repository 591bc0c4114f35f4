"""Arguments that may be a file beside a word: gene sets, and pairs of groups."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._errors import ReadError

if TYPE_CHECKING:
    import pandas as pd

_TABLES = (".tsv", ".csv", ".txt", ".tsv.gz", ".csv.gz", ".txt.gz")


def given_sets(argument: str, text: str) -> Any:
    """
    What a word, key or file of gene sets means: tables are read, the rest is what `tl.programs` takes.

    Raises
    ------
    ReadError
        If the file cannot be read.
    """
    if text == "hallmark":
        from scgce import datasets

        return datasets.hallmark()
    if text.lower().endswith((".gmt", ".gmt.gz")) and not Path(text).is_file():
        raise ReadError(f"{argument}={text!r}: there is no such file")
    if not text.lower().endswith(_TABLES):
        return text
    frame = _table(argument, text)
    if {"source", "target"} <= set(frame.columns):
        return frame
    frame = frame.set_index(frame.columns[0])
    return frame.iloc[:, 0] if frame.shape[1] == 1 else frame


def given_pairs(text: str) -> Any:
    """
    What a word or file of pairs means: a table with the columns source and target is read.

    Raises
    ------
    ReadError
        If the file cannot be read.
    """
    return _table("pairs", text, dtype=str) if text.lower().endswith(_TABLES) else text


def _table(argument: str, text: str, **options: Any) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_csv(text, sep="," if ".csv" in text.lower() else "\t", **options)
    except (OSError, ValueError) as error:
        raise ReadError(f"{argument}={text!r} cannot be read as a table: {error}") from error
