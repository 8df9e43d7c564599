"""A thermal structure with all that networks read about the basin below it: quench, energies, surroundings."""

from __future__ import annotations

from dataclasses import replace

import torch

from equiviz.datasets.glass.inherent_structure import with_inherent_displacement
from equiviz.datasets.glass.kob_andersen import kob_andersen, liquid_of, local_mechanics
from equiviz.datasets.glass.surroundings import Surroundings, surroundings
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field

DISPLACEMENT, ENERGY, SURROUNDINGS = "inherent_displacement", "inherent_energy", "surroundings"


def measured(structure: Structure, with_surroundings: bool = True, settings: Surroundings | None = None) -> Structure:
    """Attach what is missing of ``inherent_displacement`` (1o), ``inherent_energy`` (0e) and ``surroundings`` (F x 0e).

    Attributes that are there are taken as they are, so that a prepared structure may be turned and still be read.

    Args:
        structure: A Kob-Andersen liquid at thermal positions.
        with_surroundings: Whether the surroundings are wanted.
        settings: Of the surroundings; None means `Surroundings()`.

    Raises:
        DatasetError: something is missing and the structure is no such liquid in a rectangular box.
    """
    known = with_inherent_displacement(structure)
    if ENERGY not in known.node:
        known = known.with_node(ENERGY, Field(_energies(known), "1x0e", "node"))
    if with_surroundings and SURROUNDINGS not in known.node:
        values = surroundings(known, settings)
        known = known.with_node(SURROUNDINGS, Field(values, f"{values.shape[1]}x0e", "node"))
    return known


def _energies(structure: Structure) -> torch.Tensor:
    inherent = replace(structure, positions=structure.positions + structure.node[DISPLACEMENT].values, node={})
    return torch.from_numpy(local_mechanics(liquid_of(inherent), kob_andersen())[:, 2:3].copy())
