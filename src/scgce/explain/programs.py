"""Explanations in gene programmes: the codebook of each number of programmes, chosen on the validation cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from anndata import AnnData
from scipy import sparse
from scipy.spatial.distance import cdist

from scgce._api.adata import gene_names
from scgce._api.symbols import gene_labels
from scgce.core.choose.codebook import ProgramMeans, pairwise
from scgce.core.choose.codebook_loss import ArrivalLoss
from scgce.core.choose.codebook_search import Found, Search, SearchOptions
from scgce.core.choose.select import TOLERANCE, Explained, quality
from scgce.core.linked import centred
from scgce.core.pairs import Asked, mask_of, with_self
from scgce.core.score.cells import Cells, Shifted
from scgce.core.score.metrics import Scores, score_pairs
from scgce.programs import FittingCells, Given, Programs, learn_programs, read_given, resolve_programs, with_rest
from scgce.programs.learn import LEARNED

from .read import Prepared, with_means_of
from .split import FIT, VALIDATE

SWEEP = (1, 2, 3, 5, 8, 12, 20)
"""Programmes a pair under ``sparsity="auto"``, as far as there are so many."""
TRIED = (("profile", 12), ("profile", 16), ("profile", 20))
"""What ``programs="auto"`` chooses among, looked at on pbmc3k and the retina, scored halves included. Fewer would
mostly win, since five of eight move most of the difference, but so do five of eight random ones
(``python -m benchmarks.programmes --parts "profile (8)"`` prints both). Co-expression is there to be asked for:
its genes are seen in at least 1 % of all cells, so that a rarer group keeps few of its own.
"""
_JUDGED_BY = (3, 5, 8)
"""Programmes a pair at which the candidates of ``"auto"`` are compared."""
_AS_GOOD = 0.02
"""More programmes say more: of candidates so close, the one with most is taken."""
FULL = SearchOptions()
_ROUGH = SearchOptions(factors=(1.8,), sweeps=2, bisections=2)
_FINALISTS = 3
"""Codebooks of least loss for each number, compared on the validation cells."""


@dataclass(frozen=True)
class ProgramExplained(Explained):
    """An explanation in programmes; ``sparsity`` counts programmes a pair, ``lam`` is the price of one."""

    levels: np.ndarray
    """(M, l) level of every group, 0 the lowest."""
    amounts: np.ndarray
    """(M, l) mean amount of that level."""
    asked: Asked | None = None
    """Pairs that are counted, bool (l, l); None for all."""

    @property
    def leaves_none_out(self) -> bool:
        """Whether every pair that is counted has a programme."""
        return bool((pairwise(self.levels, self.asked) > 0).all())

    @property
    def compared(self) -> int:
        """Genes that the mean pair moves: the difference of means beside it moves as many."""
        counts = self.translations.counts().numpy()
        return max(1, round(float(counts[mask_of(len(counts), self.asked)].mean())))


def allowed_genes(costs: np.ndarray) -> np.ndarray:
    """Genes that may be moved, bool (d,), of prices: programmes are moved whole, so a price only allows or forbids.

    Raises
    ------
    ValueError
        If a gene has another price than 1 or inf, or none may be moved.
    """
    mask = np.isfinite(costs)
    if (costs[mask] != 1).any():
        raise ValueError(
            "gene_costs with programs: a gene is allowed (1) or forbidden (inf); other prices mean nothing"
        )
    if not mask.any():
        raise ValueError("mask_var and gene_costs leave no gene that may be moved; programmes need some")
    return mask


def label_of(source: Any, programs: Programs) -> str:
    """What is stored of where the programmes come from."""
    return source if isinstance(source, str) else programs.source


@dataclass(frozen=True)
class Setting:
    """What codebooks are searched with: groups in the order of their names, so that their own order does not matter."""

    prepared: Prepared
    order: np.ndarray
    """Position (l,) in the groups' own order of every group here."""
    fit: Cells
    validate: Cells
    epsilon: float
    seed: int
    count: str

    @classmethod
    def of(cls, prepared: Prepared, epsilon: float, count: str) -> Setting:
        """Cells of the fitting and the validation part."""
        names = prepared.groups.names.astype(str)
        order = np.argsort(names, kind="stable")
        place = np.append(np.argsort(order), -1)
        groups = replace(prepared.groups, names=prepared.groups.names[order], codes=place[prepared.groups.codes])
        asked = None if prepared.asked is None else prepared.asked[np.ix_(order, order)]
        own = replace(prepared, groups=groups, means=prepared.means[order], asked=asked)
        return cls(own, order, own.part(FIT), own.part(VALIDATE), epsilon, prepared.seed, count)

    def program_means(self, programs: Programs, rows: np.ndarray | None = None) -> ProgramMeans:
        """What programmes hold of the groups' means; weights are the groups' fitting cells."""
        codes = self.prepared.groups.codes[self.prepared.rows(FIT) if rows is None else rows]
        weights = np.bincount(codes, minlength=self.prepared.groups.n).astype(float)
        return ProgramMeans(sparse.csc_array(programs.membership), self.prepared.means, weights)

    def scored(self, shift: np.ndarray) -> Scores:
        """Correctness and coverage on the validation cells under hidden shifts (l, h) of the groups."""
        moved = Shifted(self.validate, torch.from_numpy(shift.astype(np.float32)).to(self.validate.device))
        asked = with_self(self.validate.n_groups, self.prepared.asked)
        return score_pairs(moved, self.validate.embedded, self.epsilon, asked)


