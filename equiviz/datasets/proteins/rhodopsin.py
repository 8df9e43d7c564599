"""The protein that comes with the package: bovine rhodopsin (1U19) and 1 ns of its molecular dynamics.

From nglview (MIT licence), see ``data/proteins/README.md``. 348 residues with a retinal, and all
hydrogens, as the simulation had them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from equiviz.datasets.errors import DatasetError

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRUCTURE, FRAMES = "rhodopsin.pdb.gz", "rhodopsin_frames.npz"
SHA256 = {
    STRUCTURE: "6191e8f98b523853b8b737ab1332fcef4b1345b5cdc91ae84d8e286927fca61b",
    FRAMES: "67e5e76bc48eb8667210cd9aaf51de8dcb0af20ec953e3cc66810cdf979aa1ec",
}


@dataclass(frozen=True, eq=False)
class Trajectory:
    """T frames of A atoms.

    Attributes:
        times: ``[T]`` in ps.
        positions: ``[T, A, 3]`` in Å, float64; the atoms are those of ``Protein.read(rhodopsin())``, in its order.
    """

    times: NDArray[np.float64]
    positions: NDArray[np.float64]


def rhodopsin() -> Path:
    """The structure file, as the simulation starts.

    Raises:
        DatasetError: the file is not in the package, or is not the one that was shipped.
    """
    return _verified(STRUCTURE)


def rhodopsin_trajectory() -> Trajectory:
    """26 frames, one every 40 ps, rounded to 0.01 Å.

    Raises:
        DatasetError: as `rhodopsin`.
    """
    with np.load(_verified(FRAMES), allow_pickle=False) as file:
        return Trajectory(file["times"], np.cumsum(file["steps"], axis=0, dtype=np.int64) / 100)


def _verified(name: str) -> Path:
    package = Path(str(files("equiviz")))
    for folder in (package / "data" / "proteins", package.parent / "data" / "proteins"):
        path = folder / name
        if path.is_file():
            if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256[name]:
                raise DatasetError(path, "not the file that was shipped (its SHA-256 differs); install equiviz again")
            return path
    raise DatasetError(package, "expected data/proteins inside the package or beside it; install equiviz again")
