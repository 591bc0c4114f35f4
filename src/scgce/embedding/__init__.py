"""Fitting r: losses, mini-batches and the training loop; tensors in, tensors out, no AnnData."""

from __future__ import annotations
