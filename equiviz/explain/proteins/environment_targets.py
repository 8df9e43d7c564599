"""What experts say of the environment of a residue: targets of a probe of holograms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from equiviz.holograms.channels import channel_of_atoms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.holograms.neighbourhoods import Neighbourhoods

KINDS = ("C", "N", "O", "S", "aromatic C", "positive N", "negative O")


def environment_targets(around: Neighbourhoods) -> dict[str, NDArray[np.float64]]:
    """By name one number for each site ``[S]``, for ``equiviz.probe(model, around, environment_targets(around))``.

    ==================  ===========================================================================================
    burial              atoms within the radius of the neighbourhood
    aromatic            atoms of aromatic rings among them
    charge              nitrogens of Lys and Arg minus oxygens of Asp and Glu among them
    sulphur             sulphur atoms among them
    extension           Å, from the CA before to the CA after: 5.4 in a helix, 6.4 to 7.3 in a strand; at the ends
                        of chains and beside gaps the mean of the others
    ==================  ===========================================================================================
    """
    own = channel_of_atoms(around.protein, KINDS)[around.neighbours]

    def count(kind: str) -> NDArray[np.float64]:
        return np.bincount(around.site[own == KINDS.index(kind)], minlength=len(around)).astype(np.float64)

    return {
        "burial": np.diff(around.first).astype(np.float64),
        "aromatic": count("aromatic C"),
        "charge": count("positive N") - count("negative O"),
        "sulphur": count("S"),
        "extension": _extension(around),
    }


def _extension(around: Neighbourhoods) -> NDArray[np.float64]:
    """Å between the CA atoms of both bonded neighbours."""
    protein, residues = around.protein, around.residues
    before, after = residues - 1, np.minimum(residues + 1, len(protein.numbers) - 1)
    atoms = [protein.alphas[near] for near in (before, residues, after)]
    places = [protein.positions[np.maximum(rows, 0)] for rows in atoms]
    bonded = (before >= 0) & (residues < len(protein.numbers) - 1) & (atoms[0] >= 0) & (atoms[2] >= 0)
    for end in (0, 2):  # two CA that are bonded are 3.8 Å from each other, 2.9 at a cis bond
        bonded &= np.linalg.norm(places[end] - places[1], axis=1) < 4.4
    found = np.linalg.norm(places[0] - places[2], axis=1)
    found[~bonded] = found[bonded].mean() if bonded.any() else 0.0
    return found
