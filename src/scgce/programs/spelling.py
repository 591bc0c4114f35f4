"""Whether a collection of sets and a matrix name genes in the same way, and in which way they do not."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from scgce._api.symbols import naming_column

_ENSEMBL = re.compile(r"^ENS[A-Z]*G\d{5,}(\.\d+)?$")
_MOSTLY = 0.5
"""A refusal needs twice as many matches under another spelling: sets of the right spelling lose a few genes at most."""
_SOME = 0.1
_LOOK = 5000


def check_spelling(
    given: pd.Index, genes: np.ndarray, var: pd.DataFrame | None = None, argument: str = "source"
) -> None:
    """Refuse sets whose genes are named in another way.

    Parameters
    ----------
    given
        Genes that the sets name, each once.
    genes
        Genes of the matrix.
    var
        Table of the genes, in which a column may have the other names.
    argument
        What the caller calls the sets.

    Raises
    ------
    ValueError
        If more than twice as many genes would match without regard to case (mouse against human symbols) or to the
        version of an Ensembl identifier, if one side has Ensembl identifiers and the other has not, or if hardly any
        gene is found while a column of ``var`` has them.
    """
    if not len(given):
        return
    here = pd.Index(genes)
    exact = _share(given, here)
    reason, hint = _reason(given, here, exact), _hint(given, var, exact)
    if reason is None and hint and exact < _SOME:
        reason = f"{given[0]} against {here[0]}"
    if reason:
        raise ValueError(
            f"{argument} names its genes in another way than adata.var_names, so that only {exact:.0%} are found: "
            f"{reason}{hint}"
        )


def _reason(given: pd.Index, here: pd.Index, exact: float) -> str | None:
    ensembl = [_ensembl(names) for names in (given, here)]
    if exact < _SOME and ensembl[0] != ensembl[1]:
        words = ["Ensembl identifiers" if one else "symbols" for one in ensembl]
        return f"{words[0]} ({given[0]}) against {words[1]} ({here[0]}); translate the one into the other"
    folded = _share(given.str.casefold().unique(), here.str.casefold())
    if folded >= _SOME and exact < _MOSTLY * folded:
        known = dict(zip(here.str.casefold(), here, strict=True))
        one = next(name for name in given if name.casefold() in known and name not in here)
        return (
            f"{folded:.0%} match but for upper and lower case ({one} against {known[one.casefold()]}), as between human"
            " and mouse; translate the sets to the species of the cells"
        )
    if all(ensembl):
        bare = _share(
            given.str.partition(".").get_level_values(0).unique(), here.str.partition(".").get_level_values(0)
        )
        if bare >= _SOME and exact < _MOSTLY * bare:
            return f"{bare:.0%} match without the version behind the dot ({given[0]} against {here[0]}); take it off"
    return None


def _hint(given: pd.Index, var: pd.DataFrame | None, exact: float) -> str:
    """The column of the genes' table that has the names of the sets."""
    if var is None:
        return ""
    found = naming_column(var, given)
    if found is None or found[1] <= max(2 * exact, _SOME):
        return ""
    return f". adata.var[{found[0]!r}] has {found[1]:.0%} of them: gene_symbols={found[0]!r} matches by it"


def _share(given: pd.Index, here: pd.Index) -> float:
    return float(given.isin(here).mean())


def _ensembl(names: pd.Index) -> bool:
    look = names[:_LOOK]
    return sum(bool(_ENSEMBL.match(name)) for name in look) > _MOSTLY * len(look)
