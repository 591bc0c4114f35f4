"""`tl.integrated_gradients`: group Integrated Gradients, the paper's example of an attribution method."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from anndata import AnnData
from sklearn.linear_model import LogisticRegression

from scgce import __version__
from scgce._api.constraints import checked, whole
from scgce._api.docs import with_docs
from scgce._api.progress import progress
from scgce.encoders._scvi import layer_of_scvi
from scgce.explain.read import Prepared, prepare
from scgce.explain.split import FIT, REPORT
from scgce.matrix import arrays

BATCH = 256
"""Pairs of cells at a time."""


@checked(n_pairs=whole(2), n_steps=whole(2))
@with_docs
def integrated_gradients(
    adata: AnnData,
    groupby: str | Sequence[str] = "leiden",
    *,
    use_rep: str | None = None,
    encoder: Any = None,
    layer: str | None = None,
    groups: Literal["all"] | Sequence[str] = "all",
    n_pairs: int = 500,
    n_steps: int = 32,
    validation_fraction: float = 0.25,
    split_by: str | None = None,
    min_cells: int = 3,
    rng: int | np.random.Generator = 0,
    device: str = "auto",
    key_added: str = "integrated_gradients",
    copy: bool = False,
) -> AnnData | None:
    """Attribute to genes why a classifier on the map tells one group from another (paper, Eq. 11).

    A softmax classifier of the groups is fitted on r(x). For i → j, Integrated Gradients of the probability of j from
    a cell of i (the baseline) to a cell of j, averaged over pairs of cells drawn at random. These are attributions, in
    units of probability, not translations: adding them to a cell means nothing, and they have no correctness or
    coverage. They are neither symmetric nor transitive.

    Parameters
    ----------
    {adata}
    {groupby}
    {use_rep}
    {encoder}
    {layer}
    {groups}
    n_pairs
        Pairs of cells drawn for each pair of groups, estimating the mean over all of them.
    n_steps
        Steps of the integral along the straight line between two cells.
    validation_fraction
        Share of every group that is reported, and another that is left out; the classifier is fitted on the rest.
    {split_by}
    {min_cells}
    {rng}
    {device}
    {own_key}
    {copy}

    Returns
    -------
    None, or the copy. Sets ``adata.uns[key_added]``: ``params`` with ``type`` "attributions"; ``groups`` (l,),
    ``genes`` (d,); ``attributions`` and ``standard_error`` float32 (l·l, d), row ``i·l + j`` for i → j;
    ``completeness_error`` (l, l): largest amount, over the pairs of cells, by which attributions do not add up to the
    change of the probability; ``accuracy``: share of reported cells that the classifier calls rightly. Read it with
    `get.attributions`.

    Raises
    ------
    ImportError
        If captum is not installed.
    KeyError, ValueError, TypeError
        If a name is not found in ``adata``, or on values that cannot be used; ``adata`` is left as it was.
    """
    attribute_by = _captum()
    adata = adata.copy() if copy else adata
    layer = layer or layer_of_scvi(adata, encoder)
    prepared = prepare(
        adata,
        groupby,
        use_rep=use_rep,
        encoder=encoder,
        layer=layer,
        groups=groups,
        validation_fraction=validation_fraction,
        split_by=split_by,
        min_cells=min_cells,
        rng=rng,
        device=device,
    )
    model, accuracy = _classifier(prepared)
    gradients = attribute_by(model, multiply_by_inputs=False)
    found = _all_pairs(prepared, model, gradients.attribute, int(n_pairs), int(n_steps))
    adata.uns[key_added] = {
        "params": {
            "type": "attributions",
            "method": "integrated_gradients",
            "groupby": prepared.groups.key,
            "use_rep": use_rep or "",
            "layer": layer or "",
            "n_pairs": int(n_pairs),
            "n_steps": int(n_steps),
            "validation_fraction": float(validation_fraction),
            "split_by": split_by or "",
            "seed": prepared.seed,
            "device": str(prepared.device),
            "scgce_version": __version__,
        },
        "groups": prepared.groups.names.astype(str),
        "genes": prepared.genes.astype(str),
        "accuracy": accuracy,
        **found,
    }
    return adata if copy else None


def _captum() -> Any:
    try:
        from captum.attr import IntegratedGradients
    except ImportError as error:
        raise ImportError("tl.integrated_gradients needs captum: pip install 'scgce[ig]'") from error
    return IntegratedGradients


@dataclass(frozen=True)
class Classifier:
    """Probabilities of the groups from the encoder's hidden values."""

    tail: torch.nn.Module
    weights: torch.Tensor
    """(m, l)."""
    offset: torch.Tensor

    def __call__(self, hidden: torch.Tensor) -> torch.Tensor:
        """(n, h) to (n, l)."""
        return torch.softmax(self.tail(hidden) @ self.weights + self.offset, dim=1)


