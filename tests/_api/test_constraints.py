"""What an argument may be: each constraint against values on both sides of its edge, and the check at the door."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from scgce._api import constraints as module
from scgce._api.constraints import CONSTRAINTS, ArgumentError, Constraint, checked, one_of, sequence_of, whole

NAN, INF = float("nan"), float("inf")

# Constraint → values it accepts, values it refuses.
EDGES: dict[str, tuple[Constraint, tuple[Any, ...], tuple[Any, ...]]] = {
    "whole": (whole(1), (1, 2, np.int64(1)), (0, -1, 1.0, True, "1", None, NAN)),
    "whole from 0": (whole(0), (0, 1), (-1, False)),
    "positive": (module.POSITIVE, (1e-300, 1, np.float32(2)), (0, 0.0, -1, NAN, INF, True, "1", None)),
    "not negative": (module.NOT_NEGATIVE, (0, 0.0, 1.5), (-1e-300, NAN, INF)),
    "share": (module.SHARE, (0, 0.5, 1), (-1e-9, 1 + 1e-9, NAN, True)),
    "inside": (module.INSIDE, (1e-9, 0.5), (0, 1, NAN)),
    "below one": (module.BELOW_ONE, (0, 0.999), (-1e-9, 1, NAN)),
    "flag": (module.FLAG, (True, False, np.True_), (0, 1, "yes", None)),
    "name": (module.TEXT, ("a", ""), (1, None, ["a"])),
    "new name": (module.NEW_NAME, ("a", "a b"), ("", "a/b", 1, None)),
    "seed": (module.SEED, (0, np.random.default_rng(0)), (-1, None, 0.5, "seed")),
    "judges": (module.JUDGES, (True, {}, {"mine": type("Judge", (), {"predict": len})}), (1, None, {"mine": 3})),
    "sequence": (sequence_of(whole(1), 1), ((1,), [2, 3], np.array([4])), ((), (0,), "12", 3, np.ones((1, 1), int))),
    "empty sequence": (sequence_of(whole(1), 0), ((), [1]), ((0,),)),
    "words": (one_of("pca", "random"), ("pca", "random"), ("PCA", 3, None)),
}


@pytest.mark.parametrize("name", EDGES)
def test_the_edge_of_a_constraint(name: str) -> None:
    constraint, accepted, refused = EDGES[name]
    assert [value for value in accepted if not constraint.accepts(value)] == []
    assert [value for value in refused if constraint.accepts(value)] == []


def test_axes_are_told_from_what_looks_like_them() -> None:
    figure, ax = plt.subplots()
    assert module.AXES.accepts(ax) and not module.AXES.accepts(figure) and not module.AXES.accepts("axes")
    plt.close(figure)


def test_either_of_two_accepts_what_one_does_and_says_both() -> None:
    either = whole(1) | one_of("auto")
    assert [either.accepts(value) for value in (1, "auto", 0, "other")] == [True, True, False, False]
    assert either.words == "a whole number of at least 1 or one of 'auto'"


def test_entries_of_the_table_can_be_replaced_and_taken_out() -> None:
    @checked(size=None, key=one_of("a"))
    def tool(n_genes: int = 1, *, size: float = 1.0, key: str = "a") -> tuple[int, float, str]:
        return n_genes, size, key

    assert tool(2, size=-1.0) == (2, -1.0, "a")
    assert tool.__constraints__["n_genes"] is CONSTRAINTS["n_genes"]  # type: ignore[attr-defined]
    with pytest.raises(ArgumentError, match=r"^key='b': expected one of 'a'$"):
        tool(key="b")
    with pytest.raises(ValueError, match=r"^n_genes=0: expected a whole number of at least 1$"):
        tool(0)


def test_what_the_call_itself_says_best_is_left_to_it() -> None:
    @checked()
    def tool(n_genes: int) -> int:
        return n_genes

    for call in (lambda: tool(), lambda: tool(1, 2), lambda: tool(n_gene=1)):
        with pytest.raises(TypeError, match="argument") as caught:
            call()
        assert not isinstance(caught.value, ArgumentError)


def test_long_values_are_shown_on_one_short_line() -> None:
    @checked()
    def tool(hidden: object) -> None: ...

    with pytest.raises(ArgumentError) as caught:
        tool(np.zeros((30, 30)))
    shown = str(caught.value).removeprefix("hidden=").partition(": expected")[0]
    assert "\n" not in shown and len(shown) == 81 and shown.endswith("…")
