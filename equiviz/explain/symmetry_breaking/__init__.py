"""What data ask for beyond the symmetry of their inputs: the irreps of the order parameter that is missing."""