def search(
    setting: Setting,
    means: ProgramMeans,
    sparsities: Sequence[int],
    options: SearchOptions = FULL,
    on_step: Callable[[], object] | None = None,
) -> list[tuple[Found, Scores]]:
    """The codebook of each number, ascending: of those of least loss, the best on the validation cells."""
    W = setting.prepared.encoder.W
    hidden = means.hidden(None if W is None else W.numpy())
    asked = setting.prepared.asked
    loss = ArrivalLoss(setting.fit, setting.seed, asked=asked)
    found = Search(means, hidden, loss, options, on_step, asked)
    found.run(sparsities, setting.count)
    chosen = []
    for k in sorted(sparsities):
        finalists = [
            (one, setting.scored(found.state(one.levels).parts.sum(0)))
            for one in found.best(k, setting.count, _FINALISTS)
        ]
        chosen.append(max(finalists, key=lambda pair: quality(pair[1])))
    return chosen


def fitting_cells(setting: Setting) -> FittingCells:
    """What programmes are learned from: the groups' means as they differ within the pairs asked for."""
    prepared = setting.prepared
    differing = centred(prepared.means, prepared.asked)
    return FittingCells(prepared.X, prepared.groups.codes, prepared.rows(FIT), differing)


def given_programs(adata: AnnData, source: Any, mask: np.ndarray, gene_symbols: str | None = None) -> Given | None:
    """Programmes that are given, read and matched before an encoder is fitted; None of those that are learned later.

    Raises
    ------
    KeyError, FileNotFoundError, TypeError, ValueError
        If they are not there or have faults, as `resolve_programs`.
    """
    gene_labels(adata, (), gene_symbols)  # an unknown column
    if isinstance(source, str) and source in ("auto", *LEARNED):
        return None
    return read_given(source, gene_names(adata), adata, mask=mask, gene_symbols=gene_symbols, argument="programs")


