"""The layout of a stored explanation, as data: what each field's shape and type must be, and the check of an entry.

Sizes are written l (groups), d (genes), K (sparsities) and, by other letters, whatever the first field says. A field
that is absent is named when it is asked for; only those of `REQUIRED` must be there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

PARAMS = "params"
VERSION = "scgce_version"

# Fields that every stored explanation has (see the storage format in the documentation).
REQUIRED = (PARAMS, "groups", "genes", "deltas", "correctness", "coverage", "epsilon")

DAMAGED = "the entry was truncated or edited"
CLIPS = ("range", "zero", "none")
NUMBERS, NAMES = "biuf", "OUST"

_SQUARE = ("l", "l")
_TOP: dict[str, tuple[str, ...]] = {
    "sizes": ("l",),
    **dict.fromkeys(("means", "reported_means"), ("l", "d")),
    **dict.fromkeys(("low", "high"), ("d",)),
    "percent_explained": _SQUARE,
    "n_genes": _SQUARE,
    "judge_": _SQUARE,
    "movable": ("d",),
    "asked": _SQUARE,
    "center_distance": (),
    "split": ("n",),
    "cell_digest": ("n",),
    "cell_group": ("n",),
    "donor_part": ("D",),
    "lam": ("L",),
    "gene_costs": ("d",),
    "pair_deltas": ("l*l", "d"),
}
_SCORED = ("correctness", "coverage", "dbm_correctness", "dbm_coverage", "dbm_scaled_", "validation_", "judge_")
_SWEPT = dict.fromkeys((*_SCORED, "consistent_"), ("K", "l", "l"))
_SWEEP = {
    "sparsity": ("K",),
    "lam": ("K",),
    "similarity": ("K-1",),
    "deltas": ("K*l", "d"),
    "deltas_consistent": ("K*l", "d"),
    "dbm_factor": ("K",),
    **dict.fromkeys(("changes", "changes_consistent"), ("K*l*l", "d")),
    "pair_deltas": ("K*l*l", "d"),
}
_PATH: dict[str, tuple[str, ...]] = dict.fromkeys(
    ("lam", "objective", "smooth", "gap", "n_genes_mean", "n_genes_max"), ("P",)
)
_EVIDENCE: dict[str, tuple[str, ...]] = {
    "sparsity": (),
    "n_permutations": (),
    "doses": ("T",),
    "dose_": ("T", "l", "l"),
    "random_genes": ("B",),
    **dict.fromkeys(("p_random", "triangle_error"), ()),
    **dict.fromkeys(("off_manifold", "below_zero", "consistency_price"), _SQUARE),
    **{f"{what}_{score}": _SQUARE for what in ("p", "p_random", "random") for score in ("correctness", "coverage")},
}
_MEMBERS: dict[str, tuple[str, ...]] = {"members": ("g",), "member_of": ("g",), "donors": ("D",)}
_DONORS: dict[str, tuple[str, ...]] = {
    "held_out": ("D",),
    **dict.fromkeys(("correctness", "left_out_correctness"), ("D", "l", "l")),
    **dict.fromkeys(("source", "target", "shift", "n", "agreeing", "low", "high", "agree"), ("R",)),
    "each": ("R", "D"),
    **dict.fromkeys(("sparsity", "interval", "family", "min_cells"), ()),
}
_DONOR_NAMES: dict[str, tuple[str, ...]] = {"donors": ("D",), "item": ("R",), "design": ("R",)}
_UNEXPLAINED = {f"unexplained_{name}": ("U",) for name in ("source", "target", "reason")}
_STABILITY: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("frequency", "low", "high"), ("l*l", "d")),
    "similarity": _SQUARE,
    "program_": ("M", "l", "l"),
    "level_agreement": ("M", "l"),
    **dict.fromkeys(("sparsity", "n_bootstraps", "interval"), ()),
}
_PROGRAMS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("membership", "weights"), ("M", "d")),
    "learned": ("M",),
    **dict.fromkeys(("levels", "amounts"), ("K", "M", "l")),
    **dict.fromkeys(("count_mean", "count_max", "n_genes"), ("K",)),
}
_UNITS: dict[str, tuple[str, ...]] = dict.fromkeys(("lowest", "highest", "whole", "base"), ())
_PARTS: dict[str, dict[str, tuple[str, ...]]] = {
    "units": _UNITS,
    "programs": _PROGRAMS,
    "sweep": {**_SWEEP, **_SWEPT},
    "path": _PATH,
    "evidence": _EVIDENCE,
    "stability": _STABILITY,
    "donor_evidence": _DONORS,
}
_PARAMS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(
        (
            "groupby",
            "layer",
            "use_rep",
            "split_by",
            "method",
            "reference",
            "device",
            "epsilon_rule",
            "programs",
            "count",
            "pairs",
            "reference_column",
        ),
        str,
    ),
    **dict.fromkeys(("sparsity_selected", "seed", "n_programs"), int),
    **dict.fromkeys(("pair_cut", "nonnegative", "joined"), bool),
    "clip": (bool, str),
    **dict.fromkeys(("amplitude", "penalty", "validation_fraction"), (int, float)),
}


class Fields(dict[str, Any]):
    """Stored fields; one that is not there is an error that says where it should be."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        super().__init__(values)
        self.where = where

    def __missing__(self, name: str) -> Any:
        """Say what is missing."""
        raise ValueError(f"{self.where} has no {name!r}: {DAMAGED}")


