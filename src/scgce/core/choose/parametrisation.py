"""What refinement moves: the amounts of a translation, in units that make one learning rate fit all data."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Protocol, TypeVar

import torch

from scgce.core.solve.penalties import Gap
from scgce.core.translations import Translations

T = TypeVar("T")


def to_device(value: T, device: torch.device) -> T:
    """A dataclass with all tensors that it holds on a device."""
    held = {field.name: getattr(value, field.name) for field in fields(value)}  # type: ignore[arg-type]
    tensors = {name: one.to(device) for name, one in held.items() if isinstance(one, torch.Tensor)}
    return replace(value, **tensors)  # type: ignore[type-var]


class Parametrisation(Protocol):
    """A differentiable map from parameters to δ on some genes, and the set the parameters must stay in.

    Parameters are a matrix, or a stack of them.
    """

    @property
    def genes(self) -> torch.Tensor:
        """(A,) indices of the genes."""
        ...

    def start(self) -> torch.Tensor:
        """Parameters of the translations it was made from."""
        ...

    def translations(self, parameters: torch.Tensor) -> torch.Tensor:
        """δ (..., l, A)."""
        ...

    def project(self, parameters: torch.Tensor) -> torch.Tensor:
        """Nearest allowed parameters."""
        ...


@dataclass(frozen=True)
class FreeParametrisation:
    """δ itself in units of its own size: unbounded amounts (the paper's translations)."""

    genes: torch.Tensor
    initial: torch.Tensor
    unit: float

    @classmethod
    def of(cls, translations: Translations) -> FreeParametrisation:
        # the mean square over all pairs, which need not be formed
        size = (2 * translations.values.var(0, correction=0).mean()).sqrt()
        return cls(translations.genes, translations.values, max(float(size), 1e-12))

    def start(self) -> torch.Tensor:
        return self.initial / self.unit

    def translations(self, parameters: torch.Tensor) -> torch.Tensor:
        return parameters * self.unit

    def project(self, parameters: torch.Tensor) -> torch.Tensor:
        return parameters


@dataclass(frozen=True)
class StepParametrisation:
    """Per gene, steps between groups in a fixed order, in units of ``unit``, between 0 and ``most``.

    With the gap penalty's order, the real gaps as unit and the amplitude as most: plausible amounts. With steps closed
    (most = 0) where a consistent solution has none, the partition of the groups stays, gene by gene.
    """

    genes: torch.Tensor
    order: torch.Tensor
    """(l, A) int64."""
    unit: torch.Tensor
    """(l - 1, A)."""
    most: torch.Tensor
    """(l - 1, A), inf allowed."""
    initial: torch.Tensor
    """(l - 1, A) steps in units of ``unit``."""

    @classmethod
    def of_gap(cls, gap: Gap, genes: torch.Tensor, amplitude: float, translations: Translations) -> StepParametrisation:
        """``gap`` of the given genes, bounded by ``amplitude`` times the real gaps."""
        steps = gap.variable(translations.values)
        unit = gap.upper / amplitude
        most = torch.where(gap.upper > 0, amplitude, 0.0).to(unit)
        return cls(genes, gap.order, unit, most, torch.where(unit > 0, steps / unit.clamp(min=1e-300), 0.0))

    @classmethod
    def of_partition(cls, gap: Gap, translations: Translations) -> StepParametrisation:
        """Open steps of any size, in units of their typical size."""
        steps = gap.variable(translations.values)
        open_ = gap.upper > 0
        unit = torch.full_like(
            steps, float(steps[open_].square().mean().sqrt().clamp(min=1e-12)) if open_.any() else 1.0
        )
        return cls(translations.genes, gap.order, unit, torch.where(open_, torch.inf, 0.0).to(unit), steps / unit)

    def start(self) -> torch.Tensor:
        return self.initial

    def translations(self, parameters: torch.Tensor) -> torch.Tensor:
        steps = parameters * self.unit.to(parameters)
        lowest = steps.new_zeros(*steps.shape[:-2], 1, steps.shape[-1])
        levels = torch.cat([lowest, steps.cumsum(-2)], -2)
        return torch.zeros_like(levels).scatter(-2, self.order.expand_as(levels), levels)

    def project(self, parameters: torch.Tensor) -> torch.Tensor:
        return torch.minimum(parameters.clamp(min=0.0), self.most.to(parameters))
