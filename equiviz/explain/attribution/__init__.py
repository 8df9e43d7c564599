"""Sharing a prediction out among edges, atoms, irreps and Clebsch-Gordan paths."""
