"""Holograms: the surroundings of amino acids as coefficients on which rotations act.

    file -> Protein -> Neighbourhoods -> Hologram -> a network

- `protein.py`: atoms and residues of a PDB or mmCIF file;
- `neighbourhoods.py`: who is within 10 Å of which CA;
- `channels.py`: what of each atom is projected; `hydrogens.py`, `surface.py`, `charges.py` calculate what files do not
  hold, `bonded_atoms.py` has what they need;
- `zernike.py`: the radial functions, and the one family of polynomials they are combined from;
- `projection.py`, the door; `compiled_projection.py` with `moments_kernel.py`, and for gradients and a GPU
  `torch_projection.py`;
- `hologram.py`: the coefficients, typed; `layouts.py`: as other codes arrange them; `reconstruction.py`: the way back.

The method: Pun, Ivanov, Bellamy, Montague, LaMont, Bradley, Otwinowski, Nourmohammad, "Learning the shape of protein
micro-environments with a holographic convolutional neural network", PNAS 121 (2024) e2300838121.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equiviz.lazy_names import lazy_names

if TYPE_CHECKING:
    from equiviz.holograms.channels import with_channels as with_channels
    from equiviz.holograms.errors import HologramError as HologramError
    from equiviz.holograms.hologram import Hologram as Hologram
    from equiviz.holograms.hydrogens import with_hydrogens as with_hydrogens
    from equiviz.holograms.neighbourhoods import Neighbourhoods as Neighbourhoods
    from equiviz.holograms.projection import project as project
    from equiviz.holograms.protein import AMINO_ACIDS as AMINO_ACIDS
    from equiviz.holograms.protein import Protein as Protein
    from equiviz.holograms.reconstruction import density as density
    from equiviz.holograms.torch_projection import project_offsets as project_offsets
    from equiviz.holograms.zernike import Zernike as Zernike

_HOME = {
    "AMINO_ACIDS": "protein",
    "Hologram": "hologram",
    "HologramError": "errors",
    "Neighbourhoods": "neighbourhoods",
    "Protein": "protein",
    "Zernike": "zernike",
    "density": "reconstruction",
    "project": "projection",
    "project_offsets": "torch_projection",
    "with_channels": "channels",
    "with_hydrogens": "hydrogens",
}

__all__ = [
    "AMINO_ACIDS",
    "Hologram",
    "HologramError",
    "Neighbourhoods",
    "Protein",
    "Zernike",
    "density",
    "project",
    "project_offsets",
    "with_channels",
    "with_hydrogens",
]

__getattr__ = lazy_names(__name__, _HOME)


def __dir__() -> list[str]:
    return list(__all__)
