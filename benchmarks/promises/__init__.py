"""What scgce promises, measured: the stacks of versions on which its tests pass."""
