"""What every baseline does around its own idea: read, explain each sparsity, score, store in the form of `tl.tgt`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast, get_type_hints

import numpy as np
import pandas as pd
from anndata import AnnData

from scgce._api.constraints import SWEEP, Constraint, checked
from scgce._api.docs import with_docs
from scgce.core.choose.select import Explained, smallest_sufficient
from scgce.core.choose.truncate import PairCuts, SparseDelta
from scgce.core.pairs import listed, with_self
from scgce.core.score.cells import Cells
from scgce.core.score.metrics import Scores, score_pairs
from scgce.core.translations import Translations
from scgce.encoders._scvi import layer_of_scvi
from scgce.store.entries import write_result

from . import params as _params
from .asked import word_of
from .entry import report_on, stored
from .pairs import PairExplained, in_float32, pair_explained
from .read import Prepared, pick_epsilon, prepare
from .split import VALIDATE


@dataclass(frozen=True)
class Setting:
    """What a baseline explains, and how its candidates are scored on the validation cells."""

    prepared: Prepared
    sparsities: list[int]
    epsilon: float
    validate: Cells

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Ordered pairs that are explained."""
        return listed(self.prepared.groups.n, self.prepared.asked)

    def scored(self, cuts: PairCuts) -> Scores:
        """Correctness and coverage on the validation cells."""
        wanted = with_self(self.prepared.groups.n, self.prepared.asked)
        return score_pairs(self.validate.mover(cuts), self.validate.index, self.epsilon, wanted)

    def by_basis(self, k: int, translations: Translations, *, cut: bool, lam: float = 0.0) -> Explained:
        """An explanation by basis translations, cut to k genes a pair if ``cut``."""
        rounded = translations.rounded().drop_unused()
        return Explained(k, lam, rounded, cut, self.scored(PairCuts(rounded.dense(), k if cut else None)))

    def by_pair(self, k: int, deltas: Mapping[tuple[int, int], SparseDelta], *, lam: float = 0.0) -> PairExplained:
        """An explanation made pair by pair."""
        pairs = in_float32(deltas, self.prepared.groups.n, len(self.prepared.genes))
        return pair_explained(k, lam, pairs, self.scored(pairs), self.prepared.asked)


class Tool(Protocol):
    """A baseline as users call it; its arguments and their descriptions are those of every baseline."""

    def __call__(
        self,
        adata: AnnData,
        groupby: str | Sequence[str] = "leiden",
        *,
        use_rep: str | None = None,
        encoder: Any = None,
        layer: str | None = None,
        groups: Literal["all"] | Sequence[str] = "all",
        reference: Any = None,
        pairs: Literal["all"] | str | Sequence[Any] | pd.DataFrame = "all",
        sparsity: Literal["auto"] | int | Sequence[int] = "auto",
        clip: Literal["auto", "range", "zero"] | bool | None = "auto",
        epsilon: float | Literal["mean", "max"] | None = None,
        validation_fraction: float = 0.25,
        split_by: str | None = None,
        judges: bool | Mapping[str, Any] = True,
        min_cells: int = 3,
        rng: int | np.random.Generator = 0,
        device: str = "auto",
        key_added: str = "",
        copy: bool = False,
        **own: Any,
    ) -> AnnData | None:
        """{idea}.

        Parameters
        ----------
        {adata}
        {groupby}
        {use_rep}
        {encoder}
        {layer}
        {groups}
        {reference}
        {pairs}
        {sparsity}
        {own}
        {clip}
        {epsilon}
        {validation_fraction}
        {split_by}
        {judges}
        {min_cells}
        {rng}
        {device}
        {own_key}
        {copy}

        Returns
        -------
        None, or the copy. Sets ``adata.uns[key_added]`` as `tl.tgt` does, without ``path``.

        Raises
        ------
        KeyError
            If a name is not found in ``adata``.
        ValueError, TypeError
            On values that cannot be used; ``adata`` is left as it was.
        """


