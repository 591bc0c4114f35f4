"""Programmes in an AnnData: the membership in ``varm[key]``, what they are in ``uns[key]``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from scgce._api.adata import gene_names
from scgce._api.errors import listing, not_found
from scgce.store.entries import write_result
from scgce.store.layout import DAMAGED, PARAMS
from scgce.store.programs import StoredPrograms
from scgce.store.result import Result

from .base import Programs
from .learn import LEARNED

_PER_PROGRAM = ("names", "learned", "n_given", "matched")


def is_stored(adata: AnnData, key: str) -> bool:
    """Whether ``key`` was written by `tl.programs`."""
    entry = adata.uns.get(key)
    return isinstance(entry, Mapping) and PARAMS in entry and "names" in entry and "learned" in entry


def write_programs(adata: AnnData, key: str, programs: Programs, facts: Mapping[str, Any]) -> None:
    """Store programmes in ``adata.varm[key]`` and ``adata.uns[key]``, whole or not at all.

    Parameters
    ----------
    adata
        Annotated data with the genes of ``programs``.
    key
        Name of the result.
    programs
        The programmes.
    facts
        Further fields of the entry: arrays by programme, and ``params``.
    """
    weights = programs.membership if programs.weights is None else programs.weights
    fields = {
        "names": programs.names.astype(str),
        "learned": programs.learned,
        "n_given": np.asarray(programs.n_given, dtype=np.int64),
        "matched": np.asarray(programs.matched, dtype=np.float64),
        "genes": programs.genes.astype(str),
        "weights": _rows(weights, np.float32),
    }
    write_result(adata, key, {**fields, **facts})
    adata.varm[key] = _rows(programs.membership, np.float64)


def _rows(matrix: sparse.csc_array, dtype: type) -> sparse.csr_matrix:
    """By rows, with the index type that copying and reading give."""
    found = sparse.csr_matrix(matrix, dtype=dtype)
    parts = (found.data, found.indices.astype(np.int32), found.indptr.astype(np.int32))
    return sparse.csr_matrix(parts, shape=found.shape)


def read_programs(adata: AnnData, key: str, argument: str = "key") -> Programs:
    """The programmes stored under a key; of an AnnData whose genes were subset, those of the genes left.

    Raises
    ------
    KeyError
        If there are none.
    ValueError
        If ``varm`` and ``uns`` do not belong together.
    """
    if not is_stored(adata, key) or key not in adata.varm:
        present = [name for name in adata.varm if is_stored(adata, name)]
        raise not_found(
            argument, key, "the programmes of adata.varm", present, hint="; run scgce.tl.programs(adata, …)"
        )
    entry, membership = adata.uns[key], sparse.csc_array(adata.varm[key]).astype(np.float64)
    missing = [field for field in (*_PER_PROGRAM, "genes", "weights") if field not in entry]
    sizes = {field: np.size(entry[field]) for field in _PER_PROGRAM if field in entry}
    if missing or set(sizes.values()) != {membership.shape[1]}:
        raise ValueError(
            f"adata.varm[{key!r}] has {membership.shape[1]} programmes; adata.uns[{key!r}] has {sizes}, missing: "
            f"{listing(missing)}: {DAMAGED}"
        )
    genes = gene_names(adata)
    return Programs(
        names=np.array([str(name) for name in entry["names"]], dtype=object),
        genes=genes,
        membership=membership,
        learned=np.asarray(entry["learned"], dtype=bool),
        source=str(entry[PARAMS]["source"]),
        n_given=np.asarray(entry["n_given"], dtype=np.int64),
        matched=np.asarray(entry["matched"], dtype=np.float64),
        learned_by=str(entry[PARAMS]["learned_by"]),
        weights=_aligned(entry, genes, membership),
    )


def programs_of(result: Result) -> Programs:
    """The programmes that an explanation is in, over its own genes.

    Raises
    ------
    ValueError
        If it explains in genes.
    """
    stored = StoredPrograms.read(result)
    n = len(stored.names)
    learned = np.asarray(result.raw["programs"]["learned"], dtype=bool)
    label = str(result.params["programs"])
    return Programs(
        names=stored.names,
        genes=result.genes,
        membership=sparse.csc_array(stored.membership.T).astype(np.float64),
        learned=learned,
        source=label,
        n_given=stored.n_genes,
        matched=np.ones(n),
        learned_by=label if label in ("auto", *LEARNED) else "the rest",
        weights=sparse.csc_array(stored.weights.T).astype(np.float64),
    )


def _aligned(entry: Mapping[str, Any], genes: np.ndarray, membership: sparse.csc_array) -> sparse.csc_array:
    """The stored weights of the genes that are there, with the pattern of the membership."""
    rows = pd.Index([str(gene) for gene in entry["genes"]]).get_indexer(genes)
    stored = sparse.csr_array(entry["weights"])
    pattern = sparse.coo_array(membership)
    values = np.asarray(stored[rows[pattern.row], pattern.col]).ravel() * (rows[pattern.row] >= 0)
    return sparse.csc_array((values.astype(np.float64), (pattern.row, pattern.col)), shape=membership.shape)
