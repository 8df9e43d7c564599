"""Signals on the sphere: digits projected on it, and fields of the globe."""
