"""Gene programmes beside single genes, on cells that took no part."""
