"""Short descents for tests of what any explanation must be; the whole ones for tests of how good it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from scgce.core.choose import plan
from scgce.core.choose.refine import RefineOptions, options_for
from scgce.explain import choose, fit

LITTLE = plan.LITTLE
STEPS = 20
"""Of a descent; a user's have 40 or 80."""


def _few_steps(n_genes: int, n_pairs: int) -> RefineOptions:
    return replace(options_for(n_genes, n_pairs), steps=STEPS)


def _set(little: int, options: object) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "LITTLE", little)
        for module in (choose, fit):
            patch.setattr(module, "options_for", options)
        yield


@contextmanager
def brief() -> Iterator[None]:
    """Tables of more than 30 genes are explained as large ones are, in fewer steps: a sixth of the time."""
    yield from _set(0, _few_steps)


@contextmanager
def thorough() -> Iterator[None]:
    """As users are served: for tests of quality, where fewer steps or descents would be worse."""
    yield from _set(LITTLE, options_for)
