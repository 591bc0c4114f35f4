"""What scgce promises, measured: tests counted, lines run, faults planted, stacks of versions on which they pass."""
