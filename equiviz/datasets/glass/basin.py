"""A thermal structure with all that networks read about the basin below it: quench, energies, surroundings.

It costs seconds, so it is done once per structure on this machine: `equiviz.datasets.cache` keeps the result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from equiviz.datasets.cache import cached
from equiviz.datasets.glass.cage import CageRuns, explore_cage
from equiviz.datasets.glass.inherent_structure import ATTRIBUTE, with_inherent_displacement
from equiviz.datasets.glass.kob_andersen import kob_andersen, liquid_of, local_mechanics
from equiviz.datasets.glass.surroundings import Surroundings, surroundings
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field

DISPLACEMENT, ENERGY, SURROUNDINGS = ATTRIBUTE, "inherent_energy", "surroundings"
CAGE, SPREAD = "cage_displacement", "cage_spread"
# Raise it when a computation changes: old entries of the cache are then left alone.
_VERSION = 2


def quenched(structure: Structure) -> Structure:
    """The structure with ``inherent_displacement`` (1o) attached, computed where it is missing; positions stay.

    Raises:
        DatasetError: it is missing, and the structure is no Kob-Andersen liquid in a rectangular box (turned or not).
    """
    if DISPLACEMENT in structure.node:
        return structure
    return _remembered(structure, f"basin-{_VERSION}-narrow-0", lambda: with_inherent_displacement(structure))


def measured(structure: Structure, with_surroundings: bool = True, cage_temperature: float = 0.0) -> Structure:
    """Attach what is missing of what a network reads; what is there is taken as it is, so that it may be turned.

    ``inherent_displacement`` (1o), ``inherent_energy`` (0e); with a temperature, ``cage_displacement`` (1o, from the
    thermal position) and ``cage_spread`` (2x0e); with surroundings, ``surroundings`` (F x 0e).

    Args:
        structure: A Kob-Andersen liquid at thermal positions.
        with_surroundings: Whether the surroundings are wanted.
        cage_temperature: Explore the cages at this temperature; 0 leaves them out.

    Raises:
        DatasetError: something is missing and the structure is no such liquid in a rectangular box (turned or not).
    """
    wanted = {DISPLACEMENT, ENERGY, *((SURROUNDINGS,) if with_surroundings else ())}
    wanted |= {CAGE, SPREAD} if cage_temperature else set()
    if wanted <= set(structure.node):
        return structure
    if not with_surroundings and not cage_temperature:
        return _with_features(quenched(structure), False, 0.0)
    label = f"basin-{_VERSION}-{'wide' if with_surroundings else 'narrow'}-{cage_temperature:g}"
    return _remembered(
        structure,
        label,
        lambda: _with_features(with_inherent_displacement(structure), with_surroundings, cage_temperature),
    )


def measured_surroundings(structure: Structure, settings: Surroundings) -> Tensor:
    """`surroundings` with settings of one's own, [N, F]; computed once per structure on this machine.

    Raises:
        DatasetError: as `measured`.
    """
    bare = replace(structure, node={name: field for name, field in structure.node.items() if name != SURROUNDINGS})
    if settings == Surroundings():
        return measured(bare).node[SURROUNDINGS].values

    def compute() -> Structure:
        known = with_inherent_displacement(bare)
        return _with_node(known, SURROUNDINGS, surroundings(known, settings))

    label = f"surroundings-{_VERSION}-{hashlib.sha256(repr(settings).encode()).hexdigest()[:12]}"
    return _remembered(bare, label, compute).node[SURROUNDINGS].values


def _with_features(structure: Structure, with_surroundings: bool, cage_temperature: float) -> Structure:
    """A structure with its inherent displacement, and with energies, cages and surroundings where wanted."""
    known = structure
    if ENERGY not in known.node:
        known = _with_node(known, ENERGY, _energies(known))
    if cage_temperature and not {CAGE, SPREAD} <= set(known.node):
        cage = explore_cage(replace(structure, node={}), CageRuns(cage_temperature))
        known = _with_node(_with_node(known, CAGE, cage.centre), SPREAD, cage.spread)
    if with_surroundings and SURROUNDINGS not in known.node:
        known = _with_node(known, SURROUNDINGS, surroundings(known, Surroundings(cage=cage_temperature > 0)))
    return known


def _energies(structure: Structure) -> Tensor:
    inherent = replace(structure, positions=structure.positions + structure.node[DISPLACEMENT].values, node={})
    return torch.from_numpy(local_mechanics(liquid_of(inherent), kob_andersen())[:, 2:3].copy())


def _with_node(structure: Structure, name: str, values: Tensor) -> Structure:
    irreps = "1x1o" if name.endswith("_displacement") else f"{values.shape[1]}x0e"
    return structure.with_node(name, Field(values, irreps, "node"))


def _remembered(structure: Structure, label: str, compute: Callable[[], Structure]) -> Structure:
    """The structure with what `compute` adds to it, from the cache if it was computed before."""

    def missing() -> dict[str, Tensor]:
        return {name: field.values for name, field in compute().node.items() if name not in structure.node}

    known = structure
    for name, values in cached(label, _content(structure), missing).items():
        known = _with_node(known, name, values.to(structure.positions.device))
    return known


def _content(structure: Structure) -> dict[str, Tensor]:
    """All that the result depends on: positions, species, cell, and the attributes that are taken as they are."""
    cell = torch.zeros(0) if structure.cell is None else structure.cell
    taken = (DISPLACEMENT, ENERGY, CAGE, SPREAD)
    given = {name: structure.node[name].values for name in taken if name in structure.node}
    periodic = torch.tensor(structure.pbc)
    return {"positions": structure.positions, "species": structure.species, "cell": cell, "pbc": periodic, **given}
