"""Names of programmes: leading genes, or what the programme plainly is; always unique."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from scgce.programs.names import name_programs, unique


def named(*sets: list[str]) -> list[str]:
    genes = np.array(sorted({gene for members in sets for gene in members}), dtype=object)
    weights = np.zeros((len(genes), len(sets)))
    for m, members in enumerate(sets):
        for rank, gene in enumerate(members):
            weights[np.flatnonzero(genes == gene), m] = len(members) - rank
    return name_programs(sparse.csc_array(weights > 0), sparse.csc_array(weights), genes)


@pytest.mark.parametrize(
    ("members", "name"),
    [
        (["CD79A", "MS4A1", "CD79B", "CD19"], "CD79A MS4A1 CD79B"),
        (["RPS27", "RPL32", "RPLP1", "RPSA", "EEF1A1"], "ribosomal (RPS27 RPL32)"),
        (["Rps27", "Rpl32", "Rpl10a"], "ribosomal (Rps27 Rpl32)"),
        (["RPS6KA1", "RPS6KB1", "RPS6KA3"], "RPS6KA1 RPS6KB1 RPS6KA3"),  # kinases
        (["MT-CO1", "MT-ND2", "MT-CYB"], "mitochondrial (MT-CO1 MT-ND2)"),
        (["mt-Co1", "mt-Nd2"], "mitochondrial (mt-Co1 mt-Nd2)"),
        (["MT1X", "MT2A", "MT1E"], "MT1X MT2A MT1E"),  # metallothioneins
        (["MKI67", "TOP2A", "HIST1H4C", "CDK1", "BIRC5"], "cell cycle (MKI67 TOP2A)"),
        (["RPS27", "CD3E", "IL7R", "RPL32"], "RPS27 CD3E IL7R"),
        (["one"], "one"),
    ],
)
def test_names(members: list[str], name: str) -> None:
    assert named(members) == [name]


def test_equal_weights_are_named_in_the_order_of_the_genes_names() -> None:
    genes = np.array(["c", "a", "b", "d"], dtype=object)
    ones = sparse.csc_array(np.ones((4, 1)))
    assert name_programs(ones, ones, genes) == ["a b c"]


def test_names_are_unique() -> None:
    assert unique(["a", "a", "b", "a", "a (2)"]) == ["a", "a (2)", "b", "a (3)", "a (2) (2)"]
