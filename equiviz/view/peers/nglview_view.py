"""A structure in nglview: proteins as cartoons, and trajectories. Needs ``nglview==4.0``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from equiviz.view.errors import ViewError
from equiviz.view.peers.nglview_package import nglview
from equiviz.view.peers.py3dmol_view import colours_of

if TYPE_CHECKING:
    from equiviz.structures.structure import Structure
    from equiviz.view.layers import Atoms

MACROMOLECULES = {".pdb": "pdb", ".ent": "pdb", ".cif": "cif", ".mmcif": "cif"}


def nglview_view(source: object, structure: Structure, atoms: Atoms) -> Any:
    """An `nglview.NGLWidget`.

    Args:
        source: what `show` was given: the path of a PDB or mmCIF file keeps its chains and residues (a cartoon).
        structure: the same as a structure.
        atoms: how its atoms are coloured.

    Raises:
        MissingLibrary: nglview is absent, or another version than the one that draws.
        ViewError: species that are no elements.
    """
    package = nglview()
    path = Path(os.fspath(source)) if isinstance(source, (str, os.PathLike)) else None
    if path is not None and path.suffix.lower() in MACROMOLECULES:
        text = package.TextStructure(path.read_text(), ext=MACROMOLECULES[path.suffix.lower()])
        return package.NGLWidget(text)
    if structure.species_names is not None:
        raise ViewError("nglview draws chemical elements only. Leave out backend=.")
    view = package.NGLWidget(package.ASEStructure(structure.to_ase()))
    view.clear_representations()
    colours = colours_of(atoms)
    for colour in dict.fromkeys(colours):
        own = np.flatnonzero(np.array(colours) == colour)
        view.add_representation("ball+stick", selection=f"@{','.join(map(str, own))}", color=colour)
    return view
