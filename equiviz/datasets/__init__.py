"""Data sets: readers of published formats, generators, and the sets that are shipped."""
