"""Names of learned programmes: what they are where that is plain, else their leading genes."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from scipy import sparse

LEADING = 3
"""Genes in a name: two are often one family (CD79A CD79B), four no longer fit on a picture's axis."""
_LOOK = 10
_PLAIN = 0.7
"""Share of the first ten genes that must be of a kind for the kind to be the name. A cell-cycle programme also holds
histones and tubulins, a ribosomal one elongation factors; immune programmes reach 0.1 at most."""

# S and G2/M genes of Tirosh et al., Science 352 (2016) 189, table S5, that are seen in most data.
_CELL_CYCLE = (
    "MCM5 PCNA TYMS FEN1 MCM2 MCM4 RRM1 UNG GINS2 MCM6 CDCA7 DTL PRIM1 UHRF1 HELLS RFC2 NASP GMNN WDR76 SLBP "
    "CCNE2 MSH2 ATAD2 RAD51 RRM2 CDC45 CDC6 EXO1 TIPIN DSCC1 BLM CASP8AP2 USP1 CLSPN POLA1 CHAF1B BRIP1 E2F8 "
    "HMGB2 CDK1 NUSAP1 UBE2C BIRC5 TPX2 TOP2A NDC80 CKS2 NUF2 CKS1B MKI67 TMPO CENPF TACC3 SMC4 CCNB2 CKAP2L "
    "CKAP2 AURKB BUB1 KIF11 ANP32E TUBB4B GTSE1 KIF20B HJURP CDCA3 CDC20 TTK CDC25C KIF2C RANGAP1 NCAPD2 DLGAP5 "
    "CDCA2 CDCA8 ECT2 KIF23 HMMR AURKA PSRC1 ANLN LBR CKAP5 CENPE CTCF NEK2 G2E3 CBX5 CENPA PCLAF STMN1 HMGB1 "
    "H2AFZ H2AZ1 TUBA1B"
)
_KINDS = {
    "ribosomal": re.compile(r"^(RP[SL]\d+[AXYL]?\d?|RPLP[0-2]|RPSA)$", re.IGNORECASE),
    "mitochondrial": re.compile(r"^MT-", re.IGNORECASE),
    "cell cycle": re.compile(rf"^({_CELL_CYCLE.replace(' ', '|')})$", re.IGNORECASE),
}


def name_programs(membership: sparse.csc_array, weights: sparse.csc_array, genes: np.ndarray) -> list[str]:
    """Name every programme.

    Parameters
    ----------
    membership, weights
        Shares of the genes (d, M) and how much each leads.
    genes
        Names (d,).

    Returns
    -------
    M unique names: ``"ribosomal (RPS27 RPL32)"``, ``"mitochondrial (…)"`` or ``"cell cycle (…)"`` where at least 0.7
    of the first ten genes are of that kind, else the first three genes.
    """
    ranked = []
    for m in range(membership.shape[1]):
        span = slice(weights.indptr[m], weights.indptr[m + 1])
        inside = genes[weights.indices[span]].astype(str)
        ranked.append(list(inside[np.lexsort((inside, -weights.data[span]))]))
    return unique([_name(one) for one in ranked])


def _name(ranked: Sequence[str]) -> str:
    first = ranked[:_LOOK]
    for kind, pattern in _KINDS.items():
        if sum(bool(pattern.match(gene)) for gene in first) >= _PLAIN * len(first):
            return f"{kind} ({' '.join(ranked[: LEADING - 1])})"
    return " ".join(ranked[:LEADING])


def unique(names: Sequence[str]) -> list[str]:
    """The names with a number behind those that occurred before."""
    taken: set[str] = set()
    found = []
    for name in names:
        number, one = 1, name
        while one in taken:
            number += 1
            one = f"{name} ({number})"
        taken.add(one)
        found.append(one)
    return found
