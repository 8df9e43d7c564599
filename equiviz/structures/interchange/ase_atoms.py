"""Structure <-> `ase.Atoms` (Larsen et al., J. Phys. Condens. Matter 29 (2017) 273002)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from equiviz.structures.attributes import Types, typed_fields
from equiviz.structures.errors import StructureError
from equiviz.structures.interchange.arrays import attribute_types

if TYPE_CHECKING:
    from ase import Atoms

    from equiviz.structures.structure import Structure

#: The entry of `atoms.info` that remembers types, unit and names; plain text and dicts, so that extxyz can hold it.
INFO_KEY = "equiviz"

#: Largest number that ASE accepts for a species.
_LAST_ELEMENT = 118


def to_ase(structure: Structure) -> Atoms:
    """Return `ase.Atoms`: node attributes in `arrays`, graph attributes in `info`, types in `info["equiviz"]`.

    Lengths are handed over as they are (ASE users expect Å; `info["equiviz"]["length_unit"]` tells what they are).

    Raises:
        StructureError: type numbers outside of 0 ... 118, which ASE cannot hold.
    """
    from ase import Atoms

    numbers = structure.species.cpu().numpy()
    if numbers.size and not (numbers.min() >= 0 and numbers.max() <= _LAST_ELEMENT):
        why = f"ASE holds species 0 ... {_LAST_ELEMENT}, got {numbers.min()} ... {numbers.max()}; renumber the species"
        raise StructureError(None, None, why)
    cell = None if structure.cell is None else structure.cell.detach().cpu().numpy()
    positions = structure.positions.detach().cpu().numpy()
    atoms = Atoms(numbers=numbers, positions=positions, cell=cell, pbc=structure.pbc)
    for name, item in structure.node.items():
        atoms.arrays[name] = item.values.detach().cpu().numpy()
    for name, item in structure.graph.items():
        atoms.info[name] = item.values.detach().cpu().numpy()[0]
    atoms.info[INFO_KEY] = _memory(structure)
    return atoms


def from_ase(atoms: Atoms, attributes: Types | None = None) -> Structure:
    """Make a structure of `ase.Atoms`, with the results that its calculator already holds (nothing is calculated).

    Args:
        atoms: positions and cell in Å, unless `info["equiviz"]` says otherwise. Momenta, forces, magnetic moments and
            the like become typed attributes when their name is usual (see `equiviz.structures.attributes`).
        attributes: name -> representation for other names; attributes without a type are left out.

    Raises:
        StructureError: what `Structure` refuses, or an attribute that does not fit its type.
    """
    from equiviz.structures.structure import Structure

    memory = atoms.info.get(INFO_KEY, {})
    types = memory.get("types", {})
    node, graph = _attributes(atoms)
    cell = atoms.cell.array
    names = memory.get("species_names")
    return Structure(
        positions=torch.tensor(atoms.positions),
        species=torch.tensor(atoms.numbers),
        cell=torch.tensor(cell) if cell.any() else None,
        pbc=tuple(atoms.pbc.tolist()),
        node=typed_fields("node", node, len(atoms), {**types.get("node", {}), **(attributes or {})}),
        graph=typed_fields("graph", graph, len(atoms), {**types.get("graph", {}), **(attributes or {})}),
        length_unit=str(memory.get("length_unit", "Å")),
        species_names={int(number): name for number, name in names.items()} if names else None,
        name=str(memory.get("name", atoms.info.get("name", ""))),
    )


def _memory(structure: Structure) -> dict[str, object]:
    names = structure.species_names
    pairs = None if names is None else dict(names.items() if isinstance(names, Mapping) else enumerate(names))
    return {
        "types": attribute_types(structure),
        "length_unit": structure.length_unit,
        "species_names": None if pairs is None else {str(number): name for number, name in pairs.items()},
        "name": structure.name,
    }


def _attributes(atoms: Atoms) -> tuple[dict[str, object], dict[str, object]]:
    node: dict[str, object] = {
        name: array for name, array in atoms.arrays.items() if name not in ("positions", "numbers")
    }
    graph: dict[str, object] = {name: value for name, value in atoms.info.items() if name != INFO_KEY}
    results = getattr(atoms.calc, "results", {}) if atoms.calc is not None else {}
    for name, value in results.items():
        (node if name in ("forces", "magmoms", "charges", "energies", "stresses", "dipoles") else graph)[name] = value
    return node, graph
