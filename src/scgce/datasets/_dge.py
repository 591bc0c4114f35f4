"""Reading a digital expression table (genes x cells, tab-separated, gzipped) and a table of cell labels."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse
from tqdm import tqdm

_TAB, _ZERO = ord("\t"), ord("0")
_DIGITS = np.frombuffer(b"123456789", dtype=np.uint8)


def read_expression(path: Path) -> tuple[np.ndarray, np.ndarray, sparse.csr_matrix]:
    """Read a genes x cells table line by line; only non-zero numbers are kept.

    The header holds the cells' names, with or without a first field for the gene column.

    Parameters
    ----------
    path
        Text file, gzipped if its name ends in ``.gz``.

    Returns
    -------
    Names of the genes ``(d,)``, names of the cells ``(n,)`` and the counts, float32 CSR of shape ``(n, d)``.

    Raises
    ------
    ValueError
        If a line has another number of fields than the header promises, a field is not a number, or the file is cut
        off; the message names the file and the line.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    genes: list[str] = []
    columns, values = [], []
    try:
        with opener(path, "rb") as stream:
            header = _fields(stream.readline())
            first = _fields(line := stream.readline())
            cells = header[len(header) - len(first) + 1 :] if len(header) >= len(first) else header
            bar = tqdm(desc=f"reading {path.name}", unit=" genes", disable=None)
            with bar:
                while line.strip():
                    name, where, what = _gene(line, len(cells), f"{path}, line {len(genes) + 2}")
                    genes.append(name)
                    columns.append(where)
                    values.append(what)
                    bar.update()
                    line = stream.readline()
    except EOFError as error:
        raise ValueError(f"{path} is cut off after {len(genes)} genes; delete it and fetch it again") from error
    if not genes:
        raise ValueError(f"{path} holds no genes; expected a header of cells and one line for each gene")
    indptr = np.concatenate([[0], np.cumsum([len(c) for c in columns])])
    matrix = sparse.csc_matrix((np.concatenate(values), np.concatenate(columns), indptr), (len(cells), len(genes)))
    return np.array(genes, dtype=object), np.array(cells, dtype=object), matrix.tocsr()


def read_labels(path: Path) -> pd.DataFrame:
    """Read a single-cell portal table: a line of names, a line of types, then one line for each cell.

    Returns
    -------
    Frame of str, one row per cell (index), one lower-case column per field.

    Raises
    ------
    ValueError
        If there are fewer than two columns.
    """
    frame = pd.read_csv(path, sep="\t", dtype=str, index_col=0)
    if not len(frame.columns):
        raise ValueError(f"{path}: expected tab-separated columns, a name and at least one label for each cell")
    frame.columns = frame.columns.str.lower().str.replace("-", "_")
    return frame.drop(index="TYPE", errors="ignore").rename_axis(None)


def _fields(line: bytes) -> list[str]:
    return [field.strip('"') for field in line.decode().rstrip("\r\n").split("\t")]


def _gene(line: bytes, n_cells: int, where: str) -> tuple[str, np.ndarray, np.ndarray]:
    """Name, cells and counts of the non-zeros of one line; only fields with something besides "0" are parsed."""
    name, _, rest = line.rstrip(b"\r\n").partition(b"\t")
    text = np.frombuffer(rest, dtype=np.uint8)
    ends = np.append(np.flatnonzero(text == _TAB), len(text))
    if len(ends) != n_cells:
        raise ValueError(f"{where}: {len(ends)} numbers, but the header names {n_cells} cells")
    lengths = np.diff(ends, prepend=-1) - 1
    telling = np.flatnonzero((text != _TAB) & (text != _ZERO))
    cells = np.union1d(np.searchsorted(ends, telling), np.flatnonzero(lengths == 0))
    starts = ends[cells] - lengths[cells]
    counts = np.zeros(len(cells), dtype=np.float32)
    digit = lengths[cells] == 1
    digit[digit] = np.isin(text[starts[digit]], _DIGITS)
    counts[digit] = text[starts[digit]] - _ZERO
    try:
        for i in np.flatnonzero(~digit):
            counts[i] = float(rest[starts[i] : ends[cells[i]]])
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    kept = counts != 0
    return name.decode().strip('"'), cells[kept].astype(np.int32), counts[kept]
