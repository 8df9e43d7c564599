"""Counterfactuals: the smallest displacement of the atoms that changes a prediction by a given amount."""
