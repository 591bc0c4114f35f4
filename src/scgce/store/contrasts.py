"""The contrasts of a stored result: its pairs, each read in one direction, with what the two groups share."""

from __future__ import annotations

from dataclasses import dataclass

from scgce._api.columns import JOIN, reference_of, reference_words
from scgce._api.errors import listing, not_found

from .result import Result


@dataclass(frozen=True)
class Contrast:
    """Rows of the group that is read from and of the one that is read to, with the labels they share and do not."""

    source: int
    target: int
    within: str
    contrast: str


def contrasts_of(result: Result, reference: object = None) -> list[Contrast]:
    """The pairs that were explained, each once, by what they share.

    Of a result of all pairs of joined groups only those that differ in one column (that of the reference, if it is a
    label). Each is read from the group that the reference names or has the label of, and otherwise from the earlier.

    Parameters
    ----------
    result
        The result.
    reference
        A group or a label of one of the joined columns; None: as stored.

    Raises
    ------
    ValueError
        If several columns have the label, nothing has it, or there is no contrast.
    """
    names = [str(name) for name in result.groups]
    chosen = reference_of(result.params, names) if reference is None else reference
    word, column = reference_words(names, result.groupby, chosen)
    if not column and word and word not in (*names, "baseline"):
        raise not_found("reference", reference, f"the groups of {result.groupby!r} and their labels", names)
    columns = result.groupby.split(JOIN)
    parts = [name.split(JOIN) if len(columns) > 1 else [name] for name in names]
    at = columns.index(column) if column else None
    asked = "asked" in result.raw or str(result.params.get("pairs", "all")) != "all"
    found = []
    for i, j in result.ordered_pairs:
        differing = [c for c in range(len(columns)) if parts[i][c] != parts[j][c]]
        if i > j or (not asked and len(columns) > 1 and differing != [differing[0] if at is None else at]):
            continue
        from_j = names[j] == word or (at is not None and parts[j][at] == word != parts[i][at])
        source, target = (j, i) if from_j else (i, j)
        within = JOIN.join(part for c, part in enumerate(parts[i]) if c not in differing)
        ends = (JOIN.join(parts[end][c] for c in differing) for end in (source, target))
        found.append(Contrast(source, target, within, " → ".join(ends)))
    if not found:
        one = f"in {column!r}" if column else f"in one of {listing(columns)}"
        raise ValueError(
            f"key={result.key!r}: no two explained groups differ only {one}, so that there is no contrast; expected a "
            "result of tl.tgt(…, pairs='within:…') or of a list of pairs"
        )
    order = {within: place for place, within in enumerate(dict.fromkeys(one.within for one in found))}
    return sorted(found, key=lambda one: order[one.within])
