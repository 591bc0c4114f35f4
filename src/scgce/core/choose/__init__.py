"""From a path to explanations of k genes per pair."""
