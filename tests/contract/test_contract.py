"""What every public function promises: its signature, what it leaves alone, what it writes, what it refuses."""

from __future__ import annotations

import inspect
from typing import Any

import anndata as ad
import matplotlib.pyplot as plt
import numpy as np
import pytest
from tests.contract._api import TABLE, at_hand, call, function, given_axes, prepared, public, tiny
from tests.contract._bad import ALSO_CALLED, BAD, FREE, cases
from tests.tl._frozen import frozen

from scgce._api.constraints import CONSTRAINTS, checked, whole

KEYWORD_ONLY_FROM = {"adata", "groupby", "use_rep", "key", "key_added", "other", "source", "target", "group", "keys"}
KEYWORD_ONLY_FROM |= {"lineage", "n_genes", "metrics", "label"}


# --- signatures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", public())
def test_signatures_follow_the_conventions(name: str) -> None:
    parameters = inspect.signature(function(name)).parameters
    assert next(iter(parameters)) == "adata"
    positional = {p.name for p in parameters.values() if p.kind is not inspect.Parameter.KEYWORD_ONLY}
    assert positional <= KEYWORD_ONLY_FROM
    if name.startswith("tl."):
        assert parameters["copy"].default is False
        assert "device" not in parameters or parameters["device"].default == "auto"
    else:
        assert "copy" not in parameters
    if name.startswith("pl."):
        defaults = {part: parameters[part].default for part in ("ax", "show", "return_fig")}
        assert defaults == {"ax": None, "show": None, "return_fig": False}
        assert "save" not in parameters
    again = name in ("tl.evaluate", "tl.evidence", "tl.lineages")  # they draw by the seed of the explanation
    assert "rng" not in parameters or parameters["rng"].default == (None if again else 0)
    assert "use_raw" not in parameters and "random_state" not in parameters


@pytest.mark.parametrize("name", public())
def test_every_parameter_is_described(name: str) -> None:
    text = inspect.getdoc(function(name)) or ""
    described = text.partition("Parameters\n----------\n")[2].partition("\nReturns\n")[0]
    heads = [line for line in described.splitlines() if line and not line.startswith(" ")]
    names = {word.strip() for line in heads for word in line.split(",")}
    assert names == set(inspect.signature(function(name)).parameters)
    assert "\nReturns\n-------\n" in text and ("\nRaises\n------\n" in text)


# --- what is left alone ---------------------------------------------------------------------------------------------


def without(adata: ad.AnnData, places: tuple[str, ...]) -> ad.AnnData:
    rest = adata.copy()
    for place in places:
        slot, _, key = place.partition("/")
        if key in getattr(rest, slot):
            del getattr(rest, slot)[key]
    return rest


@pytest.mark.parametrize("name", public())
def test_only_what_is_documented_changes(results: ad.AnnData, name: str) -> None:
    adata, before = results.copy(), frozen(results)
    found = call(name, adata, **given_axes(name))
    writes = TABLE[name].writes
    if name.startswith("tl."):
        assert found is None
        assert frozen(without(adata, writes)) == frozen(without(results, writes))
        for place in writes:
            slot, _, key = place.partition("/")
            assert key in getattr(adata, slot), place
    else:
        assert frozen(adata) == before


@pytest.mark.parametrize("name", [name for name in public() if name.startswith("tl.")])
def test_a_copy_holds_what_the_original_would_and_the_original_stays(results: ad.AnnData, name: str) -> None:
    adata, before = results.copy(), frozen(results)
    copied = call(name, adata, copy=True)
    assert frozen(adata) == before
    call(name, adata)
    assert frozen(copied) == frozen(adata)


def test_the_explanation_is_only_added_to_by_its_own_tools(results: ad.AnnData) -> None:
    adata = prepared("tl.evidence", tiny())
    before = frozen(adata.uns["tgt"])
    for name, part in (("tl.evidence", "evidence"), ("tl.stability", "stability")):
        call(name, adata)
        entry = dict(adata.uns["tgt"])
        assert entry.pop(part)
        entry.pop("evidence", None)
        assert frozen(entry) == before


# --- what is written ------------------------------------------------------------------------------------------------

