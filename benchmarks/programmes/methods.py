"""What is compared, in parts that are made one after the other; each gives its methods' rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

import scgce

from .data import Halves
from .scores import at_best_factor, scores

GENES, MEANS = (5, 10, 20, 50), (5, 10, 20, 50, 200)
FACTORS, PROGRAMME_FACTORS = (1.0, 1.5, 2.0, 3.0), (1.0, 1.25, 1.5)
"""Up to the bound of single genes, and up to what the amounts of programmes may be called nearly real."""
VALIDATION = 0.15
"""Of the half that fits and selects so much selects, and as much, which `tl.tgt` would report, goes unused."""

Rows = Iterator[tuple[str, pd.DataFrame]]


def _options(rep: str, **others: Any) -> dict[str, Any]:
    options = {"use_rep": rep, "judges": False, "device": "cpu", "validation_fraction": VALIDATION}
    return options | others


def _explained(fitting: ad.AnnData, groupby: str, rep: str, source: Any, **others: Any) -> float:
    """Explain in programmes; CPU seconds."""
    start = time.process_time()
    scgce.tl.tgt(fitting, groupby, programs=source, **_options(rep, **others))
    return time.process_time() - start


def _rows(fitting: ad.AnnData, scored: ad.AnnData, method: str, **facts: Any) -> tuple[str, pd.DataFrame]:
    own = fitting.uns["tgt"].get("programs")
    return method, scores(fitting, scored).assign(n_programs=np.nan if own is None else len(own["names"]), **facts)


def in_programmes(halves: Halves, groupby: str, rep: str) -> Rows:
    """The default, the same genes dealt to programmes at random, and what was asked to be tried beside it."""
    fitting, scored = halves
    seconds = _explained(fitting, groupby, rep, "auto")
    found = fitting.uns["tgt"]["programs"]
    yield _rows(fitting, scored, "programmes", seconds=seconds)
    fitting.uns["tgt"], _ = at_best_factor(fitting, "tgt", PROGRAMME_FACTORS)
    yield _rows(fitting, scored, "programmes, best factor")
    shuffled, fitting.var["covered"] = _random(found, fitting)
    _explained(fitting, groupby, rep, shuffled, mask_var="covered")
    yield _rows(fitting, scored, "random programmes")
    third, fitting.var["covered"] = _leading(found, fitting)
    _explained(fitting, groupby, rep, third, mask_var="covered")
    yield _rows(fitting, scored, "programmes, leading third")


def in_genes(halves: Halves, groupby: str, rep: str) -> Rows:
    """Single genes at the default bound of three times their real difference."""
    fitting, scored = halves
    start = time.process_time()
    scgce.tl.tgt(fitting, groupby, sparsity=GENES, **_options(rep))
    yield _rows(fitting, scored, "genes", seconds=time.process_time() - start)


def means(halves: Halves, groupby: str, rep: str) -> Rows:
    """The difference of means: all genes; cut to k; cut to k and times the best single factor."""
    fitting, scored = halves
    scgce.tl.dbm(fitting, groupby, sparsity=fitting.n_vars, key_added="tgt", **_options(rep))
    yield _rows(fitting, scored, "difference of means, all genes")
    scgce.tl.dbm(fitting, groupby, sparsity=MEANS, key_added="tgt", **_options(rep))
    yield _rows(fitting, scored, "difference of means")
    fitting.uns["tgt"], factors = at_best_factor(fitting, "tgt", FACTORS)
    yield _rows(fitting, scored, "difference of means, best factor", factor=factors)


def _other(kind: str, number: int) -> Callable[[Halves, str, str], Rows]:
    """Programmes of another kind or number, and random ones; learned on the half, of which a part selects."""

    def made(halves: Halves, groupby: str, rep: str) -> Rows:
        fitting, scored = halves
        scgce.tl.programs(fitting, groupby, source=kind, n_programs=number)
        seconds = _explained(fitting, groupby, rep, "programs")
        found = fitting.uns["tgt"]["programs"]
        yield _rows(fitting, scored, f"{kind} ({number})", seconds=seconds)
        shuffled, fitting.var["covered"] = _random(found, fitting)
        _explained(fitting, groupby, rep, shuffled, mask_var="covered")
        yield _rows(fitting, scored, f"random, {kind} ({number})")

    return made


PARTS: dict[str, Callable[[Halves, str, str], Rows]] = {
    "programmes": in_programmes,
    "means": means,
    "genes": in_genes,
    **{
        f"{kind} ({number})": _other(kind, number)
        for kind, number in [("profile", n) for n in (8, 12, 16, 20, 30)] + [("coexpression", 25), ("nmf", 12)]
    },
}
"""What matters most first."""
TRIED = tuple(name for name in PARTS if "(" in name)
"""Kinds and numbers that the default chooses among, or that were tried and are not offered by it."""


def _random(found: dict[str, Any], adata: ad.AnnData) -> tuple[pd.Series, np.ndarray]:
    """The programmes' genes dealt out again at random, so many to each as it had."""
    membership = found["membership"].tocsc()
    covered = np.diff(membership.indptr) > 0
    owner = np.asarray(membership.argmax(axis=0)).ravel()[covered]
    return pd.Series(np.random.default_rng(0).permutation(owner), adata.var_names[covered]), covered


def _leading(found: dict[str, Any], adata: ad.AnnData) -> tuple[dict[str, list[str]], np.ndarray]:
    """The third of each programme's genes that leads it."""
    sets, covered = {}, np.zeros(adata.n_vars, dtype=bool)
    for name, own in zip(found["names"], sparse.csr_matrix(found["weights"]), strict=True):
        genes = own.indices[np.argsort(-own.data, kind="stable")][: max(5, own.nnz // 3)]
        sets[str(name)] = list(adata.var_names[genes])
        covered[genes] = True
    return sets, covered