def baseline(amplitude: float, **own: Constraint | None) -> Callable[[Callable[..., Sequence[Explained]]], Tool]:
    """Make a tool of an idea: a function from a `Setting` to explanations of its sparsities, ascending.

    Parameters
    ----------
    amplitude
        Of the idea's amounts in units of the real differences; -1 if they are not bounded.
    own
        Constraints of the arguments that the idea has beside the setting, described under "Parameters" in its
        docstring: the tool has them, too.
    """

    def decorate(idea: Callable[..., Sequence[Explained]]) -> Tool:
        name = idea.__name__
        signature = _signature(idea)

        def tool(*args: Any, **kwargs: Any) -> AnnData | None:
            try:
                bound = signature.bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{name}() {error}") from None
            bound.apply_defaults()
            mine = {argument: bound.arguments.pop(argument) for argument in own}
            return _run(name, functools.partial(idea, **mine), amplitude, mine, **bound.arguments)

        tool.__name__ = tool.__qualname__ = name
        tool.__module__, tool.__doc__ = idea.__module__, _docstring(idea)
        tool.__signature__ = signature  # type: ignore[attr-defined]
        tool.__annotations__ = {one.name: one.annotation for one in signature.parameters.values()}
        return cast(Tool, checked(sparsity=SWEEP, **own)(with_docs(tool)))

    return decorate


def _signature(idea: Callable[..., Any]) -> inspect.Signature:
    """Of `Tool`, with the idea's own arguments behind ``sparsity``."""
    shared, hints = inspect.signature(Tool.__call__), get_type_hints(Tool.__call__) | get_type_hints(idea)
    found: list[inspect.Parameter] = []
    for parameter in shared.parameters.values():
        if parameter.name in ("self", "own"):
            continue
        named = parameter.name == "key_added"
        found.append(parameter.replace(default=idea.__name__) if named else parameter)
        if parameter.name == "sparsity":
            mine = list(inspect.signature(idea).parameters.values())[1:]
            found += [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in mine]
    typed = [one.replace(annotation=hints[one.name]) for one in found]
    return shared.replace(parameters=typed)


def _docstring(idea: Callable[..., Any]) -> str:
    """Of `Tool`, with the idea's words: what it is, and its own parameters."""
    said, _, parameters = inspect.cleandoc(idea.__doc__ or "").partition("\n\nParameters\n----------\n")
    text = inspect.cleandoc(Tool.__call__.__doc__ or "").replace("{idea}.", said)
    return text.replace("{own}\n", f"{parameters}\n" if parameters else "")


def _run(
    name: str,
    explain: Callable[[Setting], Sequence[Explained]],
    amplitude: float,
    own: Mapping[str, Any],
    *,
    adata: AnnData,
    groupby: str | Sequence[str],
    sparsity: Any,
    clip: bool | str | None,
    epsilon: Any,
    judges: Any,
    key_added: str,
    copy: bool,
    **reading: Any,
) -> AnnData | None:
    """Run ``explain`` between reading and storing; ``reading`` are the arguments of `prepare`."""
    sparsities = _params.sweep_of(sparsity, adata.n_vars)
    if copy:
        adata = adata.copy()
    reading["layer"] = reading["layer"] or layer_of_scvi(adata, reading["encoder"])
    prepared = prepare(adata, groupby, clip=_params.clip_word(clip), **reading)
    reach = pick_epsilon(prepared, epsilon)
    report = report_on(prepared, reach, judges)
    explained = explain(Setting(prepared, sparsities, reach, prepared.part(VALIDATE)))
    params = {
        **prepared.groups.stored,
        "use_rep": reading["use_rep"] or "",
        "layer": reading["layer"] or "",
        "method": own.get("method", name),
        "amplitude": amplitude,
        "clip": prepared.clip,
        "pairs": word_of(reading["pairs"]),
        "validation_fraction": float(reading["validation_fraction"]),
        "split_by": reading["split_by"] or "",
        "epsilon_rule": _params.epsilon_rule(epsilon),
    }
    selected = smallest_sufficient(explained)
    entry = stored(prepared, report, explained, selected, params, reference=reading["reference"])
    write_result(adata, key_added, entry)
    return adata if copy else None