L, D, N, M = 3, 12, 72, 2
SQUARE, NUMBER, TEXT = ((L, L), "f"), ((), "f"), ((), "U")
EXPLANATION: dict[str, Any] = {
    "groups": ((L,), "U"),
    "genes": ((D,), "U"),
    "sizes": ((L,), "i"),
    "means": ((L, D), "f4"),
    "deltas": ((L, D), "f4"),
    "n_genes": ((L, L), "i"),
    "movable": ((D,), "b"),
    "split": ((N,), "i1"),
    "cell_digest": ((N,), "u8"),
    "cell_group": ((N,), "i4"),
    "reported_means": ((L, D), "f4"),
    **dict.fromkeys(("low", "high"), ((D,), "f4")),
    **dict.fromkeys(("correctness", "coverage", "percent_explained", "judge_logreg", "judge_knn"), SQUARE),
    **dict.fromkeys(("epsilon", "center_distance"), NUMBER),
}
BY_PAIR = {**EXPLANATION, "pair_deltas": ((L * L, D), "f4")}
EMBEDDING = {"gene_means": ((D,), "f4")}
NESTED = {"params", "encoder", "sweep", "path", "history", "evidence", "stability", "curve", "units"}

# Field of what a tool stores → documented shape and type. Nested entries are listed apart.
STORED: dict[str, dict[str, Any]] = {
    "tl.tgt": EXPLANATION,
    "tl.dbm": EXPLANATION,
    "tl.random_genes": EXPLANATION,
    "tl.evaluate": EXPLANATION,
    "tl.lasso": BY_PAIR,
    "tl.marker_tests": BY_PAIR,
    "tl.lineages": {
        name: (tuple(2 if size == L else size for size in shape), kind) for name, (shape, kind) in EXPLANATION.items()
    }
    | dict.fromkeys(("members", "member_of"), ((L,), "U")),
    "tl.integrated_gradients": {
        "groups": ((L,), "U"),
        "genes": ((D,), "U"),
        "attributions": ((L * L, D), "f4"),
        "standard_error": ((L * L, D), "f4"),
        "completeness_error": SQUARE,
        "accuracy": NUMBER,
    },
    "tl.panel": {
        "groups": ((L,), "U"),
        "genes": ((4,), "U"),
        "fixed": ((4,), "b"),
        "means": ((L, 4), "f8"),
        "recall": ((L,), "f8"),
        **dict.fromkeys(("costs", "bound", "accuracy"), ((4,), "f8")),
        **dict.fromkeys(("helped", "worst"), ((4, 2), "i")),
        **dict.fromkeys(("distance", "pair_accuracy"), SQUARE),
    },
    "tl.programs": {
        "names": ((3,), "U"),
        "learned": ((3,), "b"),
        "n_given": ((3,), "i"),
        **dict.fromkeys(("matched", "size", "agreement"), ((3,), "f8")),
        "genes": ((D,), "U"),
        "weights": ((D, 3), "f4"),
    },
    "tl.rank_genes": dict.fromkeys(("names", "scores", "logfoldchanges", "pvals", "pvals_adj"), ((D,), "V")),
    "tl.scvis": EMBEDDING,
    "tl.autoencoder": EMBEDDING,
    "tl.umap_loss": EMBEDDING,
    "tl.distill": EMBEDDING,
    "tl.embed_new": {**EMBEDDING, "missing_genes": ((0,), "OU")},
}
INSIDE: dict[str, tuple[str, dict[str, Any]]] = {
    "tl.evidence": (
        "evidence",
        {
            "sparsity": ((), "i"),
            "n_permutations": ((), "i"),
            "doses": ((7,), "f8"),
            "dose_correctness": ((7, L, L), "f"),
            "dose_coverage": ((7, L, L), "f"),
            **dict.fromkeys(("off_manifold", "below_zero", "consistency_price", "p_correctness", "p_coverage"), SQUARE),
            **dict.fromkeys(("unexplained_source", "unexplained_target", "unexplained_reason"), ((None,), "OU")),
            "triangle_error": NUMBER,
        },
    ),
    "tl.stability": (
        "stability",
        {
            "sparsity": ((), "i"),
            "n_bootstraps": ((), "i"),
            "interval": NUMBER,
            "refit": ((), "b"),
            "resample": ((), "U"),
            **dict.fromkeys(("frequency", "low", "high"), ((L * L, D), "f")),
            "similarity": SQUARE,
        },
    ),
}


