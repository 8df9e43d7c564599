"""Motion in phase space: systems whose symmetry is U(n) or a subgroup that is stated, and sets of their motions."""
