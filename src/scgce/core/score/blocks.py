"""Distances between two bounded blocks of points, and which pairs are within ε."""

from __future__ import annotations

import torch
from torch import Tensor

_MEASURED = 2**18
_FLOAT32_RANGE = 1e34  # far enough below its largest number for the sums
_FLOAT64_ERROR = 1e-10  # lies between the errors of float64 and float32 for any m that fits in memory


def as_points(points: Tensor, name: str) -> Tensor:
    """Points in float64, shape (n, m); on the CPU where the device has no float64.

    Raises
    ------
    ValueError
        If `points` is not 2-d or holds NaN or infinite values.
    """
    if points.ndim != 2:
        raise ValueError(f"{name} has shape {tuple(points.shape)}; accepted: (cells, dimensions)")
    points = points.detach()
    points = (points.cpu() if points.device.type == "mps" else points).to(torch.float64)
    if not torch.isfinite(points).all():
        raise ValueError(f"{name} holds NaN or infinite coordinates; accepted: finite values")
    return points


def distance(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distance over the last axis (broadcast), summed coordinate by coordinate."""
    total = torch.zeros((), dtype=a.dtype, device=a.device)
    for u, v in zip(a.unbind(-1), b.unbind(-1), strict=True):
        step = u - v
        total = total + step * step
    return total.sqrt()


def nearest_block(a: Tensor, b: Tensor, exclude: Tensor | None = None) -> Tensor:
    """Distance from each row of a (p, m) to the nearest row of b (q, m), float64 (p,).

    A product finds the rows of b that may be nearest; those are measured. `exclude` (p,) names for each row of a
    a row of b that does not count (anything outside 0 … q−1: none).
    """
    table, norms, error = _squared(a, b, torch.float64)
    if exclude is not None:
        inside = torch.nonzero((exclude >= 0) & (exclude < b.shape[0]), as_tuple=True)[0]
        table[inside, exclude[inside]] = torch.inf
    least = table.amin(1)
    limit = least * (1 + 8 * error) + 8 * error * norms
    rows, columns = torch.nonzero((table <= limit[:, None]) & (table < torch.inf), as_tuple=True)
    found = torch.full((a.shape[0],), torch.inf, dtype=torch.float64, device=a.device)
    for row, column in zip(torch.split(rows, _MEASURED), torch.split(columns, _MEASURED), strict=True):
        found.scatter_reduce_(0, row, distance(a[row], b[column]), "amin")
    return found


def mutual_block(a: Tensor, b: Tensor, epsilon: float, *, one_way: bool = False) -> tuple[Tensor, Tensor]:
    """Which rows of a (p, m) have a row of b (q, m) within ε, bool (p,), and the other way round, bool (q,).

    Products decide wherever their rounding error cannot matter, first in float32, then in float64; the few rows
    left, whose nearest squared distance is ε² to rounding, are measured by coordinate differences.

    Parameters
    ----------
    a, b
        Float64 points, at least one of each.
    epsilon
        Non-negative.
    one_way
        Leave the second answer unsettled (all False) to save its share of the work.
    """
    table, norms, error = _squared(a, b, torch.float32)
    rows = _settle(a, b, table.amin(1), norms, error, epsilon)
    if one_way:
        return rows, torch.zeros(b.shape[0], dtype=torch.bool, device=b.device)
    b_norms = (b - b.mean(0)).square().sum(1)
    return rows, _settle(b, a, table.amin(0), b_norms, error, epsilon)


def _squared(a: Tensor, b: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor, float]:
    """Squared distances by one product, of (−2a, |a|², 1) with (b, 1, |b|²), both centred on b.

    Returns the table (p, q), |a|² (p,) and c: an entry is wrong by at most c·(|a|² + |b|²). NumPy multiplies on the
    CPU, and other devices use float64, because torch may be set to multiply float32 in fewer bits.
    """
    centre = b.mean(0)
    a, b = a - centre, b - centre
    a_norms, b_norms = a.square().sum(1, keepdim=True), b.square().sum(1, keepdim=True)
    left = torch.cat([-2 * a, a_norms, torch.ones_like(a_norms)], 1)
    right = torch.cat([b, torch.ones_like(b_norms), b_norms], 1)
    if a.device.type != "cpu" or float(left.abs().max()) * float(right.abs().max()) > _FLOAT32_RANGE:
        dtype = torch.float64
    if a.device.type != "cpu":
        table = left @ right.T
    else:
        table = torch.from_numpy(left.to(dtype).numpy() @ right.to(dtype).numpy().T)
    return table, a_norms[:, 0], 2 * (a.shape[1] + 8) * torch.finfo(dtype).eps


def _settle(a: Tensor, b: Tensor, least: Tensor, norms: Tensor, error: float, epsilon: float) -> Tensor:
    """Whether each row of a has a row of b within ε, given its least squared distance as a product gave it.

    Since |b|² ≤ 2|a|² + 2d², an entry d² is wrong by at most c·(3|a|² + 2d²), whatever b it belongs to.
    """
    least = least.double()
    slack = error * (4 * norms + 3 * epsilon**2)
    hit = least <= epsilon**2 - slack
    unsure = torch.nonzero((least - epsilon**2).abs() <= slack, as_tuple=True)[0]
    if unsure.numel() == 0:
        return hit
    if error > _FLOAT64_ERROR:
        table, norms, error = _squared(a[unsure], b, torch.float64)
        hit[unsure] = _settle(a[unsure], b, table.amin(1), norms, error, epsilon)
        return hit
    for part in torch.split(unsure, max(1, _MEASURED // b.shape[0])):
        hit[part] = (distance(a[part, None], b) <= epsilon).any(1)
    return hit
