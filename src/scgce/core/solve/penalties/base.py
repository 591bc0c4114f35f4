"""What the solver asks of a penalty; it knows nothing else about it."""

from __future__ import annotations

from typing import Protocol

import torch


class Penalty(Protocol):
    """A convex penalty on the translations, separable over genes, in variables of its own.

    The solver's variable ``v`` has one column per gene and ``n_rows`` rows; ``translations`` turns it into δ (l, A).
    All methods refer to the genes of the penalty; ``take`` restricts it to some of them. λ is never stored.
    """

    @property
    def n_rows(self) -> int:
        """Rows of the variable: l for `Pairwise`, l - 1 for `Gap`."""
        ...

    @property
    def free(self) -> torch.Tensor:
        """(A,) bool: genes that cost nothing and are therefore never left out."""
        ...

    def take(self, genes: torch.Tensor) -> Penalty:
        """Penalty of a subset of the genes (indices)."""
        ...

    def translations(self, v: torch.Tensor) -> torch.Tensor:
        """δ (l, A) of the variable (n_rows, A)."""
        ...

    def variable(self, delta: torch.Tensor) -> torch.Tensor:
        """A feasible variable for (a projection of) δ (l, A): the inverse of `translations` where there is one."""
        ...

    def vjp(self, gradient: torch.Tensor) -> torch.Tensor:
        """Gradient in the variable from the gradient in δ (l, A)."""
        ...

    def value(self, v: torch.Tensor) -> float:
        """Penalty at λ = 1."""
        ...

    def prox(self, v: torch.Tensor, step: torch.Tensor, lam: float) -> torch.Tensor:
        """``argmin_u lam * value(u) + sum_g ||u_g - v_g||² / (2 step_g)``, step (A,) per gene; exact."""
        ...

    def lambda_max(self, gradient: torch.Tensor) -> float:
        """Smallest λ at which "no translation" is stationary, from the gradient in δ there (l, A)."""
        ...

    def dual_norm(self, gradient: torch.Tensor) -> torch.Tensor:
        """(A,): a gene without any step stays out as long as λ is at least this."""
        ...

    def conjugate(self, gradient: torch.Tensor, lam: float) -> tuple[float, float]:
        """For the duality gap: a factor in [0, 1] that makes ``-factor * gradient`` dual feasible, and P*(there)."""
        ...


class Norm:
    """What penalties on δ itself share that are norms, up to a shift that all groups have in common."""

    costs: torch.Tensor
    """(A,) float64; inf forbids a gene, 0 makes it free."""

    @property
    def free(self) -> torch.Tensor:
        return self.costs == 0

    def translations(self, v: torch.Tensor) -> torch.Tensor:
        return v

    def vjp(self, gradient: torch.Tensor) -> torch.Tensor:
        return gradient

    def dual_norm(self, gradient: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def lambda_max(self, gradient: torch.Tensor) -> float:
        dual_norm = self.dual_norm(gradient)[~self.free]
        return float(dual_norm.max()) if len(dual_norm) else 0.0

    def conjugate(self, gradient: torch.Tensor, lam: float) -> tuple[float, float]:
        # P* is the indicator of the dual ball: scale the gradient into it.
        worst = float(self.dual_norm(gradient).max())
        return (1.0 if worst <= lam else lam / worst), 0.0
