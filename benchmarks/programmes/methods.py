"""What is compared, in parts that are made one after the other; each gives its methods' rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

import scgce
from benchmarks._run import MEMORY

from .data import DEPTHS, MAPS, SETS, Case, halves
from .scores import at_best_factor, scores

GENES, MEANS = (5, 10, 20, 50), (5, 10, 20, 50, 200)
FACTORS, PROGRAMME_FACTORS = (1.0, 1.5, 2.0, 3.0), (1.0, 1.25, 1.5)
"""Up to the bound of single genes, and up to what the amounts of programmes may be called nearly real."""
FEW = (5, 8)
"""Programmes a pair at which kinds and numbers are compared."""
OPTIONS: dict[str, Any] = {"judges": False, "device": "cpu", "validation_fraction": 0.15}
"""Of the half that fits and selects so much selects, and as much, which `tl.tgt` would report, goes unused."""
Found = Iterator[tuple[str, dict[str, Any]]]
"""Methods, each yielded once its explanation is in the fitting half, and what is to be said of it."""


def explained(case: Case, fitting: ad.AnnData, **options: Any) -> dict[str, float]:
    """Explain; CPU seconds."""
    start = time.process_time()
    scgce.tl.tgt(fitting, case.groupby, use_rep=MAPS[case.map], **OPTIONS, **options)
    return {"seconds": time.process_time() - start}


def given(case: Case, fitting: ad.AnnData, source: Any) -> None:
    """Explain in these programmes and no others; the judges go on reading all genes."""
    scgce.tl.programs(fitting, source=source, rest=False, min_genes=1)
    explained(case, fitting, programs="programs")


@MEMORY.cache
def by_default(case: Case) -> tuple[dict[str, Any], dict[str, float]]:
    """The explanation in programmes at the default, and its CPU seconds."""
    fitting, _ = halves(case)
    seconds = explained(case, fitting, programs="auto")
    return fitting.uns["tgt"], seconds


def in_programmes(case: Case, fitting: ad.AnnData) -> Found:
    """The default, and at the best single factor for all pairs."""
    fitting.uns["tgt"], seconds = by_default(case)
    yield "programmes", seconds
    yield "programmes, best factor", {"factor": at_best_factor(fitting, PROGRAMME_FACTORS)}


def at_random(case: Case, fitting: ad.AnnData) -> Found:
    """The genes of the programmes dealt to as many of the same sizes at random."""
    given(case, fitting, _random(by_default(case)[0]["programs"], fitting))
    yield "random programmes", {}


def leading(case: Case, fitting: ad.AnnData) -> Found:
    """The third of each programme's genes that leads it."""
    found, sets = by_default(case)[0]["programs"], {}
    for name, own in zip(found["names"], sparse.csr_matrix(found["weights"]), strict=True):
        genes = own.indices[np.argsort(-own.data, kind="stable")][: max(5, own.nnz // 3)]
        sets[str(name)] = list(fitting.var_names[genes])
    given(case, fitting, sets)
    yield "programmes, leading third", {}


def in_genes(case: Case, fitting: ad.AnnData) -> Found:
    """Single genes at the default bound of three times their real difference."""
    yield "genes", explained(case, fitting, sparsity=GENES)


def means(case: Case, fitting: ad.AnnData) -> Found:
    """The difference of means: all genes; cut to k; cut to k and times the best single factor."""
    for name, ks in {"difference of means, all genes": fitting.n_vars, "difference of means": MEANS}.items():
        scgce.tl.dbm(fitting, case.groupby, sparsity=ks, key_added="tgt", use_rep=MAPS[case.map], **OPTIONS)
        yield name, {}
    yield "difference of means, best factor", {"factor": at_best_factor(fitting, FACTORS)}


def other(case: Case, fitting: ad.AnnData, kind: str, number: int) -> Found:
    """Programmes of another kind or number, learned on the half, of which a part selects; by profile random ones too.

    Coexpression and NMF do without: theirs are of other sizes, and what random ones do is told by the rest.
    """
    scgce.tl.programs(fitting, case.groupby, source=kind, n_programs=number)
    yield f"{kind} ({number})", explained(case, fitting, programs="programs", sparsity=FEW)
    if kind == "profile":
        given(case, fitting, _random(fitting.uns["tgt"]["programs"], fitting))
        yield f"random, {kind} ({number})", {}


def _random(found: dict[str, Any], adata: ad.AnnData) -> pd.Series:
    """The programmes' genes dealt out again at random, so many to each as it had."""
    membership = found["membership"].tocsc()
    covered = np.diff(membership.indptr) > 0
    owner = np.asarray(membership.argmax(axis=0)).ravel()[covered]
    return pd.Series(np.random.default_rng(0).permutation(owner), adata.var_names[covered])


OTHERS = [("coexpression", 25), ("nmf", 12), *(("profile", n) for n in (8, 12, 16, 20, 30))]
"""Kinds and numbers that the default chooses among, or that were tried and are not offered by it."""
PARTS: dict[str, Callable[[Case, ad.AnnData], Found]] = {
    "programmes": in_programmes,
    "random": at_random,
    "means": means,
    "genes": in_genes,
    "leading": leading,
    **{f"{kind} ({number})": partial(other, kind=kind, number=number) for kind, number in OTHERS},
}
"""What matters most first."""
USUAL = [name for name in PARTS if not name.startswith("profile")]
"""Other numbers are asked for by name."""


class Job(NamedTuple):
    """One part of one case."""

    dataset: str
    map: str
    depth: str
    part: str


def todo(only: Sequence[str], parts: Sequence[str]) -> list[Job]:
    """All parts of all cases, what others take first. pbmc68k_reduced has no counts, so one depth."""
    every = (Job(*case, part) for part in parts for case in product(only, MAPS, DEPTHS))
    return [job for job in every if SETS[job.dataset][0] or job.depth == "10,000"]


def rows(job: Job) -> pd.DataFrame:
    """The rows of one part of one case."""
    case, found = Case(*job[:3]), []
    fitting, scored = halves(case)
    for method, facts in PARTS[job.part](case, fitting):
        own = fitting.uns["tgt"].get("programs")
        number = np.nan if own is None else len(own["names"])
        labels = {**case._asdict(), "method": method}
        table = scores(fitting, scored).assign(n_programs=number, **facts)
        found.append(pd.concat([pd.DataFrame(labels, index=table.index), table], axis=1))
    return pd.concat(found, ignore_index=True)


def ordered(table: pd.DataFrame) -> pd.DataFrame:
    """Cases and parts in the order in which they are written down here."""
    known = dict(zip(Job._fields, (SETS, MAPS, DEPTHS, PARTS), strict=True))
    return table.sort_values([*known], key=lambda own: own.map([*known[own.name]].index), kind="stable")
