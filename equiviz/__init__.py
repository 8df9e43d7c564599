"""equiviz: see into SE(3)/E(3)-equivariant networks.

One idea: know, for every tensor that flows through a model, which representation it carries. Each verb follows from
that: ``show`` draws it, ``capture`` records it, ``check`` turns it, ``probe`` asks what it knows.

Names are imported on first use, so that ``import equiviz`` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equiviz.lazy_names import lazy_names

if TYPE_CHECKING:
    from equiviz.apps.doctor import doctor as doctor
    from equiviz.apps.examination import examine as examine
    from equiviz.apps.explorer.explorer import explore as explore
    from equiviz.equivariance.check import assert_equivariant as assert_equivariant
    from equiviz.equivariance.check import check as check
    from equiviz.equivariance.lie_derivative import lie_derivative as lie_derivative
    from equiviz.equivariance.spectrum import spectrum as spectrum
    from equiviz.equivariance.sphere_map import sphere_map as sphere_map
    from equiviz.equivariance.symmetrize import symmetrize as symmetrize
    from equiviz.equivariance.worst_element import worst_element as worst_element
    from equiviz.explain.probe import probe as probe
    from equiviz.features.capture import capture as capture
    from equiviz.features.inferred_model import inferred as inferred
    from equiviz.structures import Graph as Graph
    from equiviz.structures import Structure as Structure
    from equiviz.structures import StructureError as StructureError
    from equiviz.structures import read as read
    from equiviz.symmetry import Field as Field
    from equiviz.training.evaluate import evaluate as evaluate
    from equiviz.training.load import load as load
    from equiviz.view.scene import Scene as Scene
    from equiviz.view.show import show as show

__version__ = "0.1.0"

_HOME = {
    "Field": "symmetry",
    "Graph": "structures",
    "Scene": "view.scene",
    "Structure": "structures",
    "StructureError": "structures",
    "assert_equivariant": "equivariance.check",
    "capture": "features.capture",
    "check": "equivariance.check",
    "doctor": "apps.doctor",
    "evaluate": "training.evaluate",
    "examine": "apps.examination",
    "explore": "apps.explorer.explorer",
    "inferred": "features.inferred_model",
    "lie_derivative": "equivariance.lie_derivative",
    "load": "training.load",
    "probe": "explain.probe",
    "read": "structures",
    "show": "view.show",
    "spectrum": "equivariance.spectrum",
    "sphere_map": "equivariance.sphere_map",
    "symmetrize": "equivariance.symmetrize",
    "worst_element": "equivariance.worst_element",
}

__all__ = [
    "Field",
    "Graph",
    "Scene",
    "Structure",
    "StructureError",
    "__version__",
    "assert_equivariant",
    "capture",
    "check",
    "doctor",
    "evaluate",
    "examine",
    "explore",
    "inferred",
    "lie_derivative",
    "load",
    "probe",
    "read",
    "show",
    "spectrum",
    "sphere_map",
    "symmetrize",
    "worst_element",
]


__getattr__ = lazy_names(__name__, _HOME)


def __dir__() -> list[str]:
    return list(__all__)
