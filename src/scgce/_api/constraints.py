"""What the arguments of public functions may be, as data: one table by name, checked at the door of every function.

Checked here is what an argument is by itself. What depends on the data (a name that is not there, more genes than
there are) is checked where the data are read.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from anndata import AnnData

from scgce._api.errors import shown
from scgce._api.keys import check_key
from scgce._api.progress import speaking

F = TypeVar("F", bound=Callable[..., Any])
STANDARD_JUDGES = ("logreg", "knn")
"""Names of the judges that score every explanation."""


class ArgumentError(ValueError, TypeError):
    """An argument that cannot be used, be it for its type or for its value."""


@dataclass(frozen=True)
class Constraint:
    """What a value must be: a predicate, and its words."""

    accepts: Callable[[Any], bool]
    words: str

    def __or__(self, other: Constraint) -> Constraint:
        """Either of two."""
        return Constraint(lambda value: self.accepts(value) or other.accepts(value), f"{self.words} or {other.words}")


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_) and math.isfinite(value)


def whole(least: int) -> Constraint:
    """A whole number of at least ``least``."""
    return Constraint(
        lambda value: isinstance(value, Integral) and not isinstance(value, bool) and value >= least,  # type: ignore[operator]
        f"a whole number of at least {least}",
    )


def between(low: float, high: float) -> Constraint:
    """A number from ``low`` to ``high``."""
    return Constraint(lambda value: _is_number(value) and low <= value <= high, f"a number from {low:g} to {high:g}")


def sequence_of(item: Constraint, least: int) -> Constraint:
    """A list, tuple or array of at least ``least`` of them."""
    return Constraint(
        lambda value: (
            isinstance(value, Sequence | np.ndarray | pd.Index | pd.Series)
            and not isinstance(value, str)
            and np.ndim(value) == 1
            and len(value) >= least
            and all(item.accepts(one) for one in value)
        ),
        f"a sequence{' of one or more' if least else ''}, each {item.words}",
    )


def one_of(*words: str) -> Constraint:
    """One of a few words."""
    return Constraint(lambda value: isinstance(value, str) and value in words, f"one of {', '.join(map(repr, words))}")


NONE = Constraint(lambda value: value is None, "None")
FLAG = Constraint(lambda value: isinstance(value, bool | np.bool_), "True or False")
TEXT = Constraint(lambda value: isinstance(value, str), "a name")
NAME = Constraint(lambda value: isinstance(value, str) and value != "", "a name")
NEW_NAME = Constraint(lambda value: isinstance(value, str) and value != "" and "/" not in value, "a name without '/'")
POSITIVE = Constraint(lambda value: _is_number(value) and value > 0, "a finite number above 0")
NOT_NEGATIVE = Constraint(lambda value: _is_number(value) and value >= 0, "a finite number of at least 0")
SHARE = between(0, 1)
INSIDE = Constraint(lambda value: _is_number(value) and 0 < value < 1, "a number between 0 and 1")
BELOW_ONE = Constraint(lambda value: _is_number(value) and 0 <= value < 1, "a number of at least 0, below 1")
DATA = Constraint(lambda value: isinstance(value, AnnData), "an AnnData")
SEED = whole(0) | Constraint(lambda value: isinstance(value, np.random.Generator), "a numpy.random.Generator")
JUDGES = FLAG | Constraint(
    lambda value: (
        isinstance(value, Mapping)
        and all(NEW_NAME.accepts(name) and name not in STANDARD_JUDGES for name in value)
        and all(callable(getattr(judge, "predict", None)) for judge in value.values())
    ),
    f"a mapping from names (without '/'; not {' or '.join(STANDARD_JUDGES)}) to fitted classifiers with predict",
)
SWEEP = one_of("auto") | whole(1) | sequence_of(whole(1), 1)
EPSILON = POSITIVE | NONE | one_of("mean", "max")
AXES = Constraint(lambda value: hasattr(value, "get_subplotspec"), "matplotlib Axes")

CONSTRAINTS: dict[str, Constraint] = {
    "adata": DATA,
    "other": DATA | NONE,
    "groupby": TEXT | sequence_of(TEXT, 1),
    "use_rep": TEXT | NONE,
    "basis": TEXT | NONE,
    "layer": NAME | NONE,
    "gene_symbols": TEXT | NONE,
    "key": TEXT,
    "other_key": TEXT,
    "key_added": NEW_NAME,
    "neighbors_key": TEXT | NONE,
    "label": TEXT,
    "copy": FLAG,
    "count": one_of("mean", "max"),
    "clip": FLAG | NONE | one_of("range", "zero"),
    "consistent": FLAG,
    "nonnegative": FLAG,
    "refit": FLAG,
    "leave_one_out": FLAG,
    "per_cell": FLAG,
    "include_self": FLAG,
    "judges": JUDGES,
    "rng": SEED,
    "min_cells": whole(1),
    "sparsity": whole(1) | NONE,
    "other_sparsity": whole(1) | NONE,
    "validation_fraction": BELOW_ONE,
    "split_by": TEXT | NONE,
    "n_components": whole(1),
    "n_pcs": whole(1),
    "n_pairs": whole(1),
    "n_steps": whole(1),
    "n_bootstraps": whole(2),
    "n_permutations": whole(0),
    "n_random": whole(0),
    "n_epochs": POSITIVE | NONE,
    "n_jobs": whole(1) | Constraint(lambda value: _is_number(value) and value == -1, "-1") | NONE,
    "batch_size": whole(1),
    "patience": whole(0),
    "negative_sample_rate": whole(1),
    "learning_rate": POSITIVE,
    "weight_decay": NOT_NEGATIVE,
    "perplexity": POSITIVE,
    "min_dist": NOT_NEGATIVE,
    "spread": POSITIVE,
    "noise": NOT_NEGATIVE | NONE,
    "hidden": sequence_of(whole(1), 1),
    "init": one_of("pca", "random"),
    "missing": one_of("mean", "zero", "error"),
    "interval": INSIDE,
    "threshold": SHARE,
    "doses": sequence_of(Constraint(_is_number, "a finite number"), 1),
    "lineage": TEXT | Constraint(lambda value: isinstance(value, Mapping), "a mapping from groups to lineages"),
    "n_genes": whole(1),
    "amplitude": POSITIVE | NONE | one_of("auto"),
    "lam": POSITIVE | NONE | sequence_of(POSITIVE, 1),
    "epsilon": EPSILON,
    "budget": NOT_NEGATIVE | NONE,
    "fixed": sequence_of(TEXT, 0)
    | Constraint(
        lambda value: isinstance(value, pd.Index | pd.Series) and all(map(TEXT.accepts, value)), "an Index or Series"
    ),
    "programs": TEXT
    | NONE
    | Constraint(lambda value: isinstance(value, Mapping), "a mapping from programmes to genes"),
    "pair_weights": TEXT | NONE | Constraint(lambda value: isinstance(value, pd.DataFrame), "a pandas.DataFrame"),
    "restrict": FLAG,
    "min_genes": whole(1),
    "rest": FLAG,
    "n_labels": whole(0),
    "n_programs": whole(1) | NONE,
    "max_cells": whole(1),
    "n_items": whole(1),
    "nearest": whole(1) | NONE,
    "size": POSITIVE | NONE,
    "order": TEXT | sequence_of(Constraint(lambda _: True, "names"), 1),
    "ax": AXES | NONE,
}


def checked(**own: Constraint | None) -> Callable[[F], F]:
    """Check the arguments of a public function against the table; ``own`` replaces entries of it, None takes one out.

    Raises
    ------
    ArgumentError
        Which is a ValueError and a TypeError; it names the argument, the value and what would be accepted.
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        table = {**CONSTRAINTS, **own}
        name_shown = ".".join(part for part in (*function.__module__.split(".")[1:2], function.__name__))
        watched = {name: table[name] for name in signature.parameters if table.get(name) is not None}

        @functools.wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            given = _bound(signature, args, kwargs)
            for name, value in given.items():
                constraint = watched.get(name)
                if constraint is not None and not constraint.accepts(value):
                    raise ArgumentError(f"{name}={shown(value)}: expected {constraint.words}")
            if "copy" in signature.parameters:
                _check_writable(given.get("adata"), bool(given.get("copy", False)))
            if "key_added" in signature.parameters:
                bound = {name: parameter.default for name, parameter in signature.parameters.items()} | dict(given)
                _check_key_added(function.__name__, bound)
            with speaking(name_shown):
                return function(*args, **kwargs)

        guarded.__constraints__ = watched  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return decorate


def _check_writable(adata: Any, copy: bool) -> None:
    """Refuse what anndata cannot write to or copy, before anything is computed."""
    if not isinstance(adata, AnnData) or not adata.isbacked:
        return
    if adata.is_view:
        raise ValueError("adata is a view of a backed file, which cannot hold a result; expected adata[…].to_memory()")
    if copy:
        raise ValueError("copy=True: adata is backed by a file; expected adata.to_memory(), or copy=False")


def _check_key_added(tool: str, bound: Mapping[str, Any]) -> None:
    """Refuse to write where another tool has written, or what is read, before anything is computed."""
    key = bound["key_added"]
    if isinstance(bound.get("adata"), AnnData) and isinstance(key, str):
        read = {name: bound.get(name) for name in ("key", "use_rep", "programs") if tool != "embed_new"}
        check_key(bound["adata"], key, tool, read)


def _bound(signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return signature.bind(*args, **kwargs).arguments
    except TypeError:  # the call itself says best what is missing or unknown
        return {}
