"""The paper's experiments, one module each; ``python -m benchmarks.paper`` runs them all."""
