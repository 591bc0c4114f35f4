"""Checks of arguments that say how to explain; those of every function are in `scgce._api.constraints`."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from scgce.core.choose.select import METHODS

AUTO = (1, 2, 5, 10, 20, 50, 100, 200)


def check_sparsity(sparsity: Any, n_genes: int) -> list[int]:
    """The sweep: ascending numbers of genes per pair, at most d.

    Raises
    ------
    ValueError
        If a number is below 1 or above the number of genes that may be used.
    TypeError
        If it is not "auto", a whole number or a sequence of them.
    """
    if isinstance(sparsity, str):
        if sparsity != "auto":
            raise ValueError(f"sparsity={sparsity!r}: expected 'auto', a whole number or a sequence of whole numbers")
        return sorted({min(k, n_genes) for k in AUTO})
    wanted = list(sparsity) if isinstance(sparsity, Sequence | np.ndarray | range) else [sparsity]
    if not wanted:
        raise ValueError("sparsity=[]: expected at least one number of genes")
    for k in wanted:
        if isinstance(k, bool) or not isinstance(k, Integral):
            raise TypeError(f"sparsity={k!r}: expected 'auto', a whole number or a sequence of whole numbers")
        if not 1 <= int(k) <= n_genes:
            raise ValueError(f"sparsity={k}: expected between 1 and {n_genes}, the number of genes that may be used")
    return sorted({int(k) for k in wanted})


def check_choice(name: str, value: Any, accepted: Sequence[str]) -> None:
    """One of a few words."""
    if value not in accepted:
        raise ValueError(f"{name}={value!r}: expected one of {', '.join(map(repr, accepted))}")


def check_positive(name: str, value: Any, *, none_means: str | None = None) -> None:
    """A finite number above 0, or None where that means something."""
    if value is None and none_means is not None:
        return
    accepted = "a finite number above 0" + (f", or None for {none_means}" if none_means else "")
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name}={value!r}: expected {accepted}")
    if not 0 < float(value) < float("inf"):
        raise ValueError(f"{name}={value!r}: expected {accepted}")


GENES = 3.0
"""Largest amount of a gene in units of its real difference, where nothing is asked for."""


def amplitude_of(amplitude: Any, *, in_programs: bool = False) -> float | None:
    """The bound of the amounts: 3 for genes, the real differences for programmes, or what is given.

    Raises
    ------
    ValueError, TypeError
        If it is no number above 0, or programmes are to be moved by anything else than the real differences.
    """
    if isinstance(amplitude, str):
        if amplitude != "auto":
            raise TypeError(f"amplitude={amplitude!r}: expected 'auto', a finite number above 0, or None (unbounded)")
        return 1.0 if in_programs else GENES
    check_positive("amplitude", amplitude, none_means="unbounded amounts")
    if in_programs and amplitude != 1:
        raise ValueError(
            f"amplitude={amplitude!r} with programs: programmes are moved by the real differences of the groups' "
            "means; expected 'auto' or 1"
        )
    return None if amplitude is None else float(amplitude)


def check_for_programs(**given: Any) -> None:
    """Refuse what has a meaning for genes only.

    Raises
    ------
    ValueError
        If one of the arguments is not its default.
    """
    defaults = {"method": "refine", "lam": None, "penalty": "pair", "nonnegative": False}
    for name, value in given.items():
        plain = isinstance(value, str | bool | type(None))
        if not plain or value != defaults[name]:
            raise ValueError(
                f"{name}={value!r} with programs has no meaning: it says how single genes are chosen; expected "
                f"{defaults[name]!r}"
            )


def check_bounded(amplitude: float | None, *, nonnegative: bool, pairs: Any) -> None:
    """Refuse unbounded amounts together with what bounded ones alone can do.

    The penalty of unbounded amounts sorts all groups (Eq. 9); over some pairs only it would have no exact step.

    Raises
    ------
    ValueError
        If ``amplitude`` is None and one of the others is given.
    """
    if nonnegative and amplitude is None:
        raise ValueError("nonnegative=True with amplitude=None: expected an amplitude, which bounds the amounts")
    if amplitude is None and not (isinstance(pairs, str) and pairs == "all"):
        raise ValueError(f"pairs={pairs!r} with amplitude=None: expected an amplitude, or pairs='all'")


def check_lams(lam: Any) -> list[float] | None:
    """λ values to solve for, or None for a path."""
    if lam is None:
        return None
    if not isinstance(lam, Real | Sequence | np.ndarray | range):
        raise TypeError(f"lam={lam!r}: expected None, a number or a sequence of numbers")
    values = [lam] if isinstance(lam, Real) else list(lam)
    if not values:
        raise ValueError("lam=[]: expected None, a number or a sequence of numbers")
    for value in values:
        check_positive("lam", value)
    return [float(value) for value in values]


def check_epsilon(epsilon: Any) -> None:
    """A distance above 0, a rule, or None."""
    if isinstance(epsilon, str):
        check_choice("epsilon", epsilon, ("mean", "max"))
    else:
        check_positive("epsilon", epsilon, none_means="the rule 'mean'")


def clip_word(clip: bool | str | None, *, in_programs: bool = False) -> str:
    """How far translated cells may go: "range", "zero" or "none" (as stored); True means "zero", False "none".

    "auto" is "range" for genes and "none" for programmes, whose amounts are real.
    """
    if clip == "auto":
        return "none" if in_programs else "range"
    return clip if isinstance(clip, str) else "zero" if clip else "none"


def check_method(method: Any) -> None:
    """One of the named ways to k genes."""
    check_choice("method", method, METHODS)


def epsilon_rule(epsilon: Any) -> str:
    """How ε was found, for ``params``."""
    return epsilon if isinstance(epsilon, str) else "mean" if epsilon is None else "given"


def stored_seed(rng: int | np.random.Generator) -> int:
    """What is stored of a seed or a generator: the seed, -1 for a generator."""
    return -1 if isinstance(rng, np.random.Generator) else int(rng)


def seed_of(rng: int | np.random.Generator) -> int:
    """The seed meant by a seed or a generator."""
    return int(rng.integers(2**31)) if isinstance(rng, np.random.Generator) else int(rng)