def _classifier(prepared: Prepared) -> tuple[Classifier, float]:
    """Logistic regression on r of the fitting cells, and its accuracy on the reported ones."""
    fit, report = prepared.part(FIT), prepared.part(REPORT)
    points, codes = _stacked(fit.embedded)
    scale = points.std(0) + np.finfo(np.float32).tiny
    model = LogisticRegression(max_iter=2000).fit(points / scale, codes)
    weights, offset = model.coef_, model.intercept_
    if len(weights) == 1:  # two classes: sklearn keeps the difference of their scores
        weights, offset = np.vstack([np.zeros_like(weights), weights]), np.append(0.0, offset)
    tail = prepared.encoder.tail_as(torch.float32, prepared.device)
    tensor = [torch.tensor(v, dtype=torch.float32, device=prepared.device) for v in ((weights / scale).T, offset)]
    points, codes = _stacked(report.embedded)
    return Classifier(tail, *tensor), float(np.mean(model.predict(points / scale) == codes))


def _stacked(embedded: Sequence[torch.Tensor]) -> tuple[np.ndarray, np.ndarray]:
    codes = np.repeat(np.arange(len(embedded)), [len(points) for points in embedded])
    return torch.cat(list(embedded)).cpu().numpy().astype(np.float64), codes


def _all_pairs(
    prepared: Prepared, model: Classifier, attribute: Callable[..., Any], n_pairs: int, n_steps: int
) -> dict[str, Any]:
    n, d = prepared.groups.n, len(prepared.genes)
    rows = prepared.rows(REPORT, 2000)
    codes = prepared.groups.codes[rows]
    members = [rows[codes == g] for g in range(n)]
    means, errors = np.zeros((2, n * n, d), dtype=np.float32)
    incomplete = np.zeros((n, n))
    for pair in progress(range(n * n), desc="integrated gradients"):
        i, j = divmod(pair, n)
        if i == j:
            continue
        draw = np.random.default_rng([prepared.seed, i, j])
        starts, ends = draw.choice(members[i], n_pairs), draw.choice(members[j], n_pairs)
        total, squares = np.zeros((2, d))
        for low in range(0, n_pairs, BATCH):
            some = slice(low, low + BATCH)
            parts, gap = _attributions(prepared, model, attribute, starts[some], ends[some], j, n_steps)
            total += parts.sum(0, dtype=np.float64)
            squares += np.square(parts, dtype=np.float64).sum(0)
            incomplete[i, j] = max(incomplete[i, j], gap)
        mean = total / n_pairs
        variance = np.maximum(squares / n_pairs - mean**2, 0) * n_pairs / (n_pairs - 1)
        means[pair], errors[pair] = mean, np.sqrt(variance / n_pairs)
    return {"attributions": means, "standard_error": errors, "completeness_error": incomplete}


def _attributions(
    prepared: Prepared,
    model: Classifier,
    attribute: Callable[..., Any],
    starts: np.ndarray,
    ends: np.ndarray,
    target: int,
    n_steps: int,
) -> tuple[np.ndarray, float]:
    """(p, d) attributions for pairs of cells, and how far they are from adding up to the change of the probability.

    A line between two cells is a line between their hidden values, and the gradient of a gene is the hidden gradient
    times its row of W: the integral runs over h numbers instead of d.
    """
    a, b = arrays.dense_rows(prepared.X, starts), arrays.dense_rows(prepared.X, ends)
    W = prepared.encoder.W
    if prepared.hidden is None or W is None:
        hidden = [torch.from_numpy(values) for values in (a, b)]
    else:
        hidden = [torch.from_numpy(prepared.hidden[rows]) for rows in (starts, ends)]
    first, last = (values.to(prepared.device) for values in hidden)
    slope = attribute(last, baselines=first, target=target, n_steps=n_steps, method="gausslegendre").float().cpu()
    slope = slope if W is None else slope @ W.T
    parts = (b - a) * slope.numpy()
    with torch.no_grad():
        change = (model(last) - model(first))[:, target].cpu().numpy()
    return parts, float(np.abs(parts.sum(1) - change).max())
