"""Embeddings side by side."""