def assert_fields(entry: dict[str, Any], fields: dict[str, Any], where: str) -> None:
    assert set(entry) - NESTED == set(fields), where
    for field, (shape, kinds) in fields.items():
        value = entry[field]
        found, dtype = (
            np.shape(value) if not hasattr(value, "shape") else value.shape,
            np.asarray(value.data if hasattr(value, "tocsr") else value).dtype,
        )
        assert len(found) == len(shape), (where, field, found)
        assert all(want is None or size == want for size, want in zip(found, shape, strict=True)), (where, field, found)
        assert dtype.kind in kinds or dtype.str.endswith(kinds), (where, field, dtype)


@pytest.mark.parametrize("name", at_hand([*STORED, *INSIDE]))
def test_stored_fields_have_the_documented_shape_and_type(results: ad.AnnData, name: str) -> None:
    adata = results.copy()
    for part in NESTED - {"params", "encoder", "sweep", "path"}:
        adata.uns["tgt"].pop(part, None)
    call(name, adata)
    place = next(place for place in TABLE[name].writes if place.startswith("uns/")).removeprefix("uns/")
    if name in INSIDE:
        part, fields = INSIDE[name]
        assert_fields(adata.uns[place][part], fields, name)
        return
    assert_fields(adata.uns[place], STORED[name], name)
    assert isinstance(adata.uns[place]["params"], dict)
    for written in TABLE[name].writes:
        if written.startswith("obsm/"):
            positions = adata.obsm[written.removeprefix("obsm/")]
            assert positions.shape == (N, M) and positions.dtype == np.float32


def test_every_tool_has_documented_fields() -> None:
    assert set(at_hand([*STORED, *INSIDE])) == {name for name in public() if name.startswith("tl.")}


@pytest.mark.parametrize("name", [name for name in STORED if STORED[name] not in (EXPLANATION, BY_PAIR)] + [*INSIDE])
def test_documentation_and_table_name_the_same_fields(name: str) -> None:
    if name == "tl.lineages":
        return
    text = (inspect.getdoc(function(name)) or "").partition("\nReturns\n")[2].partition("\nRaises\n")[0]
    fields = STORED.get(name) or INSIDE[name][1]
    missing = [field for field in fields if f"``{field}``" not in text]
    assert missing == []


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", public())
def test_every_parameter_is_declared_or_known_to_take_anything(name: str) -> None:
    assert set(inspect.signature(function(name)).parameters) <= {*BAD, *FREE}
    assert function(name).__constraints__  # type: ignore[attr-defined]


def refusal(name: str, adata: ad.AnnData, options: dict[str, Any]) -> str | None:
    """The message with which a call is refused; None if it is accepted."""
    try:
        call(name, adata, **options)
    except (ValueError, TypeError, KeyError, OSError) as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", public())
def test_bad_values_are_refused_by_name_and_change_nothing(results: ad.AnnData, name: str) -> None:
    adata, before = results.copy(), frozen(results)
    for parameter in inspect.signature(function(name)).parameters:
        for value in [] if parameter in FREE else cases(name, parameter):
            options = {parameter: value}
            if parameter == "encoder" and "use_rep" in TABLE[name].options:
                options["use_rep"] = None
            said = f"{name}({parameter}={value!r})"
            message = refusal(name, adata, options)
            assert message is not None, f"{said} was accepted"
            assert parameter in message or ALSO_CALLED.get(parameter, parameter) in message, f"{said}: {message}"
            assert frozen(adata) == before, said
    plt.close("all")


@pytest.mark.parametrize("name", public())
def test_what_is_no_anndata_is_refused(name: str) -> None:
    for value in (None, np.ones((3, 3)), "cells.h5ad"):
        with pytest.raises(TypeError, match="adata=.*expected an AnnData"):
            call(name, value)  # type: ignore[arg-type]


def test_constraints_say_what_they_accept() -> None:
    @checked(size=None)
    def tool(n_genes: int, *, size: float = 1.0) -> float:
        return n_genes * size

    assert tool(2, size=-1.0) == -2.0
    assert tool(np.int64(3)) == 3.0
    for value in (0, 1.0, True, "1"):
        with pytest.raises(TypeError, match="n_genes=.*: expected a whole number of at least 1"):
            tool(value)
    with pytest.raises(ValueError, match="n_genes=0"):
        tool(n_genes=0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'sizes'"):
        tool(1, sizes=2)  # type: ignore[call-arg]
    assert (whole(0) | CONSTRAINTS["layer"]).words == "a whole number of at least 0 or a name or None"
