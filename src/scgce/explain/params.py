"""What the arguments that say how to explain mean, and which of them go together.

What an argument is by itself is checked at the door (`scgce._api.constraints`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

AUTO = (1, 2, 5, 10, 20, 50, 100, 200)


def sweep_of(sparsity: Any, most: int, *, auto: Sequence[int] = AUTO, of: str = "genes that may be used") -> list[int]:
    """The sweep: ascending numbers of genes (or programmes) per pair, at most ``most`` of them.

    Raises
    ------
    ValueError
        If there are fewer than a number asks for.
    """
    wanted = [min(k, most) for k in auto] if isinstance(sparsity, str) else [int(k) for k in np.atleast_1d(sparsity)]
    for k in wanted:
        if k > most:
            raise ValueError(f"sparsity={k}: expected between 1 and {most}, the number of {of}")
    return sorted(set(wanted))


GENES = 3.0
"""Largest amount of a gene in units of its real difference, where nothing is asked for."""


def amplitude_of(amplitude: Any, *, in_programs: bool = False) -> float | None:
    """The bound of the amounts: 3 for genes, the real differences for programmes, or what is given.

    Raises
    ------
    ValueError
        If programmes are to be moved by anything else than the real differences.
    """
    if amplitude == "auto":
        return 1.0 if in_programs else GENES
    if in_programs and amplitude != 1:
        raise ValueError(
            f"amplitude={amplitude!r} with programs: programmes are moved by the real differences of the groups' "
            "means; expected 'auto' or 1"
        )
    return None if amplitude is None else float(amplitude)


def check_for_genes(count: str, gene_symbols: str | None, *per_gene: Any) -> None:
    """Refuse what has a meaning for programmes only; ``per_gene`` are arguments that may name genes.

    Raises
    ------
    ValueError
        If one of them is not its default.
    """
    if gene_symbols is not None and not any(isinstance(given, pd.Series | Mapping) for given in per_gene):
        raise ValueError(
            f"gene_symbols={gene_symbols!r} has a meaning with programs, gene_costs or mask_var that name genes only; "
            "scgce.get and scgce.pl show genes by them"
        )
    if count != "mean":
        raise ValueError(
            f"count={count!r} has a meaning with programs only: every pair has as many genes; expected 'mean'"
        )


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


def check_bounded(amplitude: float | None, *, nonnegative: bool) -> None:
    """Refuse unbounded amounts together with what bounded ones alone can do.

    Raises
    ------
    ValueError
        If ``amplitude`` is None and the other is given.
    """
    if nonnegative and amplitude is None:
        raise ValueError("nonnegative=True with amplitude=None: expected an amplitude, which bounds the amounts")


def lams_of(lam: Any) -> list[float] | None:
    """λ values to solve for, or None for a path."""
    return None if lam is None else [float(value) for value in np.atleast_1d(lam)]


def clip_word(clip: bool | str | None, *, in_programs: bool = False) -> str:
    """How far translated cells may go: "range", "zero" or "none" (as stored); True means "zero", False "none".

    "auto" is "range" for genes and "none" for programmes, whose amounts are real.
    """
    if clip == "auto":
        return "none" if in_programs else "range"
    return clip if isinstance(clip, str) else "zero" if clip else "none"


def epsilon_rule(epsilon: Any) -> str:
    """How ε was found, for ``params``."""
    return epsilon if isinstance(epsilon, str) else "mean" if epsilon is None else "given"


def stored_seed(rng: int | np.random.Generator) -> int:
    """What is stored of a seed or a generator: the seed, -1 for a generator."""
    return -1 if isinstance(rng, np.random.Generator) else int(rng)


def seed_of(rng: int | np.random.Generator) -> int:
    """The seed meant by a seed or a generator."""
    return int(rng.integers(2**31)) if isinstance(rng, np.random.Generator) else int(rng)