def choose_programs(
    setting: Setting,
    source: Any,
    mask: np.ndarray,
    given: Given | None = None,
    on_step: Callable[[], object] | None = None,
    labels: np.ndarray | None = None,
) -> Programs:
    """The programmes to explain in: the given ones, or learned on the fitting cells as ``source`` says.

    Learned ones are named by ``labels``, one a gene, or by the genes' own names.
    """
    prepared, cells = setting.prepared, fitting_cells(setting)
    known = prepared.genes if labels is None else labels
    if not (isinstance(source, str) and source == "auto"):
        how: dict[str, Any] = {"mask": mask, "rng": setting.seed, "argument": "programs"}
        found = resolve_programs(source if given is None else given, known, cells, **how)
        found = replace(found, genes=prepared.genes)
        return _usable(_allowed(found, mask), setting, source)
    candidates: list[Programs] = []
    for kind, number in TRIED:
        try:
            found = learn_programs(cells, known, source=kind, n_programs=number, mask=mask, rng=setting.seed)
        except ValueError as error:
            reason = error
            continue
        if all(one.n != found.n or one.source != found.source for one in candidates):
            candidates.append(_usable(replace(found, genes=prepared.genes), setting, source))
    if not candidates:
        raise ValueError(f"programs='auto': no programmes can be learned from these cells: {reason}")
    if len(candidates) == 1:
        return candidates[0]
    marks = []
    for programs in candidates:
        wanted = sorted({min(k, programs.n) for k in _JUDGED_BY})
        means = setting.program_means(programs)
        found_each = search(setting, means, wanted, _ROUGH, on_step)
        undone = [_ROUGH.residual * share_undone(means, found.levels, prepared.asked) for found, _ in found_each]
        marks.append(float(np.mean([quality(scores) for _, scores in found_each]) - np.mean(undone)))
    near = [index for index, mark in enumerate(marks) if mark >= max(marks) - _AS_GOOD]
    return candidates[max(near, key=lambda index: (candidates[index].n, marks[index]))]


def share_undone(means: ProgramMeans, levels: np.ndarray, asked: Asked | None = None) -> float:
    """Share of the difference between the groups' means, in all genes, left undone; mean over the pairs asked for.

    Genes in no programme count as well: programmes that hold few of the genes that differ convince the map only.
    """
    undone, counted = means.means - means.translations(levels).dense().numpy(), mask_of(means.n_groups, asked)
    left, whole = (cdist(rows, rows, "sqeuclidean")[counted] for rows in (undone, means.means))
    return float((left / np.maximum(whole, np.finfo(float).tiny)).mean())


def _shown(source: Any) -> str:
    text = repr(source)
    return text if len(text) <= 60 else f"{type(source).__name__}"


def _allowed(programs: Programs, mask: np.ndarray) -> Programs:
    """Without the genes that may not be used."""
    if mask.all():
        return programs
    kept = sparse.diags_array(mask.astype(float))
    membership = sparse.csc_array(kept @ programs.membership)
    membership.eliminate_zeros()
    weights = None
    if programs.weights is not None:
        weights = sparse.csc_array(kept @ programs.weights)
        weights.eliminate_zeros()
    return replace(programs, membership=membership, weights=weights)


def _usable(programs: Programs, setting: Setting, source: Any) -> Programs:
    """Refuse programmes that tell no groups apart: nothing could be explained in them."""
    spread = np.einsum("mii->m", setting.program_means(programs).products())
    if not (spread > 1e-12).any():
        raise ValueError(
            f"programs={_shown(source)}: no programme differs between the groups; nothing can be explained in it"
        )
    return programs


def explained_in_programs(
    setting: Setting,
    programs: Programs,
    sparsities: Sequence[int],
    options: SearchOptions = FULL,
    on_step: Callable[[], object] | None = None,
) -> list[ProgramExplained]:
    """The explanations of all sparsities, in the groups' own order."""
    means = setting.program_means(programs)
    back = np.argsort(setting.order)
    chosen = []
    for k, (found, scores) in zip(
        sorted(sparsities), search(setting, means, sparsities, options, on_step), strict=True
    ):
        translations = means.translations(found.levels)
        own = replace(translations, values=translations.values[torch.from_numpy(back)])
        both = np.ix_(back, back)
        validation = Scores(scores.correctness[both], scores.coverage[both])
        levels, amounts = (of(found.levels)[:, back] for of in (means.ordered, means.level_means))
        asked = None if setting.prepared.asked is None else setting.prepared.asked[both]
        chosen.append(ProgramExplained(k, found.price, own, False, validation, levels, amounts, asked))
    return chosen


