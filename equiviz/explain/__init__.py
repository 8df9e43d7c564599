"""Asking a model what it knows: probes, on the record of its stages alone."""
