"""Eq. 9: the problem, its penalties, the solver and the path."""