def check_fields(entry: Mapping[str, Any], where: str, n_groups: int, n_genes: int) -> Fields:
    """The entry with every field checked that is there.

    Raises
    ------
    ValueError
        If a field has another shape or type than the layout says; it names the field.
    """
    sizes = {"l": n_groups, "d": n_genes}
    _check_part(entry, _TOP, where, dict(sizes))
    _check_part(entry, _MEMBERS, where, dict(sizes), NAMES)
    checked = Fields(entry, where)
    for part, layout in _PARTS.items():
        if part not in entry:
            continue
        place = f"{where}[{part!r}]"
        if not isinstance(entry[part], Mapping):
            raise ValueError(f"{place} is a {type(entry[part]).__name__}; expected a dict of arrays: {DAMAGED}")
        if part == "sweep" and "sparsity" not in entry[part]:
            raise ValueError(f"{place} has no 'sparsity': {DAMAGED}")
        _check_part(entry[part], layout, place, dict(sizes))
        checked[part] = Fields(entry[part], place)
    if "evidence" in entry:
        _check_part(entry["evidence"], _UNEXPLAINED, f"{where}['evidence']", dict(sizes), NAMES)
    if "donor_evidence" in entry:
        _check_part(entry["donor_evidence"], _DONOR_NAMES, f"{where}['donor_evidence']", dict(sizes), NAMES)
    if "programs" in entry:
        sizes["M"] = entry["programs"]["membership"].shape[0]
        _check_part(entry["programs"], {"names": ("M",)}, f"{where}['programs']", sizes, NAMES)
    return checked


def check_params(params: Mapping[str, Any], where: str) -> Fields:
    """The parameters, each of its type.

    Raises
    ------
    ValueError
        If one has another type; it names the parameter.
    """
    for name, kind in _PARAMS.items():
        value = params.get(name)
        kinds = kind if isinstance(kind, tuple) else (kind,)
        if name in params and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
            raise ValueError(f"{where}[{name!r}] is {value!r}: {DAMAGED}")
    found = Fields(params, where)
    if "clip" in params:
        found["clip"] = _clip(params["clip"], where)
    return found


def _clip(value: bool | str, where: str) -> str:
    """How translated cells are bounded, in today's words: earlier files say True for "zero" and False for "none"."""
    word = value if isinstance(value, str) else "zero" if value else "none"
    if word not in CLIPS:
        raise ValueError(f"{where}['clip'] is {value!r}; expected one of {', '.join(CLIPS)}: {DAMAGED}")
    return word


def _check_part(
    part: Mapping[str, Any],
    layout: Mapping[str, tuple[str, ...]],
    where: str,
    sizes: dict[str, int],
    kinds: str = NUMBERS,
) -> None:
    for name, shape in layout.items():  # in the layout's order: the first field with a letter says its size
        for field in (field for field in part if field == name or (name.endswith("_") and field.startswith(name))):
            _check_field(part[field], shape, f"{where}[{field!r}]", sizes, kinds)


def _check_field(value: Any, shape: tuple[str, ...], where: str, sizes: dict[str, int], kinds: str) -> None:
    found = tuple(getattr(value, "shape", ()))
    dtype = getattr(value, "dtype", None) or np.asarray(value).dtype
    if dtype.kind not in kinds:
        raise ValueError(f"{where} holds {dtype}; expected {'numbers' if kinds == NUMBERS else 'names'}: {DAMAGED}")
    fits = len(found) == len(shape) and all(
        size == _size(word, sizes, size) for word, size in zip(shape, found, strict=True)
    )
    if not fits:
        wanted = " × ".join(shape) or "one number"
        raise ValueError(f"{where} has shape {found}; expected {wanted} for {_named(sizes)}: {DAMAGED}")


def _size(word: str, sizes: dict[str, int], found: int) -> int:
    """What a word such as ``K*l`` means; a letter without a size takes the one found."""
    if word.endswith("-1"):
        return sizes.setdefault(word[:-2], found + 1) - 1
    size = 1
    for letter in word.split("*"):
        size *= sizes.setdefault(letter, found)
    return size


def _named(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{letter}={size}" for letter, size in sizes.items())
