"""`equiviz.explore(model, structures)`: the linked explorer, or, of a model of amino acids, that of proteins."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from torch import nn

from equiviz.apps.explorer.recorded import Recorded
from equiviz.equivariance.check_widget.look import need_libraries
from equiviz.features.model_input import Given
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.errors import ModelError
from equiviz.nn.stage import Support
from equiviz.structures.formats.source import need_file
from equiviz.training.load import load

if TYPE_CHECKING:
    from equiviz.apps.explorer.face import Explorer
    from equiviz.apps.protein_explorer.face import ProteinExplorer
    from equiviz.apps.protein_explorer.opening import Viewer

AMINO_ACIDS = "amino acids"
"""The task of models that look at proteins."""


def explore(
    given: object = None,
    structures: object = None,
    other: nn.Module | None = None,
    *,
    model: nn.Module | str | os.PathLike[str] | None = None,
    names: Sequence[str] = (),
    supports: Mapping[str, Support] | None = None,
    height: int | None = None,
    viewer: Viewer = "auto",
    trajectory: str | os.PathLike[str] | None = None,
) -> Explorer | ProteinExplorer:
    """Look into a model: choose a layer, an irrep and a channel; turn the input; compare layers, or two models.

    Signals on the sphere and states in phase space are looked at in the same way: points instead of atoms, and the hand
    turns by whatever acts on them (`equiviz.symmetry.Transformations`).

    A model of amino acids opens the explorer of proteins instead: a cartoon, a deep mutational scan, and the
    neighbourhood of each residue with what the preference rests on.

    Example:
        ``explore(model, structures)``; ``explore("2lzm.pdb", model="hcnn")``

    Args:
        given: the model: anything that `equiviz.capture` takes, an `EquivariantModel`, any module with Stages or made
            of e3nn modules; models of other packages are adapted, and where nothing declares types they are inferred.
            Or, with ``model=``, what the model is to see.
        structures: one or several, each a Structure, `ase.Atoms`, a PyG `Data` or the path of a file; or one Graph; or
            what a model reads instead: a `SphereSignal`, complex vectors ``[systems, particles, n]`` with n of 2 or 3.
            For a model of amino acids, a PDB or mmCIF file or a `Protein`; without one, rhodopsin.
        other: a second model, which is shown the same structures.
        model: the model, or the name or folder of its weights, where `given` is what it sees.
        names: of the model, or of both; by default their classes.
        supports: as in `equiviz.capture`.
        height: of the views, in CSS pixels.
        viewer: of a protein's cartoon: "nglview", "3dmol", or "auto": nglview where it is installed.
        trajectory: more frames of a protein's file, as GROMACS' .trr or ASE's .traj; by default the file's models.

    Returns:
        the widget; ``explorer.choose(...)`` works from Python.

    Raises:
        MissingLibrary: ipywidgets or anywidget is absent.
        ModelError: no model, or nothing that it could see.
        UnknownWeights, CheckpointError: as `equiviz.load`.
        CaptureError, CheckError, StructureError: as `equiviz.capture`.
    """
    network, seen = _told_apart(given, structures, model)
    amino = isinstance(network, EquivariantModel) and network.task == AMINO_ACIDS
    for path in _paths(seen if amino or not isinstance(network, EquivariantModel) else network.reads(seen), trajectory):
        need_file(path)
    if isinstance(network, EquivariantModel) and amino:
        return _proteins(network, seen, other, viewer, trajectory, height)
    if seen is None:
        raise ModelError("Expected something that the model can see: explore(model, structures).")
    need_libraries()
    from equiviz.apps.explorer.face import Explorer

    first, second = (*names, "", "")[:2]
    shown = cast("Given | Sequence[Given]", seen)
    every = [Recorded.of(network, shown, supports, first)]
    if other is not None:
        every.append(Recorded.of(other, shown, supports, second))
    return Explorer(_named(every), 480 if height is None else height)


def _told_apart(given: object, structures: object, model: object) -> tuple[nn.Module, object]:
    """The model, and what it is to see."""
    if model is None:
        network, seen = given, structures
    elif given is None or structures is None:
        network, seen = model, given if structures is None else structures
    else:
        raise ModelError(f"Expected one thing to look at beside model=, got a {type(given).__name__} and structures.")
    if model is not None and isinstance(network, (str, os.PathLike)):
        network = load(cast(str, network))
    if not callable(network):
        what = repr(str(given)) if isinstance(given, (str, os.PathLike)) else "structures"
        raise ModelError(
            f'Expected a model, got {_kind(network)}. Say which one is to look: explore({what}, model="hcnn"), with '
            "the name or the folder of weights or the model itself, or explore(model, structures)."
        )
    return cast(nn.Module, network), seen


def _paths(seen: object, trajectory: object) -> list[str | os.PathLike[str]]:
    """The files among what the model is to see."""
    every = list(seen) if isinstance(seen, (list, tuple)) else [seen]
    return [given for given in (*every, trajectory) if isinstance(given, (str, os.PathLike))]


def _kind(network: object) -> str:
    return "none" if network is None else f"a {type(network).__name__}"


def _proteins(
    network: EquivariantModel,
    seen: object,
    other: object,
    viewer: Viewer,
    trajectory: str | os.PathLike[str] | None,
    height: int | None,
) -> ProteinExplorer:
    from equiviz.apps.protein_explorer.opening import explore_protein

    if other is not None:
        raise ModelError("Models of amino acids are looked at one at a time: leave out `other`.")
    pixels = 420 if height is None else height
    return explore_protein(network, seen, viewer=viewer, trajectory=trajectory, height=pixels)


def _named(models: list[Recorded]) -> dict[str, Recorded]:
    """Two models of one class are told apart by numbers."""
    if len({model.name for model in models}) < len(models):
        return {f"{model.name} {k + 1}": model for k, model in enumerate(models)}
    return {model.name: model for model in models}
