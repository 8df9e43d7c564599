"""Structures: points in space with species, cell and typed attributes, their files, and their neighbour graphs.

- `Structure` (structure.py): the data; interchange/ turns it to and from `ase.Atoms`, PyG `Data` and dicts of arrays.
- `as_structure` (interchange/recognised.py): any of these, or the path of a file, at the door of a verb.
- `read` (read.py): a file becomes a Structure; every refusal is a `StructureError(path, line, why)` (errors.py).
- `neighbours` (neighbours.py): pairs within a cutoff, periodic images included.
- `find_bonds` (bonds.py): the same pairs for whoever needs vectors only, by a compiled search where it can.
- `Graph` (graph.py): a batch of structures with their edges; what models eat.

ase, gemmi, vesin and torch_geometric are imported only by the functions that use them.
"""

from __future__ import annotations

from equiviz.structures.errors import StructureError
from equiviz.structures.graph import Graph
from equiviz.structures.interchange.recognised import StructureLike, as_structure, as_structures
from equiviz.structures.neighbours import Neighbours, neighbours
from equiviz.structures.read import read
from equiviz.structures.structure import Structure

__all__ = [
    "Graph",
    "Neighbours",
    "Structure",
    "StructureError",
    "StructureLike",
    "as_structure",
    "as_structures",
    "neighbours",
    "read",
]
