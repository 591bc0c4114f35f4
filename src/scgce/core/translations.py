"""Translations of all groups, packed: most genes are never translated."""

from __future__ import annotations

from dataclasses import dataclass

import torch

_GRID_BITS = 22
_LEAST_EXPONENT = -126  # of float32


@dataclass(frozen=True)
class Translations:
    """δ of every group on the genes that are translated at all; every pair's is a difference of two rows."""

    genes: torch.Tensor
    """(A,) int64, ascending: indices of the genes."""
    values: torch.Tensor
    """(l, A) float64."""
    n_genes: int
    """d, the number of all genes."""

    @classmethod
    def of_dense(cls, delta: torch.Tensor) -> Translations:
        """Pack (l, d): genes on which all groups are equal carry no information and are dropped."""
        genes = (delta != delta[:1]).any(0).nonzero().squeeze(1)
        return cls(genes, delta[:, genes], delta.shape[1])

    @property
    def n_groups(self) -> int:
        return len(self.values)

    def pair(self, source: int, target: int) -> torch.Tensor:
        """δ_{source→target} = δ_target - δ_source on the packed genes, (A,)."""
        return self.values[target] - self.values[source]

    def pairs(self) -> torch.Tensor:
        """All of them, (l, l, A): row i, column j is i → j."""
        return self.values[None, :, :] - self.values[:, None, :]

    def dense(self) -> torch.Tensor:
        """(l, d)."""
        full = self.values.new_zeros(len(self.values), self.n_genes)
        return full.index_copy_(1, self.genes, self.values)

    def counts(self) -> torch.Tensor:
        """(l, l) int64: genes that differ between two groups, the size of each pair's explanation."""
        differs = torch.zeros(self.n_groups, self.n_groups, dtype=torch.int64, device=self.values.device)
        for source in range(self.n_groups):
            differs[source] = (self.values != self.values[source]).sum(1)
        return differs

    def drop_unused(self) -> Translations:
        """Without the genes on which all groups are equal."""
        used = (self.values != self.values[:1]).any(0)
        return Translations(self.genes[used], self.values[:, used], self.n_genes)

    def rounded(self) -> Translations:
        """Values on a grid of 2⁻²² of each gene's range, the first group at 0.

        Float32 holds them and their differences exactly, in every gauge: triangles close without any error.
        """
        values = self.values - self.values[:1]
        exponent = torch.frexp(values.abs().amax(0)).exponent - _GRID_BITS
        unit = torch.ldexp(torch.ones_like(values[0]), exponent.clamp(min=_LEAST_EXPONENT))
        return Translations(self.genes, (values / unit).round() * unit, self.n_genes)
