"""`equiviz.explore(model, structures)`: the linked explorer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from torch import nn

from equiviz.apps.explorer.recorded import Recorded
from equiviz.equivariance.check_widget.look import need_libraries
from equiviz.features.model_input import Given
from equiviz.nn.stage import Support

if TYPE_CHECKING:
    from equiviz.apps.explorer.face import Explorer


def explore(
    model: nn.Module,
    structures: Given | Sequence[Given],
    other: nn.Module | None = None,
    *,
    names: Sequence[str] = (),
    supports: Mapping[str, Support] | None = None,
    height: int = 480,
) -> Explorer:
    """Look into a model: choose a layer, an irrep and a channel; turn the input; compare layers, or two models.

    Args:
        model: anything that `equiviz.capture` takes: an `EquivariantModel`, any module with Stages or made of e3nn
            modules; models of other packages are adapted, and where nothing declares types they are inferred.
        structures: one or several, each a Structure, `ase.Atoms`, a PyG `Data` or the path of a file; or one Graph.
        other: a second model, which is shown the same structures.
        names: of the model, or of both; by default their classes.
        supports: as in `equiviz.capture`.
        height: of the view, in CSS pixels.

    Returns:
        the widget; ``explorer.view.selected``, ``explorer.choose(...)`` and ``explorer.choice`` work from Python.

    Raises:
        MissingLibrary: ipywidgets or anywidget is absent.
        CaptureError, CheckError, ModelError, StructureError: as `equiviz.capture`.
    """
    need_libraries()
    from equiviz.apps.explorer.face import Explorer

    first, second = (*names, "", "")[:2]
    every = [Recorded.of(model, structures, supports, first)]
    if other is not None:
        every.append(Recorded.of(other, structures, supports, second))
    return Explorer(_named(every), height)


def _named(models: list[Recorded]) -> dict[str, Recorded]:
    """Two models of one class are told apart by numbers."""
    if len({model.name for model in models}) < len(models):
        return {f"{model.name} {k + 1}": model for k, model in enumerate(models)}
    return {model.name: model for model in models}
