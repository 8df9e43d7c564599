"""Sets of protein structures: files, read one after the other; what cannot be read is told, and stops nothing."""
