"""Frames of a trajectory, as positions of the atoms of a protein: the models of its file, or a trajectory beside it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from equiviz.datasets.proteins.rhodopsin import rhodopsin, rhodopsin_trajectory
from equiviz.holograms.protein import Protein
from equiviz.structures.errors import StructureError
from equiviz.structures.formats.macromolecule import parse
from equiviz.structures.formats.source import MAX_ATOMS, MAX_BYTES, Source, read_text
from equiviz.structures.formats.trr import read_trr

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_FRAMES = 200
"""More are thinned out evenly."""
_SAME = 1e-3  # Å: two atoms of one file do not lie closer


def read_frames(
    path: str | os.PathLike[str], protein: Protein, trajectory: str | os.PathLike[str] | None = None
) -> NDArray[np.float64] | None:
    """``[F, A, 3]`` in Å, the first as in the file; None where there is one only.

    Args:
        path: from which the protein was read.
        protein: the first model of it, perhaps without hydrogens and waters.
        trajectory: frames of all atoms of the file, as GROMACS' .trr or ASE's .traj; by default the models of the file.

    Raises:
        StructureError: frames of other atoms than the file's first model; coordinates that are not finite; a trajectory
            that cannot be read.
    """
    import gemmi

    flat = gemmi.FlatStructure(parse(Source(Path(path), read_text(Path(path), MAX_BYTES), MAX_ATOMS)))
    counts = np.unique(flat.model_num, return_counts=True)[1]
    first = flat.pos[flat.model_num == flat.model_num[0]]
    if trajectory is not None:
        every = np.concatenate([first[None], _trajectory(trajectory, len(first))])
    elif len(counts) < 2:
        return None
    elif len(set(counts.tolist())) > 1:
        told = f"{counts.min():,} to {counts.max():,} atoms"
        raise StructureError(str(path), None, f"its models have {told}; expected frames of the same atoms")
    else:
        every = flat.pos.reshape(len(counts), -1, 3)
    if not np.isfinite(every).all():
        raise StructureError(str(trajectory or path), None, "a frame has coordinates that are not finite")
    kept = np.unique(np.linspace(0, len(every) - 1, min(len(every), MOST_FRAMES)).astype(int))
    return np.ascontiguousarray(every[kept][:, _places(protein, first)])


def shipped_frames(protein: Protein) -> NDArray[np.float64]:
    """``[F, A, 3]`` in Å: the trajectory of the rhodopsin that is part of the package; first of all its file.

    Raises:
        StructureError: atoms that the file does not have.
    """
    whole = Protein.read(rhodopsin()).positions
    every = np.concatenate([whole[None], rhodopsin_trajectory().positions])
    return np.ascontiguousarray(every[:, _places(protein, whole)])


def _places(protein: Protein, every: NDArray[np.float64]) -> NDArray[np.int64]:
    """``[A]``: where the atoms of a protein stand among all of its file; they are told by where they are."""
    from scipy.spatial import KDTree

    distances, places = KDTree(every).query(protein.positions)
    found = np.asarray(places, dtype=np.int64)
    if np.max(distances, initial=0.0) > _SAME:
        raise StructureError(protein.name, None, "frames lack atoms that were added to the file (hydrogens)")
    if np.unique(found).size < found.size:
        raise StructureError(protein.name, None, "atoms lie upon each other; frames cannot be told apart")
    return found


def _trajectory(path: str | os.PathLike[str], atoms: int) -> NDArray[np.float64]:
    """``[F, N, 3]`` in Å."""
    every = read_trr(path) if os.fspath(path).endswith(".trr") else _of_ase(path)
    if every.shape[1] != atoms:
        told = f"frames of {every.shape[1]:,} atoms; expected {atoms:,}, as the file has"
        raise StructureError(str(path), None, told)
    return every


def _of_ase(path: str | os.PathLike[str]) -> NDArray[np.float64]:
    from ase import Atoms
    from ase.io.trajectory import TrajectoryReader

    try:
        images = [cast(Atoms, image).positions for image in TrajectoryReader(os.fspath(path))]
        return np.stack(images)
    except Exception as problem:
        raise StructureError(str(path), None, f"expected a trajectory (.trr or .traj): {problem}") from problem
