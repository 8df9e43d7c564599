"""Reading files: one door, caps before parsers, one error."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeAlias, overload

from equiviz.structures.errors import StructureError
from equiviz.structures.formats import crystal, macromolecule, poscar, xyz
from equiviz.structures.formats.source import MAX_ATOMS, MAX_BYTES, Source, read_text
from equiviz.structures.structure import Structure

Frame: TypeAlias = Callable[[], Structure]
Format: TypeAlias = Callable[[Source], Iterator[Frame]]
TypeNames: TypeAlias = "Sequence[str] | Mapping[int, str]"


def _cif_frames(source: Source) -> Iterator[Frame]:
    """mmCIF and small-molecule CIF share their suffix; a dot or an underscore after "_atom_site" tells them apart."""
    if "_atom_site." in source.text:
        return macromolecule.mmcif_frames(source)
    return crystal.frames(source)


#: Suffix (lower case, without .gz) -> format.
BY_SUFFIX: dict[str, Format] = {
    ".xyz": xyz.frames,
    ".extxyz": xyz.frames,
    ".pdb": macromolecule.pdb_frames,
    ".ent": macromolecule.pdb_frames,
    ".mmcif": macromolecule.mmcif_frames,
    ".cif": _cif_frames,
    ".poscar": poscar.frames,
    ".vasp": poscar.frames,
}


@overload
def read(
    path: str | Path,
    index: int = 0,
    *,
    attributes: Mapping[str, str] | None = None,
    species_names: TypeNames = (),
    length_unit: str | None = None,
    max_bytes: int = MAX_BYTES,
    max_atoms: int = MAX_ATOMS,
) -> Structure: ...
@overload
def read(
    path: str | Path,
    index: slice,
    *,
    attributes: Mapping[str, str] | None = None,
    species_names: TypeNames = (),
    length_unit: str | None = None,
    max_bytes: int = MAX_BYTES,
    max_atoms: int = MAX_ATOMS,
) -> list[Structure]: ...
def read(
    path: str | Path,
    index: int | slice = 0,
    *,
    attributes: Mapping[str, str] | None = None,
    species_names: TypeNames = (),
    length_unit: str | None = None,
    max_bytes: int = MAX_BYTES,
    max_atoms: int = MAX_ATOMS,
) -> Structure | list[Structure]:
    """Read a structure file: positions in the file's unit of length (nothing is converted), float64.

    Formats, by the end of the name, each also with .gz: extended and plain XYZ (.xyz, .extxyz), PDB (.pdb, .ent), mmCIF
    (.mmcif, .cif), CIF (.cif), POSCAR (POSCAR*, CONTCAR*, .poscar, .vasp). Attributes with usual names get their type:
    forces and velocities "1o", angular momenta "1e", charges and energies "0e", stress "rank-2 polar"; see
    `equiviz.structures.attributes`. Others are left out unless `attributes` says what they are.

    Args:
        path: the file.
        index: which frame (model, data block), or a slice for a list of them; negative numbers count from the end.
        attributes: name -> representation of further attributes, such as {"mu": "1o"}.
        species_names: for xyz files of model liquids: names by type number, {1: "A", 2: "B"} (what the Kob-Andersen
            networks read), or in the order of the type numbers from 0, ("A", "B"). A file may write the numbers
            instead of the names, here and without `species_names`.
        length_unit: unit of the lengths in xyz and POSCAR files, which do not state it: such as "sigma" for a
            Lennard-Jones liquid; "Å" by default. PDB, mmCIF and CIF are in Å, and xyz that equiviz wrote knows its
            unit: another one is refused there.
        max_bytes: largest text, after decompression (default 256 MiB).
        max_atoms: most atoms in one frame (default 1,000,000).

    Raises:
        StructureError: anything wrong with the file; nothing else is raised for what a file may contain. Also a
            `length_unit` that contradicts the file.
    """
    path = Path(path)
    form = _format(path)
    text = read_text(path, max_bytes)
    names = dict(species_names) if isinstance(species_names, Mapping) else tuple(species_names)
    source = Source(path, text, max_atoms, dict(attributes or {}), names, length_unit)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # parsers warn about what they guess; what matters is refused
            return _pick(source, form(source), index)
    except StructureError as error:
        raise (error if error.path else source.error(error.line, error.why)) from error.__cause__
    except Exception as error:
        raise source.error(
            None, f"not readable as {_kind(path)}: {type(error).__name__}: {str(error)[:300]}"
        ) from error


def _format(path: Path) -> Format:
    name = path.name.lower().removesuffix(".gz")
    if name.startswith(("poscar", "contcar")):
        return poscar.frames
    suffix = Path(name).suffix
    if suffix not in BY_SUFFIX:
        raise StructureError(path, None, f"unknown format {suffix!r}; expected POSCAR or one of {sorted(BY_SUFFIX)}")
    return BY_SUFFIX[suffix]


def _kind(path: Path) -> str:
    return Path(path.name.lower().removesuffix(".gz")).suffix.lstrip(".") or path.name


def _pick(source: Source, frames: Iterator[Frame], index: int | slice) -> Structure | list[Structure]:
    if isinstance(index, slice):
        return [frame() for frame in list(frames)[index]]
    found = list(frames) if index < 0 else list(islice(frames, index + 1))
    if not -len(found) <= index < len(found):
        raise source.error(None, f"no frame {index}: the file holds {len(found)}")
    return found[index]()
