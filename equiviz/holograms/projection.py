"""`project`: from a protein to its holograms."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias, cast, get_args, overload

import torch

from equiviz.holograms.channels import HEAVY, with_channels
from equiviz.holograms.compiled_projection import project_neighbourhoods, projection_of
from equiviz.holograms.errors import HologramError
from equiviz.holograms.hologram import Counting, Hologram
from equiviz.holograms.layouts import POLAR_Z, Layout, arranged, arrays, check
from equiviz.holograms.neighbourhoods import RADIUS, Centre, Neighbourhoods
from equiviz.holograms.protein import Protein
from equiviz.holograms.zernike import Norm, Zernike

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Given: TypeAlias = "str | os.PathLike[str] | Protein | Neighbourhoods"


@overload
def project(
    given: Given,
    channels: Sequence[str] = HEAVY,
    layout: None = None,
    norm: Norm = "orthonormal",
    *,
    n_max: int = 20,
    l_max: int = 5,
    radius: float = RADIUS,
    counting: Counting = "atoms",
    dtype: torch.dtype = torch.float32,
) -> Hologram: ...
@overload
def project(
    given: Given,
    channels: Sequence[str] = HEAVY,
    *,
    layout: Layout,
    norm: Norm = "orthonormal",
    n_max: int = 20,
    l_max: int = 5,
    radius: float = RADIUS,
    counting: Counting = "atoms",
    dtype: torch.dtype = torch.float32,
) -> dict[int, NDArray[np.generic]]: ...
def project(
    given: Given,
    channels: Sequence[str] = HEAVY,
    layout: Layout | None = None,
    norm: Norm = "orthonormal",
    *,
    n_max: int = 20,
    l_max: int = 5,
    radius: float = RADIUS,
    counting: Counting = "atoms",
    dtype: torch.dtype = torch.float32,
) -> Hologram | dict[int, NDArray[np.generic]]:
    """The Zernike-Fourier coefficients of all sites of a protein, in the order of its chains.

    Args:
        given: the path of a PDB or mmCIF file, a `Protein`, or `Neighbourhoods`.
        channels: in the order of the rows: C, N, O, S, H (elements), SASA, charge, and what `channels` lists besides.
            Because H is asked for, hydrogens are added (by hydride) to a file that has none. SASA, charge and added
            hydrogens take the libraries of ``pip install 'equiviz[protein]'``.
        layout: None for a typed `Hologram`; ``"hcnn"`` or ``"hermes"`` for arrays by degree as those codes arrange
            them: ``[S, rows, 2l+1]``, see `layouts`.
        norm: of the radial functions, see `Zernike`.
        n_max: largest order; ``l_max``: largest degree.
        radius: of the neighbourhoods and the ball, in Å.
        counting: ``"square"`` divides what each atom adds by its own power, the sum over (n, l, m) of
            (R_nl Y_lm)^2, as HERMES does; else an atom counts by its channel alone.
        dtype: float32 or float64, of the sums and the result; positions are float64 throughout.

    Raises:
        StructureError: a file that cannot be read, or a protein without usable residues.
        HologramError: an unknown channel, layout or norm; orders out of range; a channel that the file cannot give.
        MissingLibrary: a channel whose library is not installed.
    """
    if counting not in get_args(Counting):
        raise HologramError(f"Expected counting {' or '.join(map(repr, get_args(Counting)))}, got {counting!r}.")
    if layout is not None:
        check(layout)
    around = neighbourhoods_of(given, channels, radius)
    basis = Zernike(n_max, l_max, around.radius, norm)
    if layout is None or around.centre == "both":
        hologram = project_neighbourhoods(around, channels, basis, counting=counting, dtype=dtype)
        return hologram if layout is None else arranged(hologram, layout)
    about_z = projection_of(around, channels, basis, counting, dtype, POLAR_Z)
    return arrays(about_z, len(around), len(channels), basis, layout, dtype)


def neighbourhoods_of(
    given: Given, channels: Sequence[str] = HEAVY, radius: float = RADIUS, centre: Centre = "CA"
) -> Neighbourhoods:
    """Whatever `project` takes as neighbourhoods, with what the channels need; hydrogens count only for channel H.

    Neighbourhoods are taken as they are, with their own radius and centre.
    """
    if isinstance(given, Neighbourhoods):
        return given
    if not isinstance(cast(object, given), (str, os.PathLike, Protein)):
        raise HologramError(
            f"Expected the path of a PDB or mmCIF file, a Protein or Neighbourhoods, got a {type(given).__name__}."
        )
    protein = given if isinstance(given, Protein) else Protein.read(given)
    return Neighbourhoods.of(with_channels(protein, channels), radius, hydrogens="H" in channels, centre=centre)
