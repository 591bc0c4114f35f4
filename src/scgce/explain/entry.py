"""What is stored in ``adata.uns[key]``: explanations, and their metrics on the reported cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from scipy import sparse

from scgce import __version__
from scgce._api.columns import reference_words
from scgce._api.warn import QualityWarning, warn
from scgce.core.choose.baselines import best_factor
from scgce.core.choose.plan import PAIRS
from scgce.core.choose.select import Explained, quality
from scgce.core.choose.truncate import PairCuts
from scgce.core.linked import median_distance
from scgce.core.pairs import Asked, and_self, listed, sampled, some
from scgce.core.score.cells import Cells
from scgce.core.score.changes import mean_changes
from scgce.core.score.metrics import Scores, score_pairs, similarity
from scgce.core.score.transport import percent_explained_pairs
from scgce.core.solve.path import PathPoints
from scgce.encoders import encoder_to_uns
from scgce.store.cells import cell_fields

from .asked import in_gauge
from .judges import Panel
from .pairs import PairExplained, pair_rows
from .read import Prepared
from .split import REPORT, VALIDATE
from .units import units_of

MOST_TRANSPORTED, FEW_TRANSPORTED = 200, 40
"""Cells per group in an optimal transport plan, whose cost grows with the cube; with more pairs than `PAIRS`, few."""
COARSE = 0.5
"""ε above this share of the median distance between groups' centres makes the metrics lenient: the user is told."""
LENIENT = (
    "epsilon=%.3g is of the order of the distance between groups (median %.3g): correctness and coverage say little in "
    "this representation"
)


@dataclass(frozen=True)
class Report:
    """The cells on which everything is scored, and their ε."""

    cells: Cells
    epsilon: float
    panel: Panel | None
    asked: Asked | None = None
    """Pairs that are scored; None for all."""

    seed: int = 0
    """Draws the pairs of the sweep."""

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """Ordered pairs that are scored."""
        return listed(self.cells.n_groups, self.asked)

    @cached_property
    def sample(self) -> list[tuple[int, int]]:
        """The ordered pairs by which sparsities are compared: all of up to 25 groups, some of more."""
        return sampled(self.cells.n_groups, self.asked, PAIRS, self.seed)

    @property
    def partly(self) -> bool:
        """Whether the sample is a part of the pairs."""
        return len(self.sample) < len(self.pairs)

    def scores(self, cuts: PairCuts, pairs: Sequence[tuple[int, int]], scale: float = 1.0) -> Scores:
        """Correctness and coverage of ordered pairs, and the self-similarity of all groups."""
        moved, every = self.cells.mover(cuts, scale=scale), and_self(self.cells.n_groups, pairs)
        return score_pairs(moved, self.cells.index, self.epsilon, every)

    def scored(self, cuts: PairCuts, pairs: Sequence[tuple[int, int]]) -> dict[str, np.ndarray]:
        """`scores`, and the share of translated cells that each independent judge calls the target, (l, l) each."""
        scores = self.scores(cuts, pairs)
        judged = {} if self.panel is None else self.panel.scores(cuts, and_self(self.cells.n_groups, pairs))
        return {"correctness": scores.correctness, "coverage": scores.coverage, **judged}

    def of_selected(self, sweep: dict[str, Any], selected: int, cuts: PairCuts) -> dict[str, np.ndarray]:
        """All scores of the selected sparsity, the genes that the judges read and the pairs asked for, if some."""
        names = [name for name in sweep if name in {"correctness", "coverage"} or name.startswith("judge_")]
        found = self.scored(cuts, self.pairs) if self.partly else {name: sweep[name][selected].copy() for name in names}
        found |= {} if self.asked is None else {"asked": self.asked}
        return found if self.panel is None else {**found, "movable": self.panel.movable}


