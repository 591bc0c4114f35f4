"""`tl.stability`: which genes would be chosen again, from other cells of the same kind, or by another fit of r."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from scgce._api.constraints import NONE, TEXT, checked
from scgce._api.device import resolve_device
from scgce._api.docs import with_docs
from scgce._api.groups import read_labels
from scgce._api.processes import side_by_side
from scgce._api.progress import progress
from scgce._api.threads import one_thread
from scgce.core.choose.truncate import PairCuts
from scgce.core.pairs import listed
from scgce.core.score.metrics import similarity
from scgce.encoders import encoder_from_uns, resolve
from scgce.explain.again import Again, check_repeatable, model_of
from scgce.explain.programs import ProgramExplained, Setting, bootstrapped, from_entry
from scgce.explain.read import MOST_CELLS, Prepared, pick_epsilon, read
from scgce.explain.reopen import explanation_of, genes_onto, reopen, seed_for
from scgce.explain.split import FIT
from scgce.programs import Programs
from scgce.store.entries import read_result

_MOST_DRAWS = 1000
"""Draws of donors until one has cells of every group."""


@checked(resample=TEXT | NONE)
@with_docs
def stability(
    adata: AnnData,
    key: str = "tgt",
    *,
    n_bootstraps: int = 20,
    resample: str | None = None,
    refit: bool = False,
    sparsity: int | None = None,
    encoder: Any = None,
    mask_var: str | np.ndarray | None = None,
    gene_costs: str | np.ndarray | pd.Series | Mapping[str, float] | None = None,
    interval: float = 0.9,
    rng: int | np.random.Generator = 0,
    n_jobs: int | None = None,
    device: str = "auto",
    copy: bool = False,
) -> AnnData | None:
    """Repeat an explanation on bootstrap samples of the fitting cells, or of the donors that fitted.

    The whole procedure is repeated as it was run (λ given or searched, penalty, costs, bounds, refinement from richer
    sparsities down), with the same validation cells.

    Parameters
    ----------
    adata
        Annotated data with the explanation and the cells it was made from.
    key
        The explanation in ``adata.uns``.
    n_bootstraps
        Number B of samples, drawn with replacement: cells within each group, or donors.
    resample
        Column of ``adata.obs`` with donors or samples: whole ones are drawn among those with fitting cells. What holds
        over donors is more than what holds over cells of the same donors. None: cells.
    refit
        Distil the encoder anew for each of them, with another seed; only for a ``use_rep`` that is distilled.
    sparsity
        Which sparsity; None: the selected one.
    encoder
        The model, if it could not be stored with the explanation. It is given the genes in the order explained.
    mask_var, gene_costs
        As given to `tl.tgt`; None: as stored.
    interval
        Coverage of the interval of each amount, e.g. 0.9 for the 5 % and 95 % quantiles over the bootstraps.
    {rng}
    {n_jobs}
    {device}
    {copy}

    Returns
    -------
    None, or the copy. Sets ``adata.uns[key]["stability"]``: ``sparsity``, ``n_bootstraps``, ``interval``,
    ``resample``, ``refit``; ``frequency``, ``low``, ``high``: CSR (l·l, d), row ``i·l + j`` for i → j: share of the
    bootstraps in which the pair's explanation has the gene, and the quantiles of its amount (0 where not chosen);
    ``similarity`` (l, l): mean of Eq. 10 between the explanation and its bootstraps. Of an explanation in programmes,
    the programmes stay and their levels are searched again: ``program_frequency`` (M, l, l), share of the bootstraps
    in which the programme takes part in the pair, ``program_low`` and ``program_high``, quantiles of its mean change,
    and ``level_agreement`` (M, l), how often a group shares a level with the same groups.

    Raises
    ------
    KeyError, ValueError
        If there is no such explanation or sparsity, it is a baseline or of lineages, or the encoder cannot be fitted
        again.
    """
    entry = read_result(adata, key)
    params = entry["params"]
    k = int(params["sparsity_selected"]) if sparsity is None else sparsity
    check_repeatable(entry, key)
    if refit and not params["use_rep"]:
        raise ValueError("refit=True needs an explanation of a use_rep; this one was made with encoder=")
    if copy:
        adata = adata.copy()
    generator = np.random.default_rng(rng)
    r = encoder_from_uns(entry["encoder"]) if encoder is None else encoder
    opening: dict[str, Any] = {"seed": seed_for(entry, None), "device": resolve_device(device)}
    prepared = reopen(adata, entry, None, None, r, min_cells=1, whole=True, **opening)
    reported = explanation_of(entry, prepared, k, key).cuts()
    donors = None if resample is None else read_labels(adata, resample, "resample")[1]
    if "programs" in entry:
        if refit:
            raise ValueError("refit=True of an explanation in programmes is not offered: expected False")
        draws = _draws(prepared, donors, n_bootstraps, generator, False)
        found = _of_programs(entry, prepared, k, draws, n_bootstraps, interval, key, n_jobs)
        found["resample"] = resample or ""
        adata.uns[key] = {**adata.uns[key], "stability": found}
        return adata if copy else None
    again = Again(entry, model_of(adata, entry, mask_var, gene_costs), k)
    work = partial(_repeated, again, prepared, adata if refit else None)
    found_again = side_by_side(work, _draws(prepared, donors, n_bootstraps, generator, refit), n_jobs)
    repeats = list(progress(found_again, total=n_bootstraps, desc="stability"))
    asked = set(listed(prepared.groups.n, prepared.asked))
    found = _summary(reported, repeats, interval, asked)
    of_genes = genes_onto(entry, prepared.genes).T  # the result's genes, wherever they stand in adata
    found |= {name: sparse.csr_matrix(found[name] @ of_genes) for name in ("frequency", "low", "high")}
    found |= {"sparsity": k, "n_bootstraps": n_bootstraps, "interval": float(interval), "refit": bool(refit)}
    found["resample"] = resample or ""
    adata.uns[key] = {**adata.uns[key], "stability": found}
    return adata if copy else None


def _of_programs(
    entry: dict[str, Any],
    prepared: Prepared,
    k: int,
    draws: Iterable[Draw],
    n_bootstraps: int,
    interval: float,
    key: str,
    n_jobs: int | None,
) -> dict[str, Any]:
    """Levels of every group in every programme over the bootstraps."""
    reported = explanation_of(entry, prepared, k, key)
    if not isinstance(reported, ProgramExplained):
        raise ValueError(f"adata.uns[{key!r}] has no levels of programmes")
    setting = Setting.of(prepared, float(entry["epsilon"]), str(entry["params"].get("count", "mean")))
    programs = from_entry(entry, prepared)
    apart, sizes = [], []
    again_in = partial(_repeated_programs, setting, programs, k)
    for again in progress(side_by_side(again_in, draws, n_jobs), total=n_bootstraps, desc="stability"):
        apart.append(again.levels[:, :, None] != again.levels[:, None, :])
        sizes.append(np.where(apart[-1], again.amounts[:, None, :] - again.amounts[:, :, None], 0.0))
    own = reported.levels[:, :, None] != reported.levels[:, None, :]
    other = ~np.eye(own.shape[1], dtype=bool)
    low, high = np.quantile(np.stack(sizes), [0.5 - interval / 2, 0.5 + interval / 2], axis=0)
    return {
        "program_frequency": np.mean(apart, axis=0),
        "program_low": low,
        "program_high": high,
        "level_agreement": (np.mean(np.stack(apart) == own, axis=0) * other).sum(2) / max(1, other.shape[0] - 1),
        "sparsity": k,
        "n_bootstraps": n_bootstraps,
        "interval": float(interval),
        "refit": False,
    }


class Draw(NamedTuple):
    """What one bootstrap draws."""

    encoder_seed: int | None
    rows: np.ndarray
    seed: int


def _draws(
    prepared: Prepared, donors: np.ndarray | None, count: int, generator: np.random.Generator, refit: bool
) -> Iterator[Draw]:
    for _ in range(count):
        encoder_seed = int(generator.integers(2**31)) if refit else None
        yield Draw(encoder_seed, _draw(prepared, donors, generator), int(generator.integers(2**31)))


def _repeated(again: Again, prepared: Prepared, adata: AnnData | None, draw: Draw) -> PairCuts:
    """The explanation from one draw; with an encoder fitted anew where the cells are given."""
    params, epsilon = again.entry["params"], float(again.entry["epsilon"])
    if adata is not None and draw.encoder_seed is not None:
        prepared = _refitted(adata, prepared, params, draw.encoder_seed)
        if params["epsilon_rule"] != "given":
            epsilon = pick_epsilon(prepared, params["epsilon_rule"])
    return again.in_genes(prepared, draw.rows, epsilon, draw.seed).cuts()


def _repeated_programs(setting: Setting, programs: Programs, k: int, draw: Draw) -> ProgramExplained:
    with one_thread():
        return bootstrapped(setting, programs, k, draw.rows, draw.seed)


def _refitted(adata: AnnData, prepared: Prepared, params: dict[str, Any], seed: int) -> Prepared:
    """The same cells seen by an encoder fitted with another seed."""
    layer = params["layer"] or None
    parts = prepared.split
    r = resolve(adata, use_rep=params["use_rep"], layer=layer, rng=seed, device=str(prepared.device), parts=parts)
    return read(
        adata,
        prepared.X,
        prepared.genes,
        prepared.groups,
        r.align(prepared.genes),
        prepared.split,
        device=prepared.device,
        seed=prepared.seed,
        clip=prepared.clip,
    )


def _draw(prepared: Prepared, donors: np.ndarray | None, generator: np.random.Generator) -> np.ndarray:
    """Fitting cells with replacement, within each group; or those of whole donors, until every group has some."""
    rows = prepared.rows(FIT, MOST_CELLS[FIT])
    codes = prepared.groups.codes[rows]
    if donors is None:
        return np.concatenate(
            [generator.choice(rows[codes == g], (codes == g).sum()) for g in range(prepared.groups.n)]
        )
    own = np.unique(donors[rows])
    own = own[own >= 0]
    if len(own) < 2:
        raise ValueError(f"resample: the fitting cells are of {len(own)} donor; at least two are needed to draw from")
    for _ in range(_MOST_DRAWS):
        drawn = np.concatenate([rows[donors[rows] == donor] for donor in generator.choice(own, len(own))])
        if len(np.unique(prepared.groups.codes[drawn])) == prepared.groups.n:
            return drawn[np.argsort(prepared.groups.codes[drawn], kind="stable")]
    raise ValueError(f"resample: none of {_MOST_DRAWS} draws of {len(own)} donors has cells of every group")


def _summary(
    reported: PairCuts, repeats: list[PairCuts], interval: float, asked: set[tuple[int, int]]
) -> dict[str, Any]:
    n = reported.n_groups
    rows: dict[str, list[Any]] = {"frequency": [], "low": [], "high": []}
    alike = np.full((n, n), np.nan)
    empty = sparse.csr_matrix((1, reported.n_genes), dtype=np.float32)
    for i in range(n):
        for j in range(n):
            if (i, j) not in asked:
                for name in rows:
                    rows[name].append(empty)
                continue
            kept = [repeat(i, j) for repeat in repeats]
            genes = np.unique(np.concatenate([delta.genes.numpy() for delta in kept]))
            amounts = np.zeros((len(kept), len(genes)))
            for own, delta in zip(amounts, kept, strict=True):
                own[np.searchsorted(genes, delta.genes.numpy())] = delta.values.numpy()
            low, high = np.quantile(amounts, [0.5 - interval / 2, 0.5 + interval / 2], axis=0)
            chosen = (amounts != 0).mean(0)
            for name, values in (("frequency", chosen), ("low", low), ("high", high)):
                row = sparse.csr_matrix((values.astype(np.float32), (np.zeros_like(genes), genes)), shape=empty.shape)
                row.eliminate_zeros()
                rows[name].append(row)
            alike[i, j] = np.mean([similarity(reported(i, j), delta) for delta in kept])
    return {**{name: sparse.vstack(parts, format="csr") for name, parts in rows.items()}, "similarity": alike}
