"""What every baseline does around its own idea: read, explain each sparsity, score, store in the form of `tl.tgt`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anndata import AnnData

from scgce.core.choose.select import Explained, smallest_sufficient
from scgce.core.choose.truncate import PairCuts, SparseDelta
from scgce.core.score.cells import Cells
from scgce.core.score.metrics import Scores, score_pairs
from scgce.core.translations import Translations
from scgce.encoders._scvi import layer_of_scvi
from scgce.store.entries import write_result

from . import params as _params
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

    def scored(self, cuts: PairCuts) -> Scores:
        """Correctness and coverage on the validation cells."""
        return score_pairs(self.validate.mover(cuts), self.validate.embedded, self.epsilon)

    def by_basis(self, k: int, translations: Translations, *, cut: bool, lam: float = 0.0) -> Explained:
        """An explanation by basis translations, cut to k genes a pair if ``cut``."""
        rounded = translations.rounded().drop_unused()
        return Explained(k, lam, rounded, cut, self.scored(PairCuts(rounded.dense(), k if cut else None)))

    def by_pair(self, k: int, deltas: Mapping[tuple[int, int], SparseDelta], *, lam: float = 0.0) -> PairExplained:
        """An explanation made pair by pair."""
        pairs = in_float32(deltas, self.prepared.groups.n, len(self.prepared.genes))
        return pair_explained(k, lam, pairs, self.scored(pairs))


def run_baseline(
    adata: AnnData,
    groupby: str | Sequence[str],
    method: str,
    explain: Callable[[Setting], Sequence[Explained]],
    *,
    amplitude: float,
    sparsity: Any,
    clip: bool | str | None,
    epsilon: Any,
    judges: Any,
    key_added: str,
    copy: bool,
    **reading: Any,
) -> AnnData | None:
    """Run ``explain`` between reading and storing; ``reading`` are the arguments of `prepare`."""
    _params.check_epsilon(epsilon)
    sparsities = _params.check_sparsity(sparsity, adata.n_vars)
    if copy:
        adata = adata.copy()
    reading["layer"] = reading["layer"] or layer_of_scvi(adata, reading["encoder"])
    prepared = prepare(adata, groupby, clip=_params.clip_word(clip), **reading)
    reach = pick_epsilon(prepared, epsilon)
    explained = explain(Setting(prepared, sparsities, reach, prepared.part(VALIDATE)))
    params = {
        "groupby": prepared.groups.key,
        "use_rep": reading["use_rep"] or "",
        "layer": reading["layer"] or "",
        "method": method,
        "amplitude": amplitude,
        "clip": prepared.clip,
        "validation_fraction": float(reading["validation_fraction"]),
        "split_by": reading["split_by"] or "",
        "epsilon_rule": _params.epsilon_rule(epsilon),
    }
    report = report_on(prepared, reach, judges)
    selected = smallest_sufficient(explained)
    entry = stored(prepared, report, explained, selected, params, reference=reading["reference"])
    write_result(adata, key_added, entry)
    return adata if copy else None
