"""From what a user hands over to the explorer: which viewer, which frames."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from equiviz.apps.protein_explorer.frames import read_frames, shipped_frames
from equiviz.apps.protein_explorer.subject import Subject
from equiviz.datasets.proteins.rhodopsin import rhodopsin
from equiviz.equivariance.check_widget.look import need_libraries
from equiviz.holograms.neighbourhoods import Neighbourhoods
from equiviz.holograms.protein import Protein
from equiviz.nn.errors import ModelError
from equiviz.structures.errors import StructureError
from equiviz.view.peers.nglview_package import draws

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from equiviz.apps.protein_explorer.face import ProteinExplorer
    from equiviz.nn.equivariant_model import EquivariantModel
    from equiviz.view.cartoon import Cartoon
    from equiviz.view.peers.nglview_cartoon import NglviewCartoon

Viewer: TypeAlias = Literal["auto", "nglview", "3dmol"]


def explore_protein(
    model: EquivariantModel,
    given: object,
    *,
    viewer: Viewer = "auto",
    trajectory: str | os.PathLike[str] | None = None,
    height: int = 420,
) -> ProteinExplorer:
    """Look at a protein as a network of amino acids sees it.

    Args:
        model: of amino acids.
        given: the path of a PDB or mmCIF file, a `Protein`, or `Neighbourhoods`; a file with several models of the same
            atoms is a trajectory. None: the rhodopsin that is part of the package, with its trajectory.
        viewer: of the cartoon: "nglview", "3dmol" (ours), or "auto": nglview where the version that draws is installed.
        trajectory: more frames of the file, as GROMACS' .trr or ASE's .traj.
        height: of the cartoon and the neighbourhood, in CSS pixels.

    Raises:
        ModelError: what is no protein; another viewer; a model that reads no proteins.
        StructureError: a file that cannot be read, or no usable residue.
        MissingLibrary: ipywidgets or anywidget is absent, or nglview where it was asked for.
    """
    if viewer not in get_args(Viewer):
        raise ModelError(f"Expected viewer {', '.join(map(repr, get_args(Viewer)))}, got {viewer!r}.")
    shipped = given is None
    given = rhodopsin() if given is None else given
    if not isinstance(given, (str, os.PathLike, Protein, Neighbourhoods)):
        raise ModelError(
            f"{model.title} reads proteins. Expected the path of a PDB or mmCIF file, or a Protein, got "
            f"{type(given).__name__}."
        )
    need_libraries()
    from equiviz.apps.protein_explorer.face import ProteinExplorer

    subject = Subject.of(model, given)
    left_out = ""
    if shipped and trajectory is None:
        subject.frames = shipped_frames(subject.protein)
    elif isinstance(given, (str, os.PathLike)):
        try:
            subject.frames = read_frames(given, subject.protein, trajectory)
        except StructureError as problem:
            if trajectory is not None:
                raise
            left_out = f"Other models of the file are left out: {problem}"
    made = ProteinExplorer(subject, _cartoon(subject.protein, subject.frames, viewer, height), height)
    made.banner.show(left_out)
    return made


def _cartoon(
    protein: Protein, frames: NDArray[np.float64] | None, viewer: Viewer, height: int
) -> Cartoon | NglviewCartoon:
    if viewer == "nglview" or (viewer == "auto" and draws()):
        from equiviz.view.peers.nglview_cartoon import NglviewCartoon

        return NglviewCartoon(protein, frames, height)
    from equiviz.view.cartoon import Cartoon

    return Cartoon(protein, frames, height)
