"""Donors and a condition of simulated cells: planted programmes, effects of donors, and which cells have what."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ._plan import Plan

CONDITIONS = ("ctrl", "stim")


@dataclass(frozen=True)
class Design:
    """What is asked for of donors and the condition.

    Attributes
    ----------
    n_donors
        D; 0 for none.
    donor_effect
        Standard deviation, over samples, of the natural log of a gene's mean.
    paired
        Whether every donor has both conditions.
    condition
        Whether there is one.
    n_shared, n_specific
        Programmes that move in all groups, and those that move in one.
    program_genes
        Genes of each.
    log_fold
        Typical size of a planted response, natural log.
    cells_sigma
        Standard deviation of the log of a donor's share of each group's cells.
    """

    n_donors: int
    donor_effect: float
    paired: bool
    condition: bool
    n_shared: int
    n_specific: int
    program_genes: int
    log_fold: float
    cells_sigma: float

    @property
    def any(self) -> bool:
        """Whether there are donors or a condition."""
        return self.condition or self.n_donors > 0

    def __post_init__(self) -> None:
        if not self.paired and (self.n_donors < 2 or not self.condition):
            raise ValueError(
                f"paired=False with n_donors={self.n_donors} and condition={self.condition}: expected a condition and "
                "at least two donors, one for each state"
            )


@dataclass(frozen=True)
class Drawn:
    """The truth of a design, and the cells.

    Attributes
    ----------
    plan
        Expected expression of every stratum (group, condition, donor).
    strata
        Stratum of every cell (n,).
    condition, donor
        Of every cell (n,); 0 where there are none.
    names
        Of the planted programmes (P,).
    genes
        Whether the gene is in the programme (P, d).
    groups
        Whether the programme moves in the group (P, l).
    log_fold
        Of every programme's genes in the stimulated state, natural log (P,).
    """

    plan: Plan
    strata: np.ndarray
    condition: np.ndarray
    donor: np.ndarray
    names: np.ndarray
    genes: np.ndarray
    groups: np.ndarray
    log_fold: np.ndarray


def draw_design(design: Design, plan: Plan, codes: np.ndarray, rng: np.random.Generator) -> Drawn:
    """Plant programmes, give every cell a donor and a condition, and every sample its effect.

    An effect of donors is half the donor's own, in both states alike, and half the sample's: what differs between two
    libraries of one donor.
    """
    n_groups, n_genes = plan.profile.shape
    n_donors, n_states = max(1, design.n_donors), len(CONDITIONS) if design.condition else 1
    names, genes, groups, folds = _programs(design, plan, rng)
    donor = _donors(design, codes, n_groups, rng)
    if not design.condition:
        condition = np.zeros(len(codes), dtype=np.int64)
    elif design.paired:
        condition = rng.integers(0, 2, len(codes))
    else:
        condition = donor % 2
    effect = np.zeros((n_donors, n_states, n_genes))
    if design.n_donors and design.donor_effect > 0:
        own = rng.normal(size=(n_donors, 1, n_genes))
        sample = rng.normal(size=(n_donors, n_states, n_genes))
        effect = design.donor_effect * (own + sample) / np.sqrt(2)
    response = np.zeros((n_states, n_groups, n_genes))
    if design.condition:
        response[1] = np.einsum("pl,pd,p->ld", groups, genes, folds)
    log = response[None] + effect[:, :, None]  # (D, states, l, d)
    profile = plan.profile * np.exp(log)
    strata = (donor * n_states + condition) * n_groups + codes
    expanded = replace(
        plan,
        profile=profile.reshape(-1, n_genes),
        log_fold=np.broadcast_to(plan.log_fold, profile.shape).reshape(-1, n_genes),
    )
    return Drawn(expanded, strata, condition, donor, names, genes, groups, folds)


def _programs(
    design: Design, plan: Plan, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Names, genes (P, d), groups (P, l) and log fold changes (P,), every second one lowered."""
    n_groups, n_genes = plan.profile.shape
    shared, specific = (design.n_shared, design.n_specific) if design.condition else (0, 0)
    count = shared + specific
    free = ~plan.planted & (plan.copy_of < 0)
    base = plan.profile.mean(axis=0)
    able = np.flatnonzero(free & (base >= np.median(base)))  # a lowered gene has something to lose
    if count * design.program_genes > len(able):
        raise ValueError(
            f"program_genes={design.program_genes} for {count} programmes: {len(able)} genes are well expressed and "
            "not planted otherwise; give fewer, or a larger n_genes"
        )
    chosen = rng.choice(able, (count, design.program_genes), replace=False)
    genes = np.zeros((count, n_genes), dtype=bool)
    np.put_along_axis(genes, chosen, True, axis=1)
    groups = np.zeros((count, n_groups), dtype=bool)
    groups[:shared] = True
    for index in range(specific):
        groups[shared + index, index % n_groups] = True
    folds = design.log_fold * rng.uniform(0.8, 1.2, count) * np.where(np.arange(count) % 2, -1.0, 1.0)
    names = [f"shared {number + 1}" for number in range(shared)]
    names += [f"specific {number + 1}" for number in range(specific)]
    return np.array(names, dtype=object), genes, groups, folds


def _donors(design: Design, codes: np.ndarray, n_groups: int, rng: np.random.Generator) -> np.ndarray:
    """Donor of every cell (n,): shares of a group's cells are log-normal, so that donors have unequal numbers."""
    if not design.n_donors:
        return np.zeros(len(codes), dtype=np.int64)
    shares = np.exp(design.cells_sigma * rng.normal(size=(n_groups, design.n_donors)))
    edges = np.cumsum(shares, axis=1)
    places = rng.random(len(codes)) * edges[codes, -1]
    return np.minimum((places[:, None] >= edges[codes]).sum(axis=1), design.n_donors - 1).astype(np.int64)
