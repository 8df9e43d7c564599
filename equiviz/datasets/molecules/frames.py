"""Reading molecules with energies, forces, dipoles and polarizabilities from extended-xyz files.

Units are not stated in such files. Energies are taken to be in eV, forces in eV/Å, lengths in Å, as ASE has them;
dipoles and polarizabilities are taken as they are (of the water data of TENSOAP: atomic units).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from equiviz.datasets.errors import DatasetError
from equiviz.structures.errors import StructureError
from equiviz.structures.read import read
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field

MoleculeData: TypeAlias = "str | Path | Sequence[str | Path]"
TYPES: Mapping[str, str] = {"mu": "1o", "alpha": "rank-2 polar"}
"""Names of TENSOAP's files that are not usual ones."""
NAMES: Mapping[str, tuple[str, ...]] = {
    "energy": ("energy",),
    "forces": ("forces", "force"),
    "dipole": ("dipole", "dipole_moment", "mu"),
    "polarizability": ("polarizability", "alpha"),
}
"""What each property may be called in a file; case, and the prefixes ref_, dft_, qm_, do not matter."""
SUFFIXES = (".xyz", ".extxyz", ".xyz.gz", ".extxyz.gz")
_SOURCES = re.compile(r"^(ref|dft|qm)_")


@dataclass(frozen=True, eq=False)
class Frame:
    """A molecule with its properties.

    Attributes:
        name: file and number of the frame.
        structure: without typed attributes.
        properties: by the names of `NAMES`: "energy" and "dipole", "polarizability" on the graph, "forces" on nodes.
    """

    name: str
    structure: Structure
    properties: Mapping[str, Field]


def read_molecules(data: MoleculeData) -> list[Frame]:
    """All frames of a file, of several, or of all extended-xyz files in a folder (in the order of their names).

    Raises:
        DatasetError: nothing there, a file that cannot be read, a frame without atoms, numbers that are not finite, or
            no property at all.
    """
    frames = [frame for path in _files(data) for frame in _of_file(path)]
    if not frames:
        raise DatasetError(None, f"expected at least one molecule in {data}, got none")
    if not any(frame.properties for frame in frames):
        known = ", ".join(name for names in NAMES.values() for name in names)
        raise DatasetError(_first(data), f"expected frames with some of {known}; got positions alone")
    return frames


def shared_properties(frames: Sequence[Frame]) -> list[str]:
    """The properties that all frames have, in the order of `NAMES`."""
    return [name for name in NAMES if all(name in frame.properties for frame in frames)]


def _files(data: MoleculeData) -> list[Path]:
    if not isinstance(data, (str, Path)):
        return [file for part in data for file in _files(part)]
    path = Path(data)
    if path.is_dir():
        found = sorted(file for file in path.iterdir() if file.name.lower().endswith(SUFFIXES))
        if not found:
            raise DatasetError(path, f"expected files that end in {', '.join(SUFFIXES)} in this folder, found none")
        return found
    if not path.exists():
        raise DatasetError(path, "expected an extended-xyz file or a folder of such files; there is none")
    return [path]


def _of_file(path: Path) -> Iterator[Frame]:
    try:
        structures = read(path, slice(None), attributes=TYPES)
    except StructureError as problem:
        raise DatasetError(path, problem.why) from problem
    for number, structure in enumerate(structures):
        yield _frame(path, number, structure)


def _frame(path: Path, number: int, structure: Structure) -> Frame:
    name = f"{path.name}[{number}]"
    if not len(structure):
        raise DatasetError(path, f"frame {number} has no atoms; remove it")
    found: dict[str, Field] = {}
    for kind, names in NAMES.items():
        held = structure.node if kind == "forces" else structure.graph
        called = [key for key in held if _SOURCES.sub("", key.lower()) in names]
        if not called:
            continue
        if len(called) > 1:
            raise DatasetError(
                path,
                f"frame {number} has more than one {kind}: {', '.join(called)}. Keep the one that is to be learned",
            )
        own = held[called[0]]
        if not bool(own.values.isfinite().all()):
            raise DatasetError(path, f"frame {number}: {kind} has a number that is not finite; repair or remove it")
        found[kind] = own
    return Frame(name, replace(structure, node={}, graph={}, name=name), found)


def _first(data: MoleculeData) -> Path | None:
    return Path(data) if isinstance(data, (str, Path)) else None
