"""Warnings point at the line of the user's own code, however deep in the package they arise."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path

import anndata as ad
import numpy as np
import pytest

import scgce
from scgce._api.errors import NotFoundError
from scgce._api.warn import QualityWarning

PACKAGE = Path(scgce.__file__).parent


def counts(adata: ad.AnnData) -> None:
    """Whole numbers above 50."""
    adata.X = (np.expm1(adata.X.toarray()) * 20).round()


def scaled(adata: ad.AnnData) -> None:
    """``.raw`` holds the log values, X the scaled ones, from which the PCA was made."""
    adata.raw = adata.copy()
    X = adata.X.toarray()
    adata.X = X - X.mean(axis=0)


CALLS: dict[str, tuple[Callable[[ad.AnnData], None], Callable[[ad.AnnData], object], str]] = {
    "embedding of counts": (counts, lambda a: scgce.tl.scvis(a, use_rep="X", n_epochs=1), "looks like raw counts"),
    "scaled values": (
        scaled,
        lambda a: scgce.tl.dbm(a, "group", use_rep="X_pca", sparsity=20, judges=False),
        "has negative values",
    ),
    "few cells arrive": (
        lambda a: None,
        lambda a: scgce.tl.tgt(a, "group", use_rep="X_pca", sparsity=1, amplitude=0.1, judges=False, method="path"),
        "few cells arrive",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_warning_points_at_the_users_line(blobs: ad.AnnData, name: str) -> None:
    spoil, call, words = CALLS[name]
    spoil(blobs)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(blobs)
    (one,) = [one for one in caught if words in str(one.message)]
    assert one.filename == __file__


def test_a_weak_result_has_a_category_of_its_own(blobs: ad.AnnData) -> None:
    with pytest.warns(QualityWarning):
        CALLS["few cells arrive"][1](blobs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", QualityWarning)
        CALLS["few cells arrive"][1](blobs)


def test_there_is_one_way_to_warn_and_one_error_for_unknown_names() -> None:
    texts = {path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    assert {name for name, text in texts.items() if "warnings.warn(" in text} == {"_api/warn.py"}
    bare = {name for name, text in texts.items() if re.search(r"raise KeyError\(", text)}
    assert not bare


@pytest.mark.parametrize(
    "call",
    [
        lambda a: scgce.tl.tgt(a, "absent"),
        lambda a: scgce.tl.tgt(a, "group", use_rep="absent"),
        lambda a: scgce.tl.tgt(a, "group", use_rep="X_pca", layer="absent"),
        lambda a: scgce.tl.tgt(a, "group", use_rep="X_pca", groups=["T cell", "absent"]),
        lambda a: scgce.tl.tgt(a, "group", use_rep="X_pca", mask_var="absent"),
        lambda a: scgce.tl.evaluate(a, "absent"),
        lambda a: scgce.tl.lineages(a, {"absent": "x", "NK": "y"}, key="dbm"),
        lambda a: scgce.tl.lineages(a, "absent", key="dbm"),
        lambda a: scgce.tl.embed_new(a, key="absent"),
        lambda a: scgce.get.explanation(a, "absent", "NK", key="dbm"),
        lambda a: scgce.get.markers(a, "absent", key="dbm"),
        lambda a: scgce.get.metrics(a, sparsity=77, key="dbm"),
        lambda a: scgce.get.evidence(a, key="dbm"),
        lambda a: scgce.pl.groups(a, "absent", show=False),
        lambda a: scgce.pl.path(a, key="dbm", show=False),
        lambda a: scgce.datasets.modified(a, "absent", "gene1", 1.0),
    ],
)
def test_unknown_names_are_one_error(blobs: ad.AnnData, call: Callable[[ad.AnnData], object]) -> None:
    scgce.tl.dbm(blobs, "group", use_rep="X_pca", sparsity=20, judges=False)
    with pytest.raises(NotFoundError):
        call(blobs)