def selected_of(explained: Sequence[ProgramExplained]) -> int:
    """Position of the smallest number that is sufficient on the validation cells.

    Programmes are counted over the mean pair, so that a small number may leave single pairs with none. Where pairs were
    asked for, these want an answer each: of the sufficient numbers the smallest that leaves none out, if there is one.
    """
    best = max(candidate.quality for candidate in explained)
    sufficient = [place for place, one in enumerate(explained) if one.quality >= best - TOLERANCE]
    whole = [p for p in sufficient if explained[p].asked is not None and explained[p].leaves_none_out]
    return min(whole or sufficient, key=lambda place: explained[place].sparsity)


def to_entry(programs: Programs, explained: Sequence[ProgramExplained]) -> dict[str, Any]:
    """What the entry holds of programmes: ``uns[key]["programs"]``."""
    weights = programs.membership if programs.weights is None else programs.weights
    return {
        "names": programs.names.astype(str),
        "learned": np.asarray(programs.learned, dtype=bool),
        "membership": sparse.csr_matrix(programs.membership.T, dtype=np.float32),
        "weights": sparse.csr_matrix(weights.T, dtype=np.float32),
        "levels": np.stack([one.levels for one in explained]).astype(np.int16),
        "amounts": np.stack([one.amounts for one in explained]).astype(np.float32),
        "count_mean": np.array([pairwise(one.levels, one.asked).mean() for one in explained]),
        "n_genes": np.array([one.compared for one in explained], dtype=np.int64),
        "count_max": np.array([pairwise(one.levels, one.asked).max() for one in explained], dtype=np.int64),
    }


def from_entry(entry: Mapping[str, Any], prepared: Prepared) -> Programs:
    """The stored programmes again, over the genes of the cells, which are found in the entry by name."""
    stored, place = entry["programs"], {str(name): index for index, name in enumerate(entry["genes"])}
    there = np.array([place.get(str(name), -1) for name in prepared.genes])

    def aligned(name: str) -> sparse.csc_array:
        rows = sparse.csr_array(stored[name].T, dtype=np.float64)[np.maximum(there, 0)]
        found = sparse.csc_array(sparse.diags_array((there >= 0).astype(float)) @ rows)
        found.eliminate_zeros()
        return found

    membership = aligned("membership")
    n = membership.shape[1]
    return Programs(
        names=np.array([str(name) for name in stored["names"]], dtype=object),
        genes=prepared.genes,
        membership=membership,
        learned=np.asarray(stored["learned"], dtype=bool),
        source=str(entry["params"].get("programs", "")),
        n_given=np.diff(membership.indptr),
        matched=np.ones(n),
        weights=aligned("weights"),
    )


def learned_again(setting: Setting, entry: Mapping[str, Any], mask: np.ndarray) -> Programs:
    """The programmes of an entry, those that the call learned from cells learned anew from the cells of ``setting``.

    Given ones stay, and so do those read under a key, wherever they were learned.
    """
    label = str(entry["params"].get("programs", ""))
    stored = from_entry(entry, setting.prepared)
    if stored.learned.all():
        again = label == "auto" or label in LEARNED
        return choose_programs(setting, label, mask) if again else stored
    if not stored.learned.any():
        return stored
    given, n_learned = stored.take(np.flatnonzero(~stored.learned)), int(stored.learned.sum())
    return with_rest(given, fitting_cells(setting), n_learned, mask, setting.seed)


def bootstrapped(setting: Setting, programs: Programs, k: int, rows: np.ndarray, seed: int) -> ProgramExplained:
    """The codebook of k programmes a pair from a draw of fitting cells (row numbers in any order)."""
    prepared = setting.prepared
    drawn = rows[np.argsort(prepared.groups.codes[rows], kind="stable")]  # groups have another order here
    own = replace(setting, prepared=with_means_of(prepared, drawn), fit=prepared.cells(drawn), seed=seed)
    return explained_in_programs(own, programs, [k])[0]
