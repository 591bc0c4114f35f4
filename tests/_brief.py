"""Short paths and descents for tests of what any explanation must be; the whole ones for tests of how good it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from scgce.core.choose import baselines, plan
from scgce.core.choose.refine import RefineOptions, options_for
from scgce.core.solve.path import PathPoints, fit_path
from scgce.encoders import Encoder, _resolve, distill_student
from scgce.encoders._train import Training
from scgce.explain import choose, fit

LITTLE, PATH, FACTORS = plan.LITTLE, fit.PATH, baselines.FACTORS
STEPS = 10
"""Of a descent; a user's have 40 or 80."""
PER_DECADE = 3
"""λ of a path between one and ten times as much, where a user's has ten."""
FEW_FACTORS = (1.0, 2.0)
"""Tried for a difference of means besides the largest allowed, where a user's has twelve."""
OF_A_STUDENT = Training(max_steps=200)
"""A map without an encoder is learned in a third of the steps."""


def _few_steps(n_genes: int, n_pairs: int) -> RefineOptions:
    return replace(options_for(n_genes, n_pairs), steps=STEPS)


def _few_lambdas(*args: Any, per_decade: int, **options: Any) -> PathPoints:
    return fit_path(*args, per_decade=min(per_decade, PER_DECADE), **options)


def _short_student(*args: Any, **options: Any) -> Encoder:
    return distill_student(*args, **{"how": OF_A_STUDENT, **options})


def _set(
    little: int, options: object, path: object, stopping: object, factors: tuple[float, ...], student: object
) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "LITTLE", little)
        patch.setattr(baselines, "FACTORS", factors)
        patch.setattr(_resolve, "distill_student", student)
        patch.setattr(fit, "fit_path", path)
        patch.setattr(fit, "PATH", stopping)
        for module in (choose, fit):
            patch.setattr(module, "options_for", options)
        yield


@contextmanager
def brief() -> Iterator[None]:
    """Tables of more than 30 genes are explained as large ones are, in fewer steps and from a coarser path."""
    yield from _set(0, _few_steps, _few_lambdas, fit.COARSE, FEW_FACTORS, _short_student)


@contextmanager
def thorough() -> Iterator[None]:
    """As users are served: for tests of quality, where fewer steps or descents would be worse."""
    yield from _set(LITTLE, options_for, fit_path, PATH, FACTORS, distill_student)
