"""How far a shift between two groups holds over donors: donors are the units, cells never are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]

DESIGNS = {
    "paired": "donors with cells of both groups",
    "unpaired": "donors of one group each",
    "confounded": "one donor a group, whose effect is not told apart",
    "few": "fewer than two donors with enough cells",
}
"""What each value of `Agreement.design` means."""


@dataclass(frozen=True)
class Agreement:
    """R shifts between two groups over D donors.

    Attributes
    ----------
    design
        A key of `DESIGNS`.
    each
        Shift of every donor (R, D), NaN for one that cannot say. Paired: its own target mean less its own source mean.
        Unpaired: a donor of the target less the mean over the source's donors, or the mean over the target's donors
        less a donor of the source.
    n
        Donors that can say.
    low, high
        Interval of the mean shift over donors (R,), NaN where it is not defined.
    """

    design: str
    each: Floats
    n: int
    low: Floats
    high: Floats

    def agreeing(self, shift: Floats) -> NDArray[np.int64]:
        """Donors whose shift has the sign of ``shift`` (R,)."""
        return np.asarray((np.sign(self.each) == np.sign(shift)[:, None]).sum(axis=1), dtype=np.int64)

    def agree(self, shift: Floats) -> NDArray[np.bool_]:
        """Whether the interval lies on the side of ``shift`` (R,)."""
        return np.asarray(np.where(shift > 0, self.low > 0, (shift < 0) & (self.high < 0)), dtype=bool)


def agreement(source: Floats, target: Floats, level: float) -> Agreement:
    """Per-donor shifts and a t interval over donors.

    Paired donors (two or more with both groups) give a one-sample interval of their differences; donors without the
    other group then say nothing. Otherwise two or more donors of each group give Welch's interval.

    Parameters
    ----------
    source, target
        Mean of each item in the donor's cells of either group (R, D), NaN where it has too few.
    level
        Coverage of one interval, e.g. 0.95, or nearer to 1 where several are to hold together.
    """
    here, there = ~np.isnan(source).all(axis=0), ~np.isnan(target).all(axis=0)
    both = here & there
    nothing = np.full(len(source), np.nan)
    if both.sum() >= 2:
        each = np.where(both, target - source, np.nan)
        found = each[:, both]
        error = found.std(axis=1, ddof=1) / np.sqrt(both.sum())
        low, high = _interval(found.mean(axis=1), error, np.full(len(source), both.sum() - 1.0), level)
        return Agreement("paired", each, int(both.sum()), low, high)
    if here.sum() >= 2 and there.sum() >= 2 and not both.any():
        means, errors, degrees = _welch(source[:, here], target[:, there])
        low, high = _interval(means, errors, degrees, level)
        before, after = source[:, here].mean(axis=1), target[:, there].mean(axis=1)
        each = np.where(there, target - before[:, None], after[:, None] - source)
        each = np.where(here | there, each, np.nan)
        return Agreement("unpaired", each, int((here | there).sum()), low, high)
    confounded = here.any() and there.any() and not both.any()
    each = np.where(both, target - source, np.nan)
    return Agreement("confounded" if confounded else "few", each, int(both.sum()), nothing, nothing)


def _welch(source: Floats, target: Floats) -> tuple[Floats, Floats, Floats]:
    """Difference of means, its standard error and its degrees of freedom (R,) each."""
    parts = [found.var(axis=1, ddof=1) / found.shape[1] for found in (source, target)]
    total = parts[0] + parts[1]
    below = parts[0] ** 2 / (source.shape[1] - 1) + parts[1] ** 2 / (target.shape[1] - 1)
    least = float(min(source.shape[1], target.shape[1]) - 1)
    degrees = np.where(below > 0, total**2 / np.where(below > 0, below, 1.0), least)
    return target.mean(axis=1) - source.mean(axis=1), np.sqrt(total), degrees


def _interval(mean: Floats, error: Floats, degrees: Floats, level: float) -> tuple[Floats, Floats]:
    reach = stdtrit(degrees, (1 + level) / 2) * error
    return mean - reach, mean + reach
