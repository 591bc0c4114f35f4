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

from .data import Case
from .scores import at_best_factor, scores

GENES, MEANS = (5, 10, 20, 50), (5, 10, 20, 50, 200)
FACTORS, PROGRAMME_FACTORS = (1.0, 1.5, 2.0, 3.0), (1.0, 1.25, 1.5)
"""Up to the bound of single genes, and up to what the amounts of programmes may be called nearly real."""
FEW = (5, 8)
"""Programmes a pair at which kinds and numbers are compared."""
VALIDATION = 0.15
"""Of the half that fits and selects so much selects, and as much, which `tl.tgt` would report, goes unused."""

Rows = Iterator[tuple[str, pd.DataFrame]]


def _options(case: Case, **others: Any) -> dict[str, Any]:
    options = {"use_rep": case.rep, "judges": False, "device": "cpu", "validation_fraction": VALIDATION}
    return options | others


def _explained(case: Case, fitting: ad.AnnData, source: Any, **others: Any) -> float:
    """Explain in programmes; CPU seconds."""
    start = time.process_time()
    scgce.tl.tgt(fitting, case.groupby, programs=source, **_options(case, **others))
    return time.process_time() - start


def _given(case: Case, fitting: ad.AnnData, source: Any) -> None:
    """Explain in these programmes and no others; the judges go on reading all genes."""
    scgce.tl.programs(fitting, source=source, rest=False, min_genes=1)
    _explained(case, fitting, "programs")


def _rows(fitting: ad.AnnData, scored: ad.AnnData, method: str, **facts: Any) -> tuple[str, pd.DataFrame]:
    own = fitting.uns["tgt"].get("programs")
    return method, scores(fitting, scored).assign(n_programs=np.nan if own is None else len(own["names"]), **facts)


def _default(case: Case, fitting: ad.AnnData) -> tuple[dict[str, Any], float]:
    """The explanation in programmes at the default, and its CPU seconds."""

    def make() -> tuple[dict[str, Any], float]:
        seconds = _explained(case, fitting, "auto")
        return fitting.uns["tgt"], seconds

    entry, seconds = case.once("programmes", make)
    return entry, seconds


def in_programmes(case: Case) -> Rows:
    """The default, and at the best single factor for all pairs."""
    fitting, scored = case.halves()
    fitting.uns["tgt"], seconds = _default(case, fitting)
    yield _rows(fitting, scored, "programmes", seconds=seconds)
    fitting.uns["tgt"], factors = at_best_factor(fitting, "tgt", PROGRAMME_FACTORS)
    yield _rows(fitting, scored, "programmes, best factor", factor=factors)


def at_random(case: Case) -> Rows:
    """The genes of the programmes dealt to as many of the same sizes at random."""
    fitting, scored = case.halves()
    _given(case, fitting, _random(_default(case, fitting)[0]["programs"], fitting))
    yield _rows(fitting, scored, "random programmes")


def leading(case: Case) -> Rows:
    """The third of each programme's genes that leads it."""
    fitting, scored = case.halves()
    _given(case, fitting, _leading(_default(case, fitting)[0]["programs"], fitting))
    yield _rows(fitting, scored, "programmes, leading third")


def in_genes(case: Case) -> Rows:
    """Single genes at the default bound of three times their real difference."""
    fitting, scored = case.halves()
    start = time.process_time()
    scgce.tl.tgt(fitting, case.groupby, sparsity=GENES, **_options(case))
    yield _rows(fitting, scored, "genes", seconds=time.process_time() - start)


def means(case: Case) -> Rows:
    """The difference of means: all genes; cut to k; cut to k and times the best single factor."""
    fitting, scored = case.halves()
    scgce.tl.dbm(fitting, case.groupby, sparsity=fitting.n_vars, key_added="tgt", **_options(case))
    yield _rows(fitting, scored, "difference of means, all genes")
    scgce.tl.dbm(fitting, case.groupby, sparsity=MEANS, key_added="tgt", **_options(case))
    yield _rows(fitting, scored, "difference of means")
    fitting.uns["tgt"], factors = at_best_factor(fitting, "tgt", FACTORS)
    yield _rows(fitting, scored, "difference of means, best factor", factor=factors)


def _other(kind: str, number: int) -> Callable[[Case], Rows]:
    """Programmes of another kind or number, learned on the half, of which a part selects; by profile random ones too.

    Coexpression and NMF do without: theirs are of other sizes, and what random ones do is told by the rest.
    """

    def made(case: Case) -> Rows:
        fitting, scored = case.halves()
        scgce.tl.programs(fitting, case.groupby, source=kind, n_programs=number)
        seconds = _explained(case, fitting, "programs", sparsity=FEW)
        found = fitting.uns["tgt"]["programs"]
        yield _rows(fitting, scored, f"{kind} ({number})", seconds=seconds)
        if kind == "profile":
            _given(case, fitting, _random(found, fitting))
            yield _rows(fitting, scored, f"random, {kind} ({number})")

    return made


_KINDS = [("coexpression", 25), ("nmf", 12)]
_NUMBERS = [("profile", n) for n in (8, 12, 16, 20, 30)]
PARTS: dict[str, Callable[[Case], Rows]] = {
    "programmes": in_programmes,
    "random": at_random,
    "means": means,
    "genes": in_genes,
    "leading": leading,
    **{f"{kind} ({number})": _other(kind, number) for kind, number in _KINDS + _NUMBERS},
}
"""What matters most first."""
USUAL = [name for name in PARTS if not name.startswith("profile")]
"""Other numbers are asked for by name."""
TRIED = tuple(name for name in PARTS if "(" in name)
"""Kinds and numbers that the default chooses among, or that were tried and are not offered by it."""


def _random(found: dict[str, Any], adata: ad.AnnData) -> pd.Series:
    """The programmes' genes dealt out again at random, so many to each as it had."""
    membership = found["membership"].tocsc()
    covered = np.diff(membership.indptr) > 0
    owner = np.asarray(membership.argmax(axis=0)).ravel()[covered]
    return pd.Series(np.random.default_rng(0).permutation(owner), adata.var_names[covered])


def _leading(found: dict[str, Any], adata: ad.AnnData) -> dict[str, list[str]]:
    """The third of each programme's genes that leads it."""
    sets = {}
    for name, own in zip(found["names"], sparse.csr_matrix(found["weights"]), strict=True):
        genes = own.indices[np.argsort(-own.data, kind="stable")][: max(5, own.nnz // 3)]
        sets[str(name)] = list(adata.var_names[genes])
    return sets
