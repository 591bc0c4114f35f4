"""The check of a stored entry: every field of every part, one at a time of another shape or type."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from scgce.store.layout import Fields, check_fields, check_params

L, D, K = 3, 5, 2


def entry() -> dict[str, Any]:
    """An entry with a field of every kind, by hand from the description of the storage format."""
    return {
        "sizes": np.array([4, 5, 6]),
        "means": np.zeros((L, D), np.float32),
        "judge_knn": np.zeros((L, L)),
        "center_distance": np.float64(1.0),
        "split": np.zeros(15, np.int8),
        "pair_deltas": sparse.csr_matrix((L * L, D), dtype=np.float32),
        "sweep": {
            "sparsity": np.array([1, 2]),
            "similarity": np.zeros(K - 1),
            "deltas": sparse.csr_matrix((K * L, D), dtype=np.float32),
            "dbm_correctness": np.zeros((K, L, L)),
        },
        "path": {"lam": np.ones(4), "objective": np.ones(4)},
        "evidence": {
            "doses": np.array([0.0, 1.0]),
            "dose_correctness": np.zeros((2, L, L)),
            "unexplained_source": np.array(["a", "b"]),
            "unexplained_reason": np.array(["offset", "shape"]),
        },
        "stability": {"frequency": sparse.csr_matrix((L * L, D)), "n_bootstraps": 20},
    }


def places() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, value in entry().items():
        found += [(name, inner) for inner in value] if isinstance(value, dict) else [(name,)]
    return found


def changed(place: tuple[str, ...], change: Any) -> dict[str, Any]:
    found = entry()
    holder = found if len(place) == 1 else found[place[0]]
    holder[place[-1]] = change(holder[place[-1]])
    return found


def test_a_sound_entry_passes_and_says_what_it_lacks() -> None:
    fields = check_fields(entry(), "uns['tgt']", L, D)
    assert isinstance(fields["sweep"], Fields) and fields["path"]["lam"].tolist() == [1.0] * 4
    with pytest.raises(ValueError, match=r"uns\['tgt'\] has no 'deltas': the entry was truncated or edited"):
        fields["deltas"]
    with pytest.raises(ValueError, match=r"uns\['tgt'\]\['sweep'\] has no 'lam'"):
        fields["sweep"]["lam"]


@pytest.mark.parametrize("place", places(), ids="/".join)
def test_one_more_dimension_is_refused(place: tuple[str, ...]) -> None:
    wrong = changed(place, lambda value: np.asarray(value.toarray() if sparse.issparse(value) else value)[..., None])
    with pytest.raises(ValueError, match=f"'{place[-1]}'] has shape .*truncated or edited"):
        check_fields(wrong, "uns['tgt']", L, D)


@pytest.mark.parametrize(
    "place", [place for place in places() if place[-1] not in ("split", "lam", "doses")], ids="/".join
)
def test_one_row_less_is_refused(place: tuple[str, ...]) -> None:
    """But for the first field of a size that nothing else gives: that one says it."""
    holder = entry() if len(place) == 1 else entry()[place[0]]
    if not np.shape(holder[place[-1]]) or place[-1] in ("sparsity", "unexplained_source"):
        return
    with pytest.raises(ValueError, match=f"'{place[-1]}'] has shape .*truncated or edited"):
        check_fields(changed(place, lambda value: value[:-1]), "uns['tgt']", L, D)


@pytest.mark.parametrize("place", places(), ids="/".join)
def test_names_for_numbers_and_numbers_for_names_are_refused(place: tuple[str, ...]) -> None:
    names = place[-1].startswith("unexplained")
    other = np.zeros(2) if names else np.array(["a", "b"])
    with pytest.raises(ValueError, match=f"'{place[-1]}'] holds .*; expected {'names' if names else 'numbers'}"):
        check_fields(changed(place, lambda _: other), "uns['tgt']", L, D)


def test_groups_and_genes_of_another_number_are_named() -> None:
    with pytest.raises(ValueError, match=r"\['means'\] has shape \(3, 5\); expected l × d for l=3, d=6"):
        check_fields(entry(), "uns['tgt']", L, D + 1)


def test_fields_of_one_size_agree() -> None:
    with pytest.raises(ValueError, match=r"\['path'\]\['objective'\] has shape \(3,\); expected P for l=3, d=5, P=4"):
        check_fields(changed(("path", "objective"), lambda value: value[:3]), "uns['tgt']", L, D)


@pytest.mark.parametrize("part", ["sweep", "path", "evidence", "stability"])
def test_a_part_that_is_no_dict_is_refused(part: str) -> None:
    with pytest.raises(ValueError, match=rf"\['{part}'\] is a list; expected a dict of arrays"):
        check_fields(changed((part,), list), "uns['tgt']", L, D)


def test_a_sweep_without_its_sparsities_is_refused() -> None:
    found = entry()
    del found["sweep"]["sparsity"]
    with pytest.raises(ValueError, match=r"\['sweep'\] has no 'sparsity'"):
        check_fields(found, "uns['tgt']", L, D)


def test_parameters_are_of_their_type() -> None:
    good = {"groupby": "leiden", "seed": 0, "clip": "range", "amplitude": 3.0, "penalty": 1, "unknown": []}
    assert check_params(good, "params") == good
    earlier = [check_params({**good, "clip": flag}, "params")["clip"] for flag in (False, True)]
    assert earlier == ["none", "zero"]
    for name, value in (
        ("groupby", 3),
        ("seed", 0.0),
        ("seed", True),
        ("clip", 1),
        ("amplitude", "3"),
        ("penalty", True),
    ):
        with pytest.raises(ValueError, match=rf"params\['{name}'\] is {value!r}: the entry"):
            check_params({**good, name: value}, "params")
