"""`as_structure(x)`: whatever people keep structures in, at the door of every verb.

Foreign classes are told by the name of their module, so that neither ASE nor PyG is imported to say that something is
not of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

from equiviz.structures.errors import StructureError
from equiviz.structures.read import read
from equiviz.structures.structure import Structure

if TYPE_CHECKING:
    from ase import Atoms
    from torch_geometric.data import Data

StructureLike: TypeAlias = "Structure | Atoms | Data | str | Path"

ACCEPTED = "a Structure, ase.Atoms, a PyG Data or the path of a file"
"""What `as_structure` takes, in words for messages."""

_ATOMS = ("ase.atoms", "Atoms")
_DATA = ("torch_geometric.data.data", "Data")
_BATCH = ("torch_geometric.data.batch", "Batch")


def is_structure_like(x: object) -> bool:
    """Whether `as_structure` takes it (a path that leads to no file included)."""
    return isinstance(x, (Structure, str, Path)) or _is(x, _ATOMS) or (_is(x, _DATA) and not _is(x, _BATCH))


def as_structure(x: object) -> Structure:
    """One structure of a Structure, `ase.Atoms`, a PyG `Data`, or the path of a file (its first frame).

    Units and types are those that `equiviz.read`, `Structure.from_ase` and `Structure.from_pyg` find by themselves;
    call these to state others.

    Raises:
        StructureError: anything else, or what these functions refuse.
    """
    if isinstance(x, Structure):
        return x
    if isinstance(x, (str, Path)):
        return read(x)
    if _is(x, _ATOMS):
        return Structure.from_ase(cast("Atoms", x))
    if _is(x, _DATA) and not _is(x, _BATCH):
        return Structure.from_pyg(cast("Data", x))
    raise StructureError(None, None, f"expected {ACCEPTED}, got {type(x).__name__}; {how_to_make(x)}")


def as_structures(x: object) -> Structure | list[Structure]:
    """As `as_structure`; of a list or a tuple the list of theirs.

    Raises:
        StructureError: as `as_structure`; an empty list.
    """
    if not isinstance(x, Sequence) or isinstance(x, str):
        return as_structure(x)
    if not x:
        raise StructureError(None, None, f"expected at least one structure, got an empty {type(x).__name__}")
    return [as_structure(entry) for entry in cast("Sequence[object]", x)]


def how_to_make(x: object) -> str:
    """What to do with something that is no structure, for messages."""
    if _is(x, _BATCH):
        return "of a batch take its to_data_list()"
    return "arrays become a structure by Structure.from_dict(arrays)"


def _is(x: object, named: tuple[str, str]) -> bool:
    return any((base.__module__, base.__name__) == named for base in type(x).__mro__)
