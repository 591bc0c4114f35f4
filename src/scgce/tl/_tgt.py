"""`tl.tgt`: the main job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from anndata import AnnData

from scgce._api.adata import gene_costs as read_costs
from scgce._api.adata import gene_mask
from scgce._api.constraints import FLAG, NONE, SWEEP, checked, one_of
from scgce._api.progress import done, progress
from scgce._api.symbols import gene_labels
from scgce._api.threads import one_thread
from scgce.core.choose.select import METHODS, smallest_sufficient
from scgce.core.solve.penalties import exponent_of
from scgce.encoders._scvi import layer_of_scvi
from scgce.explain import params as _params
from scgce.explain import programs as _in_programs
from scgce.explain.advice import tell
from scgce.explain.asked import word_of
from scgce.explain.choose import explanations, steps_of
from scgce.explain.entry import report_on, stored
from scgce.explain.fit import Model
from scgce.explain.judges import movable_genes
from scgce.explain.read import Prepared, pick_epsilon, prepare
from scgce.explain.split import FIT, VALIDATE
from scgce.programs import Given
from scgce.store.entries import write_result

PATH_STEPS, SCORE_STEPS = 60, 10
"""Of the progress bar: λ values, and the scoring of a sparsity in units of a refinement step."""


@checked(clip=FLAG | NONE | one_of("auto", "range", "zero"), sparsity=SWEEP, programs=None, method=one_of(*METHODS))
def tgt(
    adata: AnnData,
    groupby: str | Sequence[str] = "leiden",
    *,
    use_rep: str | None = None,
    encoder: Any = None,
    layer: str | None = None,
    groups: Literal["all"] | Sequence[str] = "all",
    reference: Any = None,
    mask_var: str | np.ndarray | None = None,
    sparsity: Literal["auto"] | int | Sequence[int] = "auto",
    method: Literal["refine", "refine_consistent", "path", "truncate"] = "refine",
    programs: Any = None,
    gene_symbols: str | None = None,
    count: Literal["mean", "max"] = "mean",
    amplitude: float | Literal["auto"] | None = "auto",
    clip: Literal["auto", "range", "zero"] | bool | None = "auto",
    nonnegative: bool = False,
    pairs: Literal["all"] | str | Sequence[Any] | pd.DataFrame = "all",
    penalty: Literal["pair", "gene"] | float = "pair",
    lam: float | Sequence[float] | None = None,
    gene_costs: str | np.ndarray | pd.Series | Mapping[str, float] | None = None,
    epsilon: float | Literal["mean", "max"] | None = None,
    validation_fraction: float = 0.25,
    split_by: str | None = None,
    judges: bool | Mapping[str, Any] = True,
    min_cells: int = 3,
    rng: int | np.random.Generator = 0,
    device: str = "auto",
    key_added: str = "tgt",
    copy: bool = False,
) -> AnnData | None:
    """Explain what turns each group of cells into each other group, in a few genes per pair.

    For every ordered pair of groups a sparse translation of expression, ``δ_{i→j} = δ_j - δ_i``, such that the model r
    that drew the map takes translated cells of i for cells of j (Transitive Global Translations: Plumb et al.,
    ICML 2020, Eq. 9, solved exactly over all pairs at once). Direction: "A → B" is what to add to cells of A.

    B → A is A → B with the opposite signs, always. A → C is A → B plus B → C for the basis translations
    (`get.deltas`); after the cut to the k largest genes of each pair ("refine", "truncate") only nearly so: each of the
    three keeps its own k genes, and `tl.evidence` stores by how much they differ (``triangle_error``). The consistent
    variant and "path" need no cut and are transitive exactly.

    Parameters
    ----------
    adata
        Annotated data, n cells × d genes. The matrix explained should be normalised log expression.
    groupby
        Column of ``adata.obs`` with the groups of cells, or a list of columns (``["cell_type", "condition"]``): the
        combinations that occur are the groups, named ``"B | ctrl"``. ``get.*`` and ``pl.*`` take such a name or
        ``{"cell_type": "B", "condition": "ctrl"}``. Cells without a label take no part.
    use_rep
        Representation in ``adata.obsm`` that is explained. ``"X_pca"``: the loadings, an exact linear encoder. A key
        written by scgce's embedding tools: the stored encoder. Any other key (``"X_umap"``, ``"X_scVI"``, …): a small
        network distilled from it, its fidelity stored. None without ``encoder``: `tl.scvis` is fitted first.
    encoder
        A torch module (genes → representation), a model of scvi-tools or a function, instead of ``use_rep``.
    layer
        Layer of ``adata`` to explain; None for ``adata.X``, or for what the model of scvi-tools given as ``encoder``
        was set up with. ``"log1p(counts)"`` is the logarithm of a layer, made on the fly. Amounts are in its units.
    groups
        Groups to explain; "all" for every one.
    reference
        Group whose row of ``deltas`` is 0 (None: the first), or "baseline" for the cell-weighted median over groups
        (where none has that name).
        With several columns also a label of one of them (``"ctrl"``, or ``{"condition": "ctrl"}`` where several have
        it): contrasts are read from it, and in every set of groups that ``pairs`` link its row is 0. A matter of
        display: differences between groups do not depend on it.
    mask_var
        Boolean column of ``adata.var`` or array (d,): genes that may be used.
    sparsity
        Genes per pair. "auto": 1, 2, 5, …, 200 are tried; the smallest within 0.05 of the best mean of correctness and
        coverage on the validation cells is selected. Several: all are stored, the selection is made among them. In
        programmes, with ``pairs``, the smallest of these that leaves no pair asked for without one.
    method
        "refine": amounts refined for correctness and coverage on the fitting cells, the k largest kept for each pair.
        "refine_consistent": the same on a fixed partition of the groups, gene by gene: at most k genes for every pair
        *and* no triangle error; "refine" stores it beside its own in the sweep. "path": an exact solution of Eq. 9
        with at most k genes for every pair, refitted; no triangle error. "truncate": the paper, the k largest of
        each pair.
    programs
        Explain in gene programmes instead of genes: sets of genes that move together, each by exactly the real
        difference, so that no amplitude is needed and triangles close. Then ``sparsity`` counts programmes ("auto": 1,
        2, 3, 5, 8, 12, 20). "auto": learned on the fitting cells, kind and number chosen on the validation cells; a key
        written by `tl.programs`, or anything that it takes as ``source``. For every programme the groups are
        partitioned into levels; it takes part in a pair exactly if the two lie on different levels.
    gene_symbols
        Column of ``adata.var``, e.g. ``"feature_name"`` where ``var_names`` are Ensembl ids, by which the sets of
        ``programs`` are matched and learned programmes named, as in `tl.programs`; and by which ``gene_costs`` and
        ``mask_var`` name genes.
    count
        Programmes a pair are counted as the "mean" over pairs, or as the "max", of the pair that has most.
    amplitude
        Largest translation of a gene between two groups in units of the real difference of their means; the sign is
        the real one. "auto": 3; with programmes the real differences (1), and nothing else is accepted. Within
        the genes' range (``clip``) a wider bound changes little; without, with 20 genes a pair or fewer, 5 or 10 bring
        more cells across. None: unbounded, as in the paper, at the risk of implausible amounts.
    clip
        How far translated cells may go, in refinement and in every metric. "auto": "range" for genes, None with
        programmes, whose amounts are real. "range": cells stay possible,
        ``t(x) = min(max(x + δ, low), high)``, where low and high are each gene's smallest and largest value among the
        fitting cells (stored); values further outside the gene's third smallest and third largest than these are apart
        are outliers and passed over. "zero" (or True): ``max(x + δ, 0)``; not for a matrix with negative values. None
        (or False): ``x + δ``, as in the paper.
    nonnegative
        Bound the amounts further, gene by gene, so that no group's mean is taken below zero. Needs an amplitude and a
        matrix without negative values.
    pairs
        The pairs that matter: "all"; a list of (source, target), each a name or ``{"cell_type": "B", "condition":
        "ctrl"}``; a frame with the columns ``source`` and ``target``, as `get.metrics` and `get.pairs` return; or
        "within:cell_type", all pairs of groups that share a label of that column (one of ``groupby``, or a column that
        has one label in every group). Both directions of each are explained. Objective, choice, number
        of genes, programmes, means of the metrics and report look at these pairs only; the others have no explanation
        and NaN for their metrics. δ is one vector a group all the same; groups that no chain of pairs links share no
        amount. With ``amplitude=None`` all pairs of linked groups are priced.
    penalty
        What a gene costs: "pair", its amount for every pair it tells apart (Eq. 9); "gene", its range once (a small
        panel over all pairs); or a number between 0 ("gene") and 1 ("pair").
    lam
        λ of Eq. 9 to solve for, instead of a path from the smallest λ that translates nothing.
    gene_costs
        Price of every gene, (d,), a column of ``adata.var``, or by name (Series, dict; genes that it does not name cost
        1): 1 by default, 0 free, inf forbidden.
    epsilon
        Distance in the representation at which a cell counts as reached. "mean" (default): the smallest at which the
        self-similarity of the groups is at least 0.95 on average; "max": in every group; or a number.
    validation_fraction
        Share of every group that selects λ and k, and another that is reported; the rest fits. 0: all cells do all
        (the paper).
    split_by
        Column of ``adata.obs`` with donors or samples: whole donors fit, select and are reported, in these shares, so
        that the scores are those of donors not seen. Cells of one donor resemble each other, so a split by cells may
        promise more than another donor keeps. Every group needs ``min_cells`` cells in each part.
    judges
        Score translated cells with a logistic regression and a vote of the 15 nearest cells on the groups'
        discriminants as well, fitted on the fitting cells; they read the genes that may be moved, and groups weigh
        alike. A mapping adds more: name → any object with ``predict`` from dense cells to labels.
    min_cells
        Smallest number of cells a group may have.
    rng
        Seed or generator. The same seed gives the same bytes on the CPU.
    device
        "auto", "cpu", "cuda", "mps".
    key_added
        Name of the result in ``adata.uns``.
    copy
        Return a copy with the result instead of writing to ``adata``.

    Returns
    -------
    None, or the copy. Sets ``adata.uns[key_added]``: ``params``; ``groups`` (l,), ``genes`` (d,); ``deltas`` float32
    (l, d), the basis translations; ``correctness``, ``coverage``, ``percent_explained``, ``n_genes`` and judges'
    ``judge_*`` (l, l), row i, column j for i → j, on the reported cells; ``movable`` (d,), the genes that the judges
    read; ``asked`` (l, l), the pairs explained, where they are not all; ``epsilon``; ``means`` (l, d); ``low`` and
    ``high`` (d,), the genes' range; ``sweep`` with the same for every sparsity beside the difference of means cut to as
    many genes (``dbm_*`` at real amounts, ``dbm_scaled_*`` times ``dbm_factor``), ``changes`` CSR (K·l·l, d), the mean
    of t(x) − x over the reported cells where they are bounded, and, after "refine", the consistent
    variant (``deltas_consistent``, ``consistent_*``); ``path``; ``encoder``; ``split``. With ``programs``, also
    ``programs``: ``names`` (M,), ``membership`` CSR (M, d), ``weights`` (how much a gene leads), ``levels`` (K, M, l),
    the level of every group at every sparsity, 0 the lowest, ``amounts`` (K, M, l), the level's mean expression over
    the programme's genes, ``learned`` (M,), ``count_mean`` and ``count_max`` (K,).
    Read it with `get.explanation`, `get.codebook`, `get.metrics`, `get.sweep`.

    Raises
    ------
    KeyError
        If a name is not found in ``adata``.
    ValueError, TypeError
        On values that cannot be used; ``adata`` is left as it was.
    """
    amplitude = _params.amplitude_of(amplitude, in_programs=programs is not None)
    if programs is None:
        _params.check_for_genes(count, gene_symbols, mask_var, gene_costs)
    else:
        _params.check_for_programs(method=method, lam=lam, penalty=penalty, nonnegative=nonnegative)
    _params.check_bounded(amplitude, nonnegative=nonnegative)
    lams, exponent = _params.lams_of(lam), exponent_of(penalty)
    adata = adata.copy() if copy else adata
    layer = layer or layer_of_scvi(adata, encoder)
    costs = np.where(gene_mask(adata, mask_var, gene_symbols), read_costs(adata, gene_costs, gene_symbols), np.inf)
    given, sparsities = _asked_for(adata, programs, sparsity, np.isfinite(costs), gene_symbols)
    parts: dict[str, Any] = {"validation_fraction": validation_fraction, "split_by": split_by, "min_cells": min_cells}
    prepared = prepare(
        adata,
        groupby,
        use_rep=use_rep,
        encoder=encoder,
        layer=layer,
        groups=groups,
        reference=reference,
        pairs=pairs,
        **parts,
        rng=rng,
        device=device,
        clip=_params.clip_word(clip, in_programs=programs is not None),
        nonnegative=nonnegative,
    )
    model = Model(costs, amplitude, exponent, lams, bool(nonnegative))
    params = {
        **prepared.groups.stored,
        "use_rep": use_rep or "",
        "layer": layer or "",
        "method": method,
        "amplitude": -1.0 if amplitude is None else float(amplitude),
        "clip": prepared.clip,
        "nonnegative": bool(nonnegative),
        "penalty": float(exponent),
        "pairs": word_of(pairs),
        "validation_fraction": float(validation_fraction),
        "split_by": split_by or "",
        "epsilon_rule": _params.epsilon_rule(epsilon),
    }
    if programs is None:
        entry = _explain(prepared, model, sparsities, epsilon, judges, params, reference)
    else:
        of = programs, given, sparsity, count, gene_labels(adata, prepared.genes, gene_symbols)
        entry = _explain_in_programs(prepared, model, *of, epsilon, judges, params, reference)
    write_result(adata, key_added, entry)
    tell(entry)
    return adata if copy else None


def _asked_for(
    adata: AnnData, programs: Any, sparsity: Any, allowed: np.ndarray, gene_symbols: str | None
) -> tuple[Given | None, list[int]]:
    """Given programmes, and genes per pair; what cannot be used of them is refused before anything is fitted."""
    if programs is not None:
        return _in_programs.given_programs(adata, programs, allowed, gene_symbols), []
    return None, _params.sweep_of(sparsity, int(allowed.sum()))


def _explain(
    prepared: Prepared,
    model: Model,
    sparsities: list[int],
    epsilon: float | str | None,
    judges: bool | Mapping[str, Any],
    params: dict[str, Any],
    reference: Any,
) -> dict[str, Any]:
    """The path, the choice for every sparsity, and the scores: the entry of ``adata.uns``."""
    methods = [str(params["method"])]
    if methods == ["refine"]:
        methods.append("refine_consistent")
    n = prepared.groups.n
    steps = steps_of(methods, sparsities, len(prepared.genes), n * (n - 1), prepared.n_asked)
    steps += len(methods) * len(sparsities) * SCORE_STEPS
    with progress(total=PATH_STEPS + steps, desc="tgt") as bar, one_thread():
        reach = pick_epsilon(prepared, epsilon)
        fit, validate = prepared.part(FIT), prepared.part(VALIDATE)
        report = report_on(prepared, reach, judges, movable_genes(prepared.encoder, model.costs))
        how: dict[str, Any] = {"epsilon": reach, "seed": prepared.seed, "on_step": bar.update}
        (explained, *consistent), points = explanations(prepared, model, fit, validate, sparsities, methods, **how)
        found = stored(
            prepared,
            report,
            explained,
            smallest_sufficient(explained),
            params,
            consistent=consistent[0] if consistent else None,
            path=points,
            reference=reference,
            on_sparsity=lambda: bar.update(SCORE_STEPS),
        )
        done(bar)
    found |= {} if model.lams is None else {"lam": np.array(model.lams)}
    return found if (model.costs == 1).all() else {**found, "gene_costs": model.costs}


def _explain_in_programs(
    prepared: Prepared,
    model: Model,
    source: Any,
    given: Given | None,
    sparsity: Any,
    count: str,
    labels: np.ndarray,
    epsilon: float | str | None,
    judges: bool | Mapping[str, Any],
    params: dict[str, Any],
    reference: Any,
) -> dict[str, Any]:
    """The codebook of every sparsity, and its scores: the entry of ``adata.uns``."""
    mask = _in_programs.allowed_genes(model.costs)
    reach = pick_epsilon(prepared, epsilon)
    report = report_on(prepared, reach, judges, mask)
    with progress(total=None, desc="tgt") as bar:
        with one_thread():
            setting = _in_programs.Setting.of(prepared, reach, count)
            programs = _in_programs.choose_programs(setting, source, mask, given, bar.update, labels)
            sparsities = _params.sweep_of(sparsity, programs.n, auto=_in_programs.SWEEP, of="programmes")
            explained = _in_programs.explained_in_programs(setting, programs, sparsities, on_step=bar.update)
        params = {
            **params,
            "method": "programs",
            "programs": _in_programs.label_of(source, programs),
            "n_programs": programs.n,
            "count": count,
        }
        entry = stored(
            prepared,
            report,
            explained,
            _in_programs.selected_of(explained),
            params,
            reference=reference,
            on_sparsity=bar.update,
        )
        done(bar)
    return {**entry, "programs": _in_programs.to_entry(programs, explained)}
