"""The explorer of proteins: a cartoon, a deep mutational scan, and why the network prefers what it prefers.

Logic and widgets are apart: `subject`, `frames`, `colourings`, `densities`, `neighbourhood`, `drawing` and `words` know
no widget; `charts`, `surroundings_panel`, `controls` and `face` hold no logic. `page` is the same without a kernel, and
`explained` what it knows of some residues.
"""