def stored(
    prepared: Prepared,
    report: Report,
    explained: Sequence[Explained],
    selected: int,
    params: dict[str, Any],
    *,
    consistent: Sequence[Explained] | None = None,
    path: PathPoints | None = None,
    reference: Any = None,
    factors: Sequence[float] | None = None,
    on_sparsity: Callable[[], Any] | None = None,
) -> dict[str, Any]:
    """Score every sparsity and lay everything out as ``adata.uns[key]`` documents it.

    Parameters
    ----------
    consistent
        The explanations without triangle error of the same sparsities, stored beside the others in the sweep.
    factors
        Of the difference of means, one for each sparsity; None: chosen on the validation cells.
    """
    bases = [_basis(candidate, prepared, reference) for candidate in explained]
    cuts = list(map(_cuts, explained, bases))
    sweep = _sweep(report, explained, bases, cuts, selected, on_sparsity)
    differences = {k: PairCuts(torch.from_numpy(prepared.means), k) for k in {one.compared for one in explained}}
    if factors is None:
        factors = _factors(prepared, report.epsilon, explained, differences, params["amplitude"])
    sweep |= _differences(report, explained, differences, factors)
    if consistent is not None:
        sweep |= _variant(report, consistent, [_basis(other, prepared, reference) for other in consistent], on_sparsity)
    chosen = cuts[selected]
    entry: dict[str, Any] = {
        "params": {
            **params,
            "sparsity_selected": int(explained[selected].sparsity),
            "pair_cut": bool(explained[selected].pair_cut),
            **_reference(prepared, reference),
            "seed": prepared.seed,
            "device": str(prepared.device),
            "scgce_version": __version__,
        },
        **_of_cells(prepared),
        "deltas": bases[selected].numpy(),
        **report.of_selected(sweep, selected, chosen),
        "percent_explained": _percent_explained(report, chosen, prepared.seed),
        "n_genes": _counts(chosen, report),
        "epsilon": float(report.epsilon),
        "center_distance": _center_distance(report),
        "sweep": sweep,
    }
    if isinstance(explained[selected], PairExplained):
        entry["pair_deltas"] = pair_rows(chosen)
        sweep["pair_deltas"] = sparse.vstack([pair_rows(candidate.cuts()) for candidate in explained], format="csr")
    if path is not None:
        entry["path"] = _path(path)
    return entry


def _center_distance(report: Report) -> float:
    """Median distance between groups' centres; the user is told where ε is of its order."""
    distance = median_distance(report.cells.means(), report.asked)
    if report.epsilon > COARSE * distance:
        warn(LENIENT % (report.epsilon, distance), QualityWarning)
    return distance


def _percent_explained(report: Report, cuts: PairCuts, seed: int) -> np.ndarray:
    """Share of the transport cost that every pair's explanation takes away, (l, l)."""
    most = FEW_TRANSPORTED if report.partly else MOST_TRANSPORTED
    moved, embedded = report.cells.mover(cuts), report.cells.embedded
    return percent_explained_pairs(moved, embedded, report.pairs, max_cells=most, rng=seed)


def _of_cells(prepared: Prepared) -> dict[str, Any]:
    """What the entry holds of the cells that were read, whatever explains them."""
    return {
        "groups": prepared.groups.names.astype(str),
        "genes": prepared.genes.astype(str),
        "sizes": prepared.groups.sizes.astype(np.int64),
        "means": prepared.means.astype(np.float32),
        "reported_means": prepared.reported_means.astype(np.float32),
        "low": prepared.low,
        "high": prepared.high,
        "encoder": encoder_to_uns(prepared.encoder),
        "units": units_of(prepared.X, prepared.groups.codes, prepared.base),
        **cell_fields(prepared.names, prepared.split, prepared.groups.codes, prepared.donors),
    }


def _basis(explained: Explained, prepared: Prepared, reference: Any) -> torch.Tensor:
    """Basis translations in the gauge asked for, float32 (l, d); differences stay exact in float64."""
    dense = explained.translations.dense().numpy()
    return torch.from_numpy(in_gauge(dense, prepared.groups, prepared.asked, reference).astype(np.float32))


def _reference(prepared: Prepared, reference: Any) -> dict[str, str]:
    """What ``params`` hold of the reference; the column only of a label."""
    word, column = reference_words([str(name) for name in prepared.groups.names], prepared.groups.key, reference)
    return {"reference": word, **({"reference_column": column} if column else {})}


def _counts(cuts: PairCuts, report: Report) -> np.ndarray:
    """Genes of every pair that is scored, int64 (l, l); 0 of the others."""
    found = np.zeros((cuts.n_groups, cuts.n_groups), dtype=np.int64)
    for i, j in report.pairs:
        found[i, j] = cuts(i, j).genes.numel()
    return found


def _cuts(explained: Explained, basis: torch.Tensor) -> PairCuts:
    """The explanations of all pairs as a reader of the stored entry gets them."""
    if isinstance(explained, PairExplained):
        return explained.cuts()
    return PairCuts(basis.double(), explained.sparsity if explained.pair_cut else None)


def _sweep(
    report: Report,
    explained: Sequence[Explained],
    bases: Sequence[torch.Tensor],
    cuts: Sequence[PairCuts],
    selected: int,
    on_sparsity: Callable[[], Any] | None,
) -> dict[str, Any]:
    bounded = report.cells.translator.bounds is not None
    changes = {"changes": _changes(report, cuts, selected)} if bounded else {}
    return {
        "sparsity": np.array([candidate.sparsity for candidate in explained], dtype=np.int64),
        "lam": np.array([candidate.lam for candidate in explained]),
        "similarity": _similarities(cuts, report.sample),
        "deltas": _rows(bases),
        "validation_correctness": np.stack([candidate.validation.correctness for candidate in explained]),
        "validation_coverage": np.stack([candidate.validation.coverage for candidate in explained]),
        **changes,
        **_scored(report, cuts, on_sparsity),
    }


