"""What experts say of the environment of a residue: targets of a probe of holograms."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from equiviz.holograms.channels import channel_of_atoms
from equiviz.holograms.surface import surface

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.holograms.neighbourhoods import Neighbourhoods

KINDS = ("C", "N", "O", "S", "aromatic C", "positive N", "negative O")


HYDROPHOBIC = (b"ALA", b"CYS", b"ILE", b"LEU", b"MET", b"PHE", b"TRP", b"TYR", b"VAL")
BOND = 4.4
"""Å; two CA that are bonded are 3.8 Å from each other, 2.9 at a cis bond."""
# Labesse et al., Comput. Appl. Biosci. 13, 291 (1997), table 1: Å from CA to the second and third next, degrees of
# their torsion, each with its allowance.
HELIX = ((5.5, 0.5), (5.3, 0.5), (50.0, 20.0))
STRAND = ((6.7, 0.6), (9.9, 0.9), (-170.0, 45.0))


def environment_targets(around: Neighbourhoods, *, every: bool = False) -> dict[str, NDArray[np.float64]]:
    """By name one number for each site ``[S]``, for ``equiviz.probe(model, around, environment_targets(around))``.

    ==================  ===========================================================================================
    burial              atoms within the radius of the neighbourhood
    aromatic            atoms of aromatic rings among them
    charge              nitrogens of Lys and Arg minus oxygens of Asp and Glu among them
    sulphur             sulphur atoms among them
    extension           Å, from the CA before to the CA after: 5.4 in a helix, 6.4 to 7.3 in a strand; at the ends
                        of chains and beside gaps the mean of the others
    ==================  ===========================================================================================

    With ``every``, besides:

    ==================  ===========================================================================================
    SASA                Å², solvent-accessible surface of the whole residue at the site (needs freesasa)
    helix, strand       1 where four CA, from the one before to the second after, stand as in a helix or a strand
                        (P-SEA: Labesse et al., Comput. Appl. Biosci. 13, 291 (1997)), else 0
    carbon, nitrogen,   atoms of these kinds within the radius: the composition of the neighbourhood
    oxygen
    hydrophobic         the share of the atoms within the radius that belong to ALA, CYS, ILE, LEU, MET, PHE, TRP, TYR
                        or VAL
    ==================  ===========================================================================================

    Raises:
        MissingLibrary: ``every`` without freesasa.
    """
    own = channel_of_atoms(around.protein, KINDS)[around.neighbours]

    def count(kind: str) -> NDArray[np.float64]:
        return np.bincount(around.site[own == KINDS.index(kind)], minlength=len(around)).astype(np.float64)

    found = {
        "burial": np.diff(around.first).astype(np.float64),
        "aromatic": count("aromatic C"),
        "charge": count("positive N") - count("negative O"),
        "sulphur": count("S"),
        "extension": _extension(around),
    }
    return {**found, **_more(around)} if every else found


def _more(around: Neighbourhoods) -> dict[str, NDArray[np.float64]]:
    """Surface, secondary structure and composition."""
    protein = around.protein
    area = np.bincount(protein.residue, surface(protein), minlength=len(protein.numbers)).astype(np.float64)
    elements = protein.elements[around.neighbours]
    fat = np.isin(protein.residue_names[protein.residue[around.neighbours]], HYDROPHOBIC)
    total = np.maximum(np.diff(around.first), 1)
    counts = {
        name: np.bincount(around.site[elements == number], minlength=len(around)).astype(np.float64)
        for name, number in (("carbon", 6), ("nitrogen", 7), ("oxygen", 8))
    }
    hydrophobic = np.bincount(around.site[fat], minlength=len(around)) / total
    return {"SASA": area[around.residues], **_secondary(around), **counts, "hydrophobic": hydrophobic}


def _secondary(around: Neighbourhoods) -> dict[str, NDArray[np.float64]]:
    """Helix and strand by the distances and the torsion of four CA."""
    (a, b, c, d), bonded = _four_alphas(around)
    normals = np.cross(b - a, c - b), np.cross(c - b, d - c)
    along = (c - b) / np.maximum(np.linalg.norm(c - b, axis=1, keepdims=True), 1e-9)
    sine = np.sum(np.cross(*normals) * along, 1)
    torsion = np.degrees(np.arctan2(sine, np.sum(normals[0] * normals[1], 1)))
    measured = (np.linalg.norm(c - a, axis=1), np.linalg.norm(d - a, axis=1), torsion)

    def stands(ideal: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
        gaps = [np.abs(own - value) for own, (value, _) in zip(measured, ideal, strict=True)]
        gaps[2] = np.minimum(gaps[2], 360 - gaps[2])  # an angle
        inside = [gap <= allowed for gap, (_, allowed) in zip(gaps, ideal, strict=True)]
        return (bonded & np.all(inside, axis=0)).astype(np.float64)

    return {"helix": stands(HELIX), "strand": stands(STRAND)}


def _four_alphas(around: Neighbourhoods) -> tuple[list[NDArray[np.float64]], NDArray[np.bool_]]:
    """Places ``[S, 3]`` of the CA from the residue before to the second after, and where all four are bonded."""
    protein, last = around.protein, len(around.protein.numbers) - 1
    near = [around.residues + step for step in (-1, 0, 1, 2)]
    atoms = [protein.alphas[np.clip(rows, 0, last)] for rows in near]
    there = np.ones(len(around.residues), dtype=np.bool_)
    for rows, own in zip(near, atoms, strict=True):
        there &= (rows >= 0) & (rows <= last) & (own >= 0)
    places = [protein.positions[np.maximum(own, 0)] for own in atoms]
    for first, second in pairwise(places):
        there &= np.linalg.norm(second - first, axis=1) < BOND
    return places, there


def _extension(around: Neighbourhoods) -> NDArray[np.float64]:
    """Å between the CA atoms of both bonded neighbours."""
    protein, residues = around.protein, around.residues
    before, after = residues - 1, np.minimum(residues + 1, len(protein.numbers) - 1)
    atoms = [protein.alphas[near] for near in (before, residues, after)]
    places = [protein.positions[np.maximum(rows, 0)] for rows in atoms]
    bonded = (before >= 0) & (residues < len(protein.numbers) - 1) & (atoms[0] >= 0) & (atoms[2] >= 0)
    for end in (0, 2):
        bonded &= np.linalg.norm(places[end] - places[1], axis=1) < BOND
    found = np.linalg.norm(places[0] - places[2], axis=1)
    found[~bonded] = found[bonded].mean() if bonded.any() else 0.0
    return found
