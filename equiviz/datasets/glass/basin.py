"""A thermal structure with all that networks read about the basin below it: quench, energies, surroundings."""

from __future__ import annotations

from dataclasses import replace

import torch

from equiviz.datasets.glass.cage import CageRuns, explore_cage
from equiviz.datasets.glass.inherent_structure import with_inherent_displacement
from equiviz.datasets.glass.kob_andersen import kob_andersen, liquid_of, local_mechanics
from equiviz.datasets.glass.surroundings import Surroundings, surroundings
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field

DISPLACEMENT, ENERGY, SURROUNDINGS = "inherent_displacement", "inherent_energy", "surroundings"
CAGE, SPREAD = "cage_displacement", "cage_spread"


def measured(structure: Structure, with_surroundings: bool = True, cage_temperature: float = 0.0) -> Structure:
    """Attach what is missing of what a network reads; what is there is taken as it is, so that it may be turned and
    still be read.

    ``inherent_displacement`` (1o), ``inherent_energy`` (0e); with a temperature, ``cage_displacement`` (1o, from the
    thermal
    position) and ``cage_spread`` (2x0e); with surroundings, ``surroundings`` (F x 0e).

    Args:
        structure: A Kob-Andersen liquid at thermal positions.
        with_surroundings: Whether the surroundings are wanted.
        cage_temperature: Explore the cages at this temperature; 0 leaves them out.

    Raises:
        DatasetError: something is missing and the structure is no such liquid in a rectangular box.
    """
    known = with_inherent_displacement(structure)
    if ENERGY not in known.node:
        known = known.with_node(ENERGY, Field(_energies(known), "1x0e", "node"))
    if cage_temperature and CAGE not in known.node:
        cage = explore_cage(replace(structure, node={}), CageRuns(cage_temperature))
        known = known.with_node(CAGE, Field(cage.centre, "1x1o", "node"))
        known = known.with_node(SPREAD, Field(cage.spread, "2x0e", "node"))
    if with_surroundings and SURROUNDINGS not in known.node:
        values = surroundings(known, Surroundings(cage=cage_temperature > 0))
        known = known.with_node(SURROUNDINGS, Field(values, f"{values.shape[1]}x0e", "node"))
    return known


def _energies(structure: Structure) -> torch.Tensor:
    inherent = replace(structure, positions=structure.positions + structure.node[DISPLACEMENT].values, node={})
    return torch.from_numpy(local_mechanics(liquid_of(inherent), kob_andersen())[:, 2:3].copy())
