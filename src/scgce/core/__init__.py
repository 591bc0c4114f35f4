"""The numerical heart: tensors in, tensors out; no AnnData, no pandas, no plots."""

from __future__ import annotations
