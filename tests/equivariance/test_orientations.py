"""Verbs that go over orientations: only of inputs that rotations of space act on, and only over those that do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import equiviz
from equiviz.apps.examination import examine
from equiviz.equivariance.errors import CheckError, NoSmallMotionError
from equiviz.equivariance.spectrum import spectrum
from equiviz.equivariance.sphere_map import sphere_map
from equiviz.equivariance.symmetrize import symmetrize
from equiviz.equivariance.worst_element import worst_element
from equiviz.models.registry import build
from equiviz.models.unitary import UnitaryNetwork, example
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.sphere_signal import SphereSignal
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.groups import haar_matrices
from equiviz.training.seeds import seeded

KINDS = r"what acts on it is of other kinds \(unitary, real rotation, diagonal phase\). equiviz.check and"


def gauge_network() -> tuple[EquivariantModel, SphereSignal]:
    with seeded(0):
        model = build("gauge_cnn", {"level": 1, "widths": [2, 2], "strides": [1, 1], "outputs": 2}).double().eval()
    values = torch.randn(3, 1, 42, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return model, SphereSignal.of(values)


def unitary_network() -> tuple[EquivariantModel, TypedTensors]:
    with seeded(0):
        model = build("unitary", {"vectors": 3, "field": True, "channels": 4, "hidden": 8}).double().eval()
    assert isinstance(model, UnitaryNetwork)
    return model, example(3, 0)


ASKED: dict[str, Callable[[EquivariantModel, TypedTensors], object]] = {
    "spectrum": lambda model, x: spectrum(model, x, 2),
    "spectrum on SO": lambda model, x: spectrum(model, x, 2, "SO(3)"),
    "search": lambda model, x: worst_element(model, x, 2),
    "sphere map": lambda model, x: sphere_map(model, x, points=8),
    "symmetrize": lambda model, x: symmetrize(model, 2)(x),
}


@pytest.mark.parametrize("asked", list(ASKED))
def test_rotations_that_do_nothing_are_refused(asked: str) -> None:
    """A mean over rotations that act as the identity would call any network exact."""
    with pytest.raises(CheckError, match=KINDS):
        ASKED[asked](*unitary_network())


def test_the_same_holds_of_functions() -> None:
    def broken(z: Tensor) -> Tensor:
        return z.real.relu() + 0j

    z = torch.randn(3, 3, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))
    with pytest.raises(CheckError, match=KINDS):
        spectrum(broken, z, 2, inputs="1xV(3)", outputs="1xV(3)")
    with pytest.raises(CheckError, match=KINDS):
        symmetrize(broken, 2, inputs="1xV(3)", outputs="1xV(3)")(z)


def test_a_spectrum_of_signals_on_the_sphere_leaves_inversion_out() -> None:
    model, x = gauge_network()
    report = spectrum(model, x, 2)
    assert report.group == "SO(3)"
    assert not report.passed  # the control: it claims rotations of the icosahedron, and no others
    with pytest.raises(CheckError, match=r"spectrum was asked for O\(3\), but no inversion acts on this input: take"):
        spectrum(model, x, 2, "O(3)")
    with pytest.raises(CheckError, match="worst_element was asked for"):
        worst_element(model, x, 2, "O(3)")


def test_inputs_on_which_nothing_acts_are_turned_all_the_same() -> None:
    report = spectrum(lambda a: a, torch.ones(3, 2), 2, inputs="2x0e", outputs="2x0e")
    assert report.group == "O(3)"
    assert report.passed


def test_a_network_of_spheres_is_averaged_over_rotations() -> None:
    model, _ = gauge_network()
    weights = torch.tensor([0.3, -1.0, 0.7], dtype=torch.float64)

    def drawn(turn: Tensor) -> SphereSignal:
        """A smooth map, which a grid turns well, after a rotation."""
        return SphereSignal.sampled(lambda points: (points @ turn @ weights + 1).square(), 1)

    def change(network: EquivariantModel) -> float:
        found = [network(drawn(turn))["classes"].values for turn in haar_matrices(6, 0, "SO(3)")]
        return float(torch.cat(found).detach().std(0).max())

    average = symmetrize(model, 4, "SO(3)")
    assert average.group == "SO(3)"
    assert change(average) < 0.2 * change(model)
    with pytest.raises(CheckError, match=r"symmetrize was asked for O\(3\)"):
        symmetrize(model, 2)(drawn(torch.eye(3, dtype=torch.float64)))


def test_names_and_files_are_read_by_the_model_inside() -> None:
    model, _ = gauge_network()
    assert isinstance(symmetrize(model, 2, "SO(3)").reads("digits"), SphereSignal)


def test_grids_have_no_small_motions() -> None:
    model, x = gauge_network()
    with pytest.raises(NoSmallMotionError, match=r"follows small motions, and this input has none: .* tries finite"):
        equiviz.lie_derivative(model, x)
    found = examine(model, x, elements=2)
    assert found.drifts is None
    assert found.varies is None
    assert found.passed
    assert "How fast does it drift?" not in found.describe()


def test_unitary_networks_have_small_motions() -> None:
    model, x = unitary_network()
    found = examine(model, x, elements=2)
    assert found.drifts is not None
    assert found.drifts.passed
    assert found.varies is None
