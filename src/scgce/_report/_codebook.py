"""The codebook of a result in programmes, for the page's picture of it and its rows a pair."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from anndata import AnnData
from numpy.typing import NDArray

from scgce.pl._codebook import codebook_data
from scgce.store.programs import StoredPrograms, level_in_words
from scgce.store.result import Result

from ._encode import packed, quantised

LEADING = 5
"""Genes written out for a programme, as in `scgce.get.explanation`."""


def programmes(adata: AnnData, result: Result, labels: NDArray[np.object_] | None = None) -> dict[str, Any] | None:
    """
    Pack the programmes; None for a result in genes. ``labels`` (d,) name the genes.

    Returns
    -------
    ``names`` and ``n_genes`` (M,); ``leading``, names of the leading genes of each, and ``means`` (l, number of them
    all), one programme after the other; ``words``, for each number of levels what they are called; and ``levels``, for
    each sparsity ``level`` and ``amount`` (M, l), ``share`` (pairs i < j, M) of the pair's shift, and what the picture
    shows: ``groups`` and ``programs``, positions in the order drawn.
    """
    if "programs" not in result.raw:
        return None
    found = StoredPrograms.read(result)
    leading = [found.leading(m, LEADING) for m in range(len(found.names))]
    known = result.genes if labels is None else labels
    highest = 1 + int(np.asarray(result.raw["programs"]["levels"]).max())
    return {
        "names": [str(name) for name in found.names],
        "n_genes": found.n_genes,
        "leading": [[str(gene) for gene in known[genes]] for genes in leading],
        "means": packed(result.means[:, np.concatenate(leading)], "f4"),
        "words": [[level_in_words(level, n) for level in range(n)] if n > 1 else [""] for n in range(1, highest + 1)],
        "levels": [_level(adata, result, k) for k in result.swept],
    }


def _level(adata: AnnData, result: Result, k: int) -> dict[str, Any]:
    found = StoredPrograms.read(result, k)
    frame = codebook_data(adata, sparsity=k, key=result.key)
    share = np.array([found.share(i, j) for i, j in combinations(range(len(result.groups)), 2)])
    place = {str(name): row for row, name in enumerate(result.groups)}
    drawn = [place[str(name)] for name in dict.fromkeys(frame["group"])] or list(place.values())
    return {
        "level": packed(found.levels, "i2"),
        "amount": packed(found.amounts, "f4"),
        "share": quantised(share, 0.0, 1.0),
        "groups": drawn,
        "programs": [found.program(name) for name in dict.fromkeys(frame["program"])],
    }
