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
    from equiviz.explain.attribution.attribute import attribute as attribute
    from equiviz.explain.attribution.body_orders import body_orders as body_orders
    from equiviz.explain.attribution.directions import radial_and_angular as radial_and_angular
    from equiviz.explain.attribution.many import attribute_each as attribute_each
    from equiviz.explain.blind_spots.blind_spots import blind_spots as blind_spots
    from equiviz.explain.blind_spots.search import find_blind_spot as find_blind_spot
    from equiviz.explain.blind_spots.unseen import unseen_directions as unseen_directions
    from equiviz.explain.capture_each import capture_each as capture_each
    from equiviz.explain.counterfactual.counterfactual import counterfactual as counterfactual
    from equiviz.explain.dictionary.dictionary import dictionary as dictionary
    from equiviz.explain.equivariant_probe import equivariant_probe as equivariant_probe
    from equiviz.explain.interventions.ablate import ablate as ablate
    from equiviz.explain.interventions.patch import patch as patch
    from equiviz.explain.interventions.steer import steer as steer
    from equiviz.explain.likeness.compare import likeness as likeness
    from equiviz.explain.probe import probe as probe
    from equiviz.explain.symmetry_breaking.breaking import symmetry_breaking as symmetry_breaking
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
    "ablate": "explain.interventions.ablate",
    "assert_equivariant": "equivariance.check",
    "attribute": "explain.attribution.attribute",
    "attribute_each": "explain.attribution.many",
    "blind_spots": "explain.blind_spots.blind_spots",
    "body_orders": "explain.attribution.body_orders",
    "capture": "features.capture",
    "capture_each": "explain.capture_each",
    "check": "equivariance.check",
    "counterfactual": "explain.counterfactual.counterfactual",
    "dictionary": "explain.dictionary.dictionary",
    "doctor": "apps.doctor",
    "equivariant_probe": "explain.equivariant_probe",
    "evaluate": "training.evaluate",
    "examine": "apps.examination",
    "explore": "apps.explorer.explorer",
    "find_blind_spot": "explain.blind_spots.search",
    "inferred": "features.inferred_model",
    "lie_derivative": "equivariance.lie_derivative",
    "likeness": "explain.likeness.compare",
    "load": "training.load",
    "patch": "explain.interventions.patch",
    "probe": "explain.probe",
    "radial_and_angular": "explain.attribution.directions",
    "read": "structures",
    "show": "view.show",
    "spectrum": "equivariance.spectrum",
    "sphere_map": "equivariance.sphere_map",
    "steer": "explain.interventions.steer",
    "symmetrize": "equivariance.symmetrize",
    "symmetry_breaking": "explain.symmetry_breaking.breaking",
    "unseen_directions": "explain.blind_spots.unseen",
    "worst_element": "equivariance.worst_element",
}

__all__ = [
    "Field",
    "Graph",
    "Scene",
    "Structure",
    "StructureError",
    "__version__",
    "ablate",
    "assert_equivariant",
    "attribute",
    "attribute_each",
    "blind_spots",
    "body_orders",
    "capture",
    "capture_each",
    "check",
    "counterfactual",
    "dictionary",
    "doctor",
    "equivariant_probe",
    "evaluate",
    "examine",
    "explore",
    "find_blind_spot",
    "inferred",
    "lie_derivative",
    "likeness",
    "load",
    "patch",
    "probe",
    "radial_and_angular",
    "read",
    "show",
    "spectrum",
    "sphere_map",
    "steer",
    "symmetrize",
    "symmetry_breaking",
    "unseen_directions",
    "worst_element",
]


__getattr__ = lazy_names(__name__, _HOME)


def __dir__() -> list[str]:
    return list(__all__)