def _variant(
    report: Report,
    consistent: Sequence[Explained],
    bases: Sequence[torch.Tensor],
    on_sparsity: Callable[[], Any] | None,
) -> dict[str, Any]:
    """The explanations without triangle error, under names of their own."""
    bounded, cuts = report.cells.translator.bounds is not None, list(map(_cuts, consistent, bases))
    return {
        "deltas_consistent": _rows(bases),
        **({"changes_consistent": _changes(report, cuts)} if bounded else {}),
        **_scored(report, cuts, on_sparsity, "consistent_"),
    }


def _changes(report: Report, cuts: Sequence[PairCuts], selected: int | None = None) -> sparse.csr_matrix:
    """Mean of t(x) − x over the reported cells, (K·l·l, d): row i·l + j of a sparsity for i → j.

    Of the pairs that are scored: all at the selected sparsity.
    """
    found = []
    for index, own in enumerate(cuts):
        pairs = report.pairs if index == selected else report.sample
        found.append(pair_rows(mean_changes(report.cells, own, pairs), pairs))
    return sparse.vstack(found, format="csr")


def _factors(
    prepared: Prepared,
    epsilon: float,
    explained: Sequence[Explained],
    differences: Mapping[int, PairCuts],
    amplitude: float,
) -> list[float]:
    """For each sparsity the single factor that serves the difference of means best, up to the bound that ours have."""
    cells = prepared.part(VALIDATE)
    pairs = some(cells.n_groups, prepared.asked, PAIRS, prepared.seed)

    def chosen(k: int) -> float:
        def reached(factor: float) -> float:
            return quality(score_pairs(cells.mover(differences[k], scale=factor), cells.index, epsilon, pairs))

        return best_factor(reached, None if amplitude < 0 else amplitude)

    return [candidate.factor or chosen(candidate.compared) for candidate in explained]


def _differences(
    report: Report, explained: Sequence[Explained], differences: Mapping[int, PairCuts], factors: Sequence[float]
) -> dict[str, np.ndarray]:
    """The difference of means cut to as many genes, at real amounts and times its best factor."""
    found: dict[str, list[np.ndarray]] = {}
    for candidate, factor in zip(explained, factors, strict=True):
        for prefix, scale in (("dbm_", 1.0), ("dbm_scaled_", factor)):
            scores = report.scores(differences[candidate.compared], report.sample, scale)
            found.setdefault(f"{prefix}correctness", []).append(scores.correctness)
            found.setdefault(f"{prefix}coverage", []).append(scores.coverage)
    return {"dbm_factor": np.array(factors), **{name: np.stack(matrices) for name, matrices in found.items()}}


def _rows(bases: Sequence[torch.Tensor]) -> sparse.csr_matrix:
    """Bases one below the other, (K·l, d)."""
    return sparse.vstack([sparse.csr_matrix(basis.numpy()) for basis in bases], format="csr")


def _scored(
    report: Report, cuts: Sequence[PairCuts], on_sparsity: Callable[[], Any] | None, prefix: str = ""
) -> dict[str, np.ndarray]:
    """Correctness, coverage and judges of every sparsity, (K, l, l) each."""
    rows: dict[str, list[np.ndarray]] = {}
    for own in cuts:
        for name, matrix in report.scored(own, report.sample).items():
            rows.setdefault(prefix + name, []).append(matrix)
        if on_sparsity is not None:
            on_sparsity()
    return {name: np.stack(matrices) for name, matrices in rows.items()}


def _similarities(cuts: Sequence[PairCuts], pairs: Sequence[tuple[int, int]]) -> np.ndarray:
    """Eq. 10 between neighbouring sparsities, averaged over ordered pairs, (K - 1,)."""
    values = []
    for sparser, denser in pairwise(cuts):
        found = [similarity(sparser(i, j), denser(i, j)) for i, j in pairs if i < j]
        values.append(float(np.mean(found)))
    return np.array(values)


def _path(points: PathPoints) -> dict[str, np.ndarray]:
    return {
        "lam": np.array([point.lam for point in points]),
        "objective": np.array([point.objective for point in points]),
        "smooth": np.array([point.smooth for point in points]),
        "gap": np.array([point.gap for point in points]),
        "n_genes_mean": np.array([float(point.counts.double().mean()) for point in points]),
        "n_genes_max": np.array([int(point.counts.max()) for point in points]),
        "converged": np.array([point.converged for point in points]),
    }


def report_on(prepared: Prepared, epsilon: float, judges: Any, movable: np.ndarray | None = None) -> Report:
    """The reported cells with their ε and judges (fitted on other cells, on the ``movable`` genes)."""
    cells = prepared.part(REPORT)
    panel = None if not judges else Panel.fit(prepared, judges, movable=movable)
    return Report(cells, epsilon, panel, prepared.asked, prepared.seed)
