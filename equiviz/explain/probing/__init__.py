"""Probing: what a stage holds, regressed on what experts say, and the other way round."""
