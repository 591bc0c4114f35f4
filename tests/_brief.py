"""Short paths and descents for tests of what any explanation must be; the whole ones for tests of how good it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from scgce.core.choose import plan
from scgce.core.choose.refine import RefineOptions, options_for
from scgce.core.solve.path import PathPoints, fit_path
from scgce.explain import choose, fit

LITTLE, PATH = plan.LITTLE, fit.PATH
STEPS = 10
"""Of a descent; a user's have 40 or 80."""
PER_DECADE = 5
"""λ of a path between one and ten times as much, where a user's has ten."""


def _few_steps(n_genes: int, n_pairs: int) -> RefineOptions:
    return replace(options_for(n_genes, n_pairs), steps=STEPS)


def _few_lambdas(*args: Any, per_decade: int, **options: Any) -> PathPoints:
    return fit_path(*args, per_decade=min(per_decade, PER_DECADE), **options)


def _set(little: int, options: object, path: object, stopping: object) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "LITTLE", little)
        patch.setattr(fit, "fit_path", path)
        patch.setattr(fit, "PATH", stopping)
        for module in (choose, fit):
            patch.setattr(module, "options_for", options)
        yield


@contextmanager
def brief() -> Iterator[None]:
    """Tables of more than 30 genes are explained as large ones are, in fewer steps and from a coarser path."""
    yield from _set(0, _few_steps, _few_lambdas, fit.COARSE)


@contextmanager
def thorough() -> Iterator[None]:
    """As users are served: for tests of quality, where fewer steps or descents would be worse."""
    yield from _set(LITTLE, options_for, fit_path, PATH)
