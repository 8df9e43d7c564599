"""ProteinSet: the neighbourhoods of many files in one, so that one projection serves all of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from equiviz.datasets.errors import DatasetError
from equiviz.holograms.channels import HEAVY, check
from equiviz.holograms.errors import HologramError
from equiviz.holograms.neighbourhoods import RADIUS, Centre, Neighbourhoods
from equiviz.holograms.projection import neighbourhoods_of
from equiviz.holograms.protein import Protein
from equiviz.structures.errors import StructureError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Split: TypeAlias = Literal["train", "validation", "test"]
ENDINGS = (".pdb", ".ent", ".cif", ".mmcif")
LARGEST_SPLIT = 16 * 1024**2
"""Bytes of a split.json."""


@dataclass(frozen=True, eq=False)
class ProteinSet:
    """Neighbourhoods of several proteins, one after the other; S sites in all.

    Attributes:
        around: of all of them, as if they were one protein that nothing brings near another.
        source: ``[S]``, which file each site is of.
        files: names of those that gave sites.
        problems: by name, why a file gave none.
    """

    around: Neighbourhoods
    source: NDArray[np.int64]
    files: tuple[str, ...]
    problems: dict[str, str]

    @classmethod
    def read(
        cls,
        paths: Iterable[str | os.PathLike[str]],
        radius: float = RADIUS,
        *,
        channels: Sequence[str] = HEAVY,
        centre: Centre = "CA",
        progress: bool = False,
    ) -> ProteinSet:
        """Read files, with the sites of each one's unique chains.

        Args:
            paths: of structure files.
            radius: of the neighbourhoods, in Å.
            channels: what will be projected: for H hydrogens are added and count, SASA and charges are calculated for
                each file by itself (`equiviz.holograms.with_channels`).
            centre: of the neighbourhoods.
            progress: whether to show a progress bar.

        Raises:
            HologramError: an unknown channel.
            MissingLibrary: a channel whose library is not installed.
            DatasetError: not one file gives a site; the message repeats why the first does not.
        """
        from tqdm.auto import tqdm

        check(channels)
        found: list[Neighbourhoods] = []
        files: list[str] = []
        problems: dict[str, str] = {}
        for path in tqdm([Path(p) for p in paths], desc="reading proteins", unit="file", disable=not progress):
            try:
                found.append(neighbourhoods_of(path, channels, radius, centre))
            except (StructureError, HologramError) as problem:
                problems[path.name] = str(problem)
            else:
                files.append(path.name)
        if not found:
            why = next(iter(problems.values()), "there are no files")
            raise DatasetError(None, f"No protein could be read: {why}.")
        source = np.repeat(np.arange(len(found)), [len(one) for one in found])
        return cls(joined(found), source, tuple(files), problems)

    def __len__(self) -> int:
        """Number of sites."""
        return len(self.around)

    @property
    def classes(self) -> NDArray[np.int64]:
        """``[S]``: the amino acid of each site."""
        return self.around.classes


def structure_files(folder: str | os.PathLike[str], split: Split | None = None) -> list[Path]:
    """The structure files of a folder, by name.

    Args:
        folder: of structure files (.pdb, .ent, .cif, .mmcif, each also .gz), or with the subfolder ``pdb``; where it
            holds a ``split.json``, lists of file names under "train", "validation" and "test".
        split: which list; None takes all files.

    Raises:
        DatasetError: no such folder, list or files.
    """
    place = Path(folder)
    if not place.is_dir():
        raise DatasetError(place, f"no such folder; expected one of structure files ({', '.join(ENDINGS)})")
    files = place / "pdb" if (place / "pdb").is_dir() else place
    if split is None:
        found = [path for path in sorted(files.iterdir()) if path.name.lower().removesuffix(".gz").endswith(ENDINGS)]
    else:
        found = [files / name for name in _listed(place / "split.json", split)]
    if not found:
        raise DatasetError(files, f"no structure files; expected names that end in {', '.join(ENDINGS)}")
    return found


def _listed(path: Path, split: Split) -> list[str]:
    try:
        if path.stat().st_size > LARGEST_SPLIT:
            raise DatasetError(path, f"larger than {LARGEST_SPLIT} bytes; expected lists of file names")
        names: object = json.loads(path.read_text())[split]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise DatasetError(path, f"expected a list of file names under {split!r} ({problem!r})") from problem
    if not isinstance(names, list) or not all(isinstance(n, str) and Path(n).name == n for n in names):
        raise DatasetError(path, f"expected plain file names under {split!r}, without folders")
    return names


def joined(parts: Sequence[Neighbourhoods]) -> Neighbourhoods:
    """Neighbourhoods of several proteins as those of one, whose atoms and residues follow each other.

    Raises:
        DatasetError: no parts, or parts of different radii.
    """
    if not parts or len({(part.radius, part.centre) for part in parts}) > 1:
        raise DatasetError(None, "Expected neighbourhoods of one radius and centre, got none or several.")
    proteins = [part.protein for part in parts]
    atoms = np.cumsum([0, *(len(protein) for protein in proteins)])
    residues = np.cumsum([0, *(len(protein.numbers) for protein in proteins)])
    ends = np.cumsum([0, *(len(part.neighbours) for part in parts)])

    def all_of(name: str) -> NDArray[np.generic]:
        return np.concatenate([getattr(protein, name) for protein in proteins])

    whole = Protein(
        positions=all_of("positions"),  # type: ignore[arg-type]
        elements=all_of("elements"),  # type: ignore[arg-type]
        atom_names=all_of("atom_names"),  # type: ignore[arg-type]
        residue=_shifted([protein.residue for protein in proteins], residues),
        residue_names=all_of("residue_names"),  # type: ignore[arg-type]
        chains=all_of("chains"),  # type: ignore[arg-type]
        numbers=all_of("numbers"),  # type: ignore[arg-type]
        insertion_codes=all_of("insertion_codes"),  # type: ignore[arg-type]
        name=f"{len(proteins)} proteins",
        weights={
            name: np.concatenate([protein.weights[name] for protein in proteins])
            for name in proteins[0].weights
            if all(name in protein.weights for protein in proteins)
        },
    )
    first = [part.first[1:] + end for part, end in zip(parts, ends, strict=False)]
    return Neighbourhoods(
        protein=whole,
        residues=_shifted([part.residues for part in parts], residues),
        first=np.concatenate([[0], *first]),
        neighbours=_shifted([part.neighbours for part in parts], atoms),
        radius=parts[0].radius,
        centre=parts[0].centre,
    )


def _shifted(parts: Sequence[NDArray[np.int64]], by: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([part + start for part, start in zip(parts, by, strict=False)])
