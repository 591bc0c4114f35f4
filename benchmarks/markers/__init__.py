"""Panels and marker lists of scgce beside those of every other marker tool, judged on cells that chose nothing."""
