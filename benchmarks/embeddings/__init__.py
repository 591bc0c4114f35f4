"""Embeddings side by side: how good the maps are, how well they take new cells, what they cost."""
