"""The surroundings of one residue as a scene: what the network sees, and a density that its hologram makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from equiviz.apps.protein_explorer.densities import DOT
from equiviz.holograms.protein import text
from equiviz.view.colour_scale import ColourScale
from equiviz.view.layers import Atoms, Bonds, Labels, Layer
from equiviz.view.palette import UNKNOWN
from equiviz.view.scene import Camera, Scene

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.apps.protein_explorer.densities import Cloud
    from equiviz.explain.proteins.responsible import Responsible
    from equiviz.holograms.protein import Protein

Painting: TypeAlias = Literal["elements", "shares"]
BALL, OWN = 0.34, 0.26
"""Radii in Å: of neighbours, and of the residue itself."""
LONGEST_BOND = 2.15
LONGEST_TO_HYDROGEN = 1.25


def neighbourhood_scene(reasons: Responsible, painting: Painting, channel: str, cloud: Cloud | None) -> Scene:
    """Draw the neighbours of a site; the origin is the centre of the neighbourhood, lengths are in Å.

    Args:
        reasons: what was found of this site.
        painting: whether atoms are coloured by element or by their share of the decision (nats).
        channel: of the cloud.
        cloud: the density, or None for none.
    """
    around, atoms = reasons.around, reasons.atoms
    protein, origin = around.protein, around.centres[0]
    places = protein.positions[atoms] - origin
    layers: list[Layer] = [_neighbours(reasons, places, painting), Bonds(_bonds(protein, atoms, places), radius=0.09)]
    if cloud is not None and len(cloud.values):
        layers.append(_cloud(cloud, channel))
    own = protein.positions[protein.residue == around.residues[0]] - origin
    layers += [Atoms(own, np.full(len(own), OWN), colour=UNKNOWN), Labels(_alpha(reasons), (f"{reasons.name} CA",))]
    camera = Camera(centre=(0.0, 0.0, 0.0), height=2.1 * around.radius)
    return Scene(layers, length_unit="Å", camera=camera)


def share_scale(reasons: Responsible) -> ColourScale:
    """What the colours of atoms by their share mean."""
    return ColourScale(f"share of log p({reasons.amino_acid})", "nats", "diverging")


def neighbour_names(reasons: Responsible) -> tuple[str, ...]:
    """``[E]``, what people call each neighbour, and how far it is: "A LEU 42 CB, 5.1 Å"."""
    around = reasons.around
    protein, distances = around.protein, np.linalg.norm(around.offsets(), axis=1).tolist()
    return tuple(
        f"{protein.label(int(protein.residue[k]))} {text(protein.atom_names[k])}, {r:.1f} Å"
        for k, r in zip(reasons.atoms.tolist(), distances, strict=True)
    )


def _alpha(reasons: Responsible) -> NDArray[np.float64]:
    """``[1, 3]``, the CA."""
    around = reasons.around
    return around.protein.positions[around.protein.alphas[around.residues]] - around.centres


def _neighbours(reasons: Responsible, places: NDArray[np.float64], painting: Painting) -> Atoms:
    protein = reasons.around.protein
    named = zip(neighbour_names(reasons), reasons.scores.tolist(), strict=True)
    hover = tuple(f"{name}, {score:+.3f} nats" for name, score in named)
    radii = np.full(len(places), BALL)
    if painting == "shares":
        return Atoms(places, radii, reasons.scores, share_scale(reasons), hover=hover)
    return Atoms(places, radii, labels=_symbols(protein.elements[reasons.atoms]), hover=hover)


def _cloud(cloud: Cloud, channel: str) -> Atoms:
    radii = DOT * np.cbrt(np.abs(cloud.values) / cloud.peak)
    radii = np.round(radii, 2)  # few different radii: what is alike is drawn at once
    signed = bool((cloud.values < 0).any())
    kind = "diverging" if signed else "sequential"
    scale = ColourScale(f"{channel} {cloud.unit}", "", kind, -cloud.peak if signed else 0.0, cloud.peak)
    hover = tuple(f"{channel}: {value:.2f} {cloud.unit}" for value in cloud.values.tolist())
    return Atoms(cloud.positions, radii, cloud.values, scale, hover=hover)


def _bonds(protein: Protein, atoms: NDArray[np.int64], places: NDArray[np.float64]) -> NDArray[np.int64]:
    """``[B, 2]``: neighbours that are close enough to be bonded."""
    from scipy.spatial import KDTree

    pairs = KDTree(places).query_pairs(LONGEST_BOND, output_type="ndarray") if len(places) else np.zeros((0, 2))
    pairs = pairs.astype(np.int64).reshape(-1, 2)
    kinds = protein.elements[atoms][pairs]  # [B, 2]
    lengths = np.linalg.norm(places[pairs[:, 0]] - places[pairs[:, 1]], axis=1)
    heavy = (kinds > 10).sum(1)  # sulphur and below reach further
    light = np.isin(kinds, (1, 119)).any(1)
    longest = np.where(light, LONGEST_TO_HYDROGEN, np.select([heavy == 0, heavy == 1], [1.75, 1.95], LONGEST_BOND))
    return pairs[lengths < longest]


def _symbols(elements: NDArray[np.uint8]) -> tuple[str, ...]:
    from ase.data import chemical_symbols

    symbols = [*chemical_symbols, *["X"] * 256]
    return tuple("H" if element == 119 else symbols[element] for element in elements.tolist())
